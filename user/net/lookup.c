// SPDX-License-Identifier: GPL-2.0-only
/* lookup.c - what a namespace would do with a packet: its route, its neighbour, its sysctls. */
#include <errno.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "user/net/lookup.h"

static struct ip_addr attr_addr(uint8_t family, const struct nlattr *attr)
{
	struct ip_addr addr = {.family = family};

	if (mnl_attr_get_payload_len(attr) == address_bytes(&addr))
		memcpy(addr.bytes, mnl_attr_get_payload(attr), address_bytes(&addr));
	else
		addr.family = AF_UNSPEC;
	return addr;
}

/* RTA_VIA: a gateway of another family than the route's. */
static struct ip_addr attr_via(const struct nlattr *attr)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	struct ip_addr addr = {.family = via->rtvia_family};

	if (mnl_attr_get_payload_len(attr) >= sizeof(*via) + address_bytes(&addr))
		memcpy(addr.bytes, via->rtvia_addr, address_bytes(&addr));
	else
		addr.family = AF_UNSPEC;
	return addr;
}

static int on_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct route_answer *answer = arg;
	const struct nlattr *attr, *metric;

	answer->type = rtm->rtm_type;
	answer->table = rtm->rtm_table;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_OIF:
			answer->ifindex = mnl_attr_get_u32(attr);
			break;
		case RTA_TABLE:
			answer->table = mnl_attr_get_u32(attr);
			break;
		case RTA_GATEWAY:
			answer->via = attr_addr(rtm->rtm_family, attr);
			break;
		case RTA_VIA:
			answer->via = attr_via(attr);
			break;
		case RTA_PREFSRC:
			answer->source = attr_addr(rtm->rtm_family, attr);
			break;
		case RTA_METRICS:
			mnl_attr_for_each_nested(metric, attr) {
				if (mnl_attr_get_type(metric) == RTAX_MTU)
					answer->mtu = mnl_attr_get_u32(metric);
				if (mnl_attr_get_type(metric) == RTAX_HOPLIMIT)
					answer->hop_limit = mnl_attr_get_u32(metric);
			}
			break;
		}
	}
	return MNL_CB_STOP;
}

/* IPv6 says some refusals as a route of a kind instead of an error. */
static int error_of_type(uint8_t type)
{
	switch (type) {
	case RTN_BLACKHOLE:
		return EINVAL;
	case RTN_UNREACHABLE:
		return EHOSTUNREACH;
	case RTN_PROHIBIT:
		return EACCES;
	default:
		return 0;
	}
}

int route_get(struct nl *nl, const struct route_question *question, struct route_answer *out,
	      struct err *err)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))), text[IP_TEXT_SIZE], action[96];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	const struct nl_what what = {.object = "routes", .action = action};
	struct route_answer answer = {0};
	struct err failed = {0};
	size_t bytes = address_bytes(&question->to);
	int ret;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	rtm->rtm_family = question->to.family;
	rtm->rtm_dst_len = 8 * bytes;
	mnl_attr_put(nlh, RTA_DST, bytes, question->to.bytes);
	if (question->from.family) {
		rtm->rtm_src_len = 8 * bytes;
		mnl_attr_put(nlh, RTA_SRC, bytes, question->from.bytes);
	}
	if (question->in_ifindex)
		mnl_attr_put_u32(nlh, RTA_IIF, question->in_ifindex);
	if (question->out_ifindex)
		mnl_attr_put_u32(nlh, RTA_OIF, question->out_ifindex);
	if (question->protocol)
		mnl_attr_put_u8(nlh, RTA_IP_PROTO, question->protocol);
	snprintf(action, sizeof(action), "look up %s",
		 ip_format(&question->to, text, sizeof(text)));
	ret = nl_dump(nl, nlh, on_route, &answer, &what, &failed);
	switch (-ret) {
	case 0:
		answer.error = error_of_type(answer.type);
		break;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EACCES:
	case EINVAL: /* a blackhole; also "martian" sources when forwarding */
	case EXDEV:  /* rp_filter */
	case ENETDOWN:
	case ENODEV:
		answer = (struct route_answer){.error = -ret};
		break;
	default:
		if (err && !err->code)
			*err = failed;
		return ret;
	}
	*out = answer;
	return 0;
}

static int on_neighbor(const struct nlmsghdr *nlh, void *arg)
{
	static const uint8_t none[6];
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct neighbor_entry *entry = arg;
	const struct nlattr *attr;

	entry->state = ndm->ndm_state;
	mnl_attr_for_each(attr, nlh, sizeof(*ndm)) {
		if (mnl_attr_get_type(attr) != NDA_LLADDR ||
		    mnl_attr_get_payload_len(attr) != sizeof(entry->mac))
			continue;
		memcpy(entry->mac, mnl_attr_get_payload(attr), sizeof(entry->mac));
		entry->has_mac = memcmp(entry->mac, none, sizeof(none)) != 0;
	}
	return MNL_CB_STOP;
}

