// SPDX-License-Identifier: GPL-2.0-only
/* narrow.c - whether the MTUs on the way to a next hop let a packet through (asking.h). */
#include <stdio.h>

#include "user/path/asking.h"

bool path_fits(struct path_asking *asking, const struct path_hop *hop, uint32_t mtu,
	       uint32_t peer_mtu, const struct end **culprit)
{
	bool v4 = asking->path->to.family == AF_INET;

	if (!asking->question->len)
		return true;
	if (!hop->in) {
		asking->size = asking->question->len;
		asking->may_cut =
			v4 && (asking->question->reply || asking->size > mtu ||
			       path_sysctl(asking, 1, "net.ipv4.ip_no_pmtu_disc", "") != 0);
	}
	*culprit = hop->out;
	if (asking->size > mtu && hop->in && !asking->may_cut)
		return false;
	if (asking->size > mtu)
		asking->size = mtu;
	if (!hop->out || asking->size <= peer_mtu + PATH_VLAN_TAG)
		return true;
	*culprit = hop->out->peer;
	return false;
}

static void note_end_mtu(struct path *path, unsigned mtu, const struct end *end)
{
	if (path->mtu && mtu >= path->mtu)
		return;
	path->mtu = mtu;
	path->widest_first = false;
	snprintf(path->narrow, sizeof(path->narrow), "%s", end->name);
}

/*
 * Whether a port of a bridge that is this narrow sends the packet. The bridge drops what is longer
 * by more than a VLAN tag (is_skb_forwardable). Where it hands packets to the rules of IP, all that
 * is longer is cut or, if that is forbidden, dropped (br_nf_dev_queue_xmit in
 * net/bridge/br_netfilter_hooks.c).
 */
static int port_sends(struct path_asking *asking, const struct end *port, uint32_t mtu, bool *sends,
		      struct err *err)
{
	bool v4 = asking->path->to.family == AF_INET;
	struct path_asking there = {.run = asking->run, .netns_fd = -1};
	int ret;

	*sends = asking->size <= mtu;
	if (*sends)
		return 0;
	ret = path_ask_open(&there, port->node, err);
	if (ret)
		return ret;
	if (path_sysctl(&there, 0,
			v4 ? "net.bridge.bridge-nf-call-iptables"
			   : "net.bridge.bridge-nf-call-ip6tables",
			"") != 1)
		*sends = asking->size <= mtu + PATH_VLAN_TAG;
	else if (v4 && asking->may_cut)
		*sends = true;
	if (*sends && asking->size > mtu + PATH_VLAN_TAG)
		asking->size = mtu;
	path_ask_close(&there);
	return 0;
}

int path_pass_bridges(struct path_asking *asking, const struct path_hop *hop,
		      const struct end **narrow, struct err *err)
{
	size_t n = hop->n_bridges < PATH_BRIDGES_MAX ? hop->n_bridges : PATH_BRIDGES_MAX;

	for (size_t i = 2 * n; i-- > 0 && !*narrow;) {
		const struct end *out = hop->bridges[i / 2].out;
		const struct end *end = !out ? NULL : i % 2 ? out : out->peer;
		uint32_t mtu = UINT32_MAX - PATH_VLAN_TAG;
		enum end_state state;
		bool passes;
		int ret = end ? path_end_state(asking->run, end, &state, &mtu, err) : 0;

		passes = !asking->question->len || asking->size <= mtu + PATH_VLAN_TAG;
		if (end && mtu + PATH_VLAN_TAG < asking->path->mtu)
			note_end_mtu(asking->path, mtu, end);
		if (!ret && end == out && asking->question->len)
			ret = port_sends(asking, end, mtu, &passes, err);
		if (ret)
			return ret;
		*narrow = passes ? NULL : end;
	}
	return 0;
}
