// SPDX-License-Identifier: GPL-2.0-only
/* neighbor.c - requests that change static neighbors. */
#include <linux/neighbour.h>

#include "user/net/net.h"

/* A request about one neighbor; its header and attributes can still be added to. */
static struct nlmsghdr *neighbor_request(struct nl *nl, uint16_t type, uint16_t flags,
					 uint32_t ifindex, const struct ip_addr *addr)
{
	struct nlmsghdr *nlh = nl_begin(nl, type, flags);
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(nlh, sizeof(*nd));

	nd->ndm_family = addr->family;
	nd->ndm_ifindex = ifindex;
	mnl_attr_put(nlh, NDA_DST, address_bytes(addr), addr->bytes);
	return nlh;
}

static struct ndmsg *neighbor_header(struct nlmsghdr *nlh)
{
	return mnl_nlmsg_get_payload(nlh);
}

int neighbor_add(struct nl *nl, uint32_t ifindex, const struct ip_addr *addr, const uint8_t mac[6],
		 const struct nl_what *what, struct err *err)
{
	struct nlmsghdr *nlh =
		neighbor_request(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, ifindex, addr);

	neighbor_header(nlh)->ndm_state = NUD_PERMANENT;
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	return nl_commit(nl, what, err);
}

int neighbor_delete(struct nl *nl, uint32_t ifindex, const struct ip_addr *addr,
		    const struct nl_what *what, struct err *err)
{
	neighbor_request(nl, RTM_DELNEIGH, 0, ifindex, addr);
	return nl_commit(nl, what, err);
}