static int ask_neighbor(struct nl *nl, uint32_t ifindex, const struct ip_addr *addr, uint8_t flags,
			struct neighbor_entry *entry, struct err *err)
{
	char buf[128] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	const struct nl_what what = {
		.object = "neighbours", .action = "look one up", .ignore = ENOENT};

	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ndm->ndm_family = addr->family;
	ndm->ndm_ifindex = ifindex;
	ndm->ndm_flags = flags;
	mnl_attr_put(nlh, NDA_DST, address_bytes(addr), addr->bytes);
	return nl_dump(nl, nlh, on_neighbor, entry, &what, err);
}

int neighbor_get(struct nl *nl, uint32_t ifindex, const struct ip_addr *addr,
		 struct neighbor_entry *out, struct err *err)
{
	struct neighbor_entry entry = {.state = NUD_NONE};
	int ret = ask_neighbor(nl, ifindex, addr, 0, &entry, err);

	if (ret && ret != -ENOENT)
		return ret;
	*out = entry;
	return 0;
}

int neighbor_is_proxied(struct nl *nl, uint32_t ifindex, const struct ip_addr *addr, bool *proxied,
			struct err *err)
{
	struct neighbor_entry entry;
	int ret = ask_neighbor(nl, ifindex, addr, NTF_PROXY, &entry, err);

	if (ret && ret != -ENOENT)
		return ret;
	*proxied = !ret;
	return 0;
}

static int on_fdb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct fdb_entry *entry = arg;

	*entry = (struct fdb_entry){ndm->ndm_state, ndm->ndm_ifindex, ndm->ndm_flags & NTF_STICKY};
	return MNL_CB_STOP;
}

int fdb_get(struct nl *nl, uint32_t bridge, const uint8_t mac[6], uint16_t vid,
	    struct fdb_entry *entry, struct err *err)
{
	char buf[128] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	const struct nl_what what = {
		.object = "forwarding table", .action = "look a MAC up", .ignore = ENOENT};
	struct fdb_entry found = {.state = NUD_NONE};
	int ret;

	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ndm->ndm_family = AF_BRIDGE;
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	mnl_attr_put_u32(nlh, NDA_MASTER, bridge);
	if (vid)
		mnl_attr_put_u16(nlh, NDA_VLAN, vid);
	ret = nl_dump(nl, nlh, on_fdb, &found, &what, err);
	if (ret && ret != -ENOENT)
		return ret;
	*entry = found;
	return 0;
}

struct neighbor_visit {
	bool (*cb)(uint32_t ifindex, const struct ip_addr *addr, const uint8_t mac[6], void *arg);
	void *arg;
};

static int on_listed(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct neighbor_visit *visit = arg;
	struct neighbor_entry entry = {0};
	struct ip_addr addr = {.family = ndm->ndm_family};
	const struct nlattr *attr;
	bool has_addr = false;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || !visit->cb || !(ndm->ndm_state & NUD_PERMANENT) ||
	    (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6))
		return MNL_CB_OK;
	on_neighbor(nlh, &entry);
	mnl_attr_for_each(attr, nlh, sizeof(*ndm)) {
		if (mnl_attr_get_type(attr) != NDA_DST ||
		    mnl_attr_get_payload_len(attr) != address_bytes(&addr))
			continue;
		memcpy(addr.bytes, mnl_attr_get_payload(attr), address_bytes(&addr));
		has_addr = true;
	}
	if (has_addr && entry.has_mac && !visit->cb(ndm->ndm_ifindex, &addr, entry.mac, visit->arg))
		visit->cb = NULL;
	return MNL_CB_OK;
}

int neighbor_list(struct nl *nl,
		  bool (*cb)(uint32_t ifindex, const struct ip_addr *addr, const uint8_t mac[6],
			     void *arg),
		  void *arg, struct err *err)
{
	struct neighbor_visit visit = {cb, arg};
	struct nl_what what = {.object = "neighbors", .action = "be listed"};
	struct nlmsghdr *nlh = nl_begin(nl, RTM_GETNEIGH, NLM_F_DUMP);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ndmsg));
	return nl_dump(nl, nlh, on_listed, &visit, &what, err);
}

struct sysctl_request {
	const char *key;
	char *value;
	size_t size;
};

static int read_in_netns(void *arg)
{
	const struct sysctl_request *request = arg;

	return sysctl_get(request->key, request->value, request->size);
}

int sysctl_read(int netns_fd, const char *key, char *value, size_t size, struct err *err)
{
	struct sysctl_request request = {.key = key, .value = value, .size = size};
	int ret = netns_run(netns_fd, read_in_netns, &request, err);

	if (ret && ret != -ENOENT)
		return err_set(err, ERR_SYSTEM, -ret, "cannot read %s (kernel: %s)", key,
			       strerror(-ret));
	return ret;
}
