// SPDX-License-Identifier: GPL-2.0-only
/*
 * bridged_frame.c - what a bridge does with a frame, by the states of its ports (should_deliver and
 * br_handle_frame in net/bridge, br_allowed_ingress and br_allowed_egress in br_vlan.c).
 */
#include "user/path/reach.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"

int reach_add(struct reach *reach, const struct end *in, ssize_t from, uint16_t tag)
{
	int ret;

	for (size_t i = 0; i < reach->n; i++)
		if (reach->list[i].in == in)
			return 0;
	ret = array_reserve_one(&reach->list, reach->n, sizeof(*reach->list));
	if (ret)
		return ret;
	reach->list[reach->n++] = (struct reached){in, from, tag};
	return 0;
}

static const char *state_word(uint8_t state)
{
	static const char *const words[] = {[BR_STATE_DISABLED] = "disabled",
					    [BR_STATE_LISTENING] = "listening",
					    [BR_STATE_LEARNING] = "learning",
					    [BR_STATE_FORWARDING] = "forwarding",
					    [BR_STATE_BLOCKING] = "blocking"};

	return state <= BR_STATE_BLOCKING ? words[state] : "unknown";
}

__attribute__((format(printf, 3, 4))) static int stopped(struct bridged *frame, uint32_t ifindex,
							 const char *fmt, ...)
{
	const struct end *end = path_end_of(frame->asking->run, frame->node, ifindex);
	va_list ap;

	if (frame->stopped || !end)
		return 0;
	frame->stopped = end;
	va_start(ap, fmt);
	vsnprintf(frame->why, sizeof(frame->why), fmt, ap);
	va_end(ap);
	return 0;
}

/* Returns 1 and the VLANs of a bridge's interface; 0 where the bridge filters none; or -errno. */
static int vlans_of(const struct bridged *frame, uint32_t ifindex, struct bridge_vlans *vlans,
		    struct err *err)
{
	int ret;

	if (!frame->bridge->vlan_filtering)
		return 0;
	ret = bridge_vlans_get(frame->asking->nl, ifindex, vlans, err);
	return ret ? ret : 1;
}

/* Returns 1 if the VLAN rules of an interface let the frame in: *vid, 0 where there are none. */
static int vlan_in(struct bridged *frame, uint16_t *vid, struct err *err)
{
	uint32_t ifindex = frame->in ? frame->in->ifindex : frame->bridge->ifindex;
	struct bridge_vlans vlans;
	int ret;

	*vid = frame->tag;
	ret = vlans_of(frame, ifindex, &vlans, err);
	if (ret <= 0)
		return ret ? ret : 1;
	*vid = frame->tag ? frame->tag : vlans.pvid;
	if (*vid && bridge_vlan_in(vlans.member, *vid))
		return 1;
	return *vid ? stopped(frame, ifindex, "it is not in VLAN %u", *vid)
		    : stopped(frame, ifindex, "it has no PVID for frames without a tag");
}

/* The same on the way out; *tag: what the frame leaves with. */
static int vlan_out(struct bridged *frame, uint32_t ifindex, uint16_t vid, uint16_t *tag,
		    struct err *err)
{
	struct bridge_vlans vlans;
	int ret;

	*tag = vid;
	ret = vlans_of(frame, ifindex, &vlans, err);
	if (ret <= 0)
		return ret ? ret : 1;
	if (!bridge_vlan_in(vlans.member, vid))
		return stopped(frame, ifindex, "it is not in VLAN %u", vid);
	*tag = bridge_vlan_in(vlans.untagged, vid) ? 0 : vid;
	return 1;
}

static int enters(struct bridged *frame, uint16_t *vid, struct err *err)
{
	if (frame->in && frame->in->port_state != BR_STATE_FORWARDING)
		return stopped(frame, frame->in->ifindex, "its STP state is %s",
			       state_word(frame->in->port_state));
	return vlan_in(frame, vid, err);
}

int bridged_to_node(struct bridged *frame, struct err *err)
{
	uint16_t vid, tag;
	int ret = enters(frame, &vid, err);

	if (ret > 0)
		ret = vlan_out(frame, frame->bridge->ifindex, vid, &tag, err);
	return ret > 0 ? !tag : ret;
}

/* Returns 1 if the port sends the frame on. */
static int leaves(struct bridged *frame, const struct link_info *port, uint16_t vid, uint16_t *tag,
		  struct err *err)
{
	if (frame->in && frame->in->ifindex == port->ifindex && !port->hairpin)
		return 0;
	if (end_state_of(port) != END_UP)
		return stopped(frame, port->ifindex, "it is %s",
			       end_state_of(port) == END_DOWN ? "down" : "without carrier");
	if (port->port_state != BR_STATE_FORWARDING)
		return stopped(frame, port->ifindex, "its STP state is %s",
			       state_word(port->port_state));
	if (frame->in && frame->in->isolated && port->isolated)
		return stopped(frame, port->ifindex, "it is isolated, as is %s", frame->in->ifname);
	return vlan_out(frame, port->ifindex, vid, tag, err);
}

struct ports {
	uint32_t bridge;
	struct link_info *list;
	size_t n;
	int error;
};

static bool on_port(const struct link_info *info, void *arg)
{
	struct ports *ports = arg;

	if (!info->is_port || info->master != ports->bridge)
		return true;
	ports->error = array_reserve_one(&ports->list, ports->n, sizeof(*ports->list));
	if (ports->error)
		return false;
	ports->list[ports->n++] = *info;
	return true;
}

/* Ports of the lab file that the bridge does not have now. */
static void tell_missing(struct bridged *frame, const struct ports *ports)
{
	for (size_t i = 0; i < frame->node->n_ends; i++) {
		const struct end *end = frame->node->ends[i];
		const char *bridge = path_bridge_of(end);
		uint32_t ifindex = running_ifindex(frame->asking->run, end);
		bool there = !bridge || strcmp(bridge, frame->bridge->ifname) != 0;

		for (size_t k = 0; !there && k < ports->n; k++)
			there = ports->list[k].ifindex == ifindex;
		if (!there)
			stopped(frame, ifindex, "it is no port of %s any more", bridge);
	}
}

static void note_stray(const struct bridged *frame, struct reach *reach,
		       const struct link_info *port)
{
	if (reach->stray)
		return;
	reach->stray = frame->node;
	snprintf(reach->stray_text, sizeof(reach->stray_text), "%s, %s, a port of %s", port->ifname,
		 port->kind[0] ? port->kind : "hardware", frame->bridge->ifname);
}

int bridged_to_ports(struct bridged *frame, struct reach *reach, struct err *err)
{
	struct ports ports = {.bridge = frame->bridge->ifindex};
	int ret = link_list(frame->asking->nl, on_port, &ports, err);
	cleanup_free struct link_info *list = ports.list;
	uint16_t vid, tag;

	if (ret || ports.error)
		return ret ? ret : ports.error;
	ret = enters(frame, &vid, err);
	if (ret <= 0)
		return ret;
	for (size_t i = 0; i < ports.n; i++) {
		const struct end *end =
			path_end_of(frame->asking->run, frame->node, list[i].ifindex);

		ret = leaves(frame, &list[i], vid, &tag, err);
		if (ret > 0 && !end)
			note_stray(frame, reach, &list[i]);
		if (ret > 0 && end)
			ret = reach_add(reach, end->peer, frame->from, tag);
		if (ret < 0)
			return ret;
	}
	tell_missing(frame, &ports);
	return 0;
}
