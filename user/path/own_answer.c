// SPDX-License-Identifier: GPL-2.0-only
/*
 * own_answer.c - whether a node answers a question for an address of its own (arp_process and
 * arp_ignore in net/ipv4/arp.c, ndisc_recv_ns in net/ipv6/ndisc.c), and where a bridge sends a
 * frame by its forwarding table (br_fdb_find_rcu in net/bridge/br_input.c).
 */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "user/net/policy.h"
#include "user/path/reach.h"

/* ---- answers --------------------------------------------------------------------------------- */

struct address_search {
	const struct ip_addr *addr;
	const char *unusable;
	bool found;
};

static bool on_address(const struct address_info *info, void *arg)
{
	struct address_search *search = arg;

	if (!ip_equal(&info->prefix.addr, search->addr))
		return true;
	search->found = true;
	search->unusable = address_unusable_word(info->flags);
	return false;
}

/* IPv6: only for an address of the interface by which the question comes. */
static int answers_ipv6(struct path_asking *there, const struct link_info *taker,
			const struct ip_addr *addr, char why[ANSWER_WHY_SIZE], struct err *err)
{
	struct address_search search = {.addr = addr};
	int ret = address_list(there->nl, taker->ifindex, on_address, &search, err);

	if (ret)
		return ret;
	if (!search.found)
		snprintf(why, ANSWER_WHY_SIZE, "the address is not of %s", taker->ifname);
	else if (search.unusable)
		snprintf(why, ANSWER_WHY_SIZE, "there it is %s", search.unusable);
	return search.found && !search.unusable;
}

/* Who asks by ARP gives its address: that of the packet if it is its own (arp_solicit). */
static int asks_as(struct path_asking *asking, const struct ip_addr *next, struct ip_addr *source,
		   struct err *err)
{
	struct route_question question = {.to = *next};
	struct route_answer route;
	int ret;

	*source = asking->path->from;
	if (!asking->in.ifindex && source->family)
		return 0;
	ret = route_get(asking->nl, &question, &route, err);
	if (!ret)
		*source = route.error ? (struct ip_addr){0} : route.source;
	return ret;
}

/* arp_filter: it answers only by the interface by which it would send to who asks. */
static int filters(struct path_asking *there, const struct link_info *taker,
		   const struct ip_addr *addr, const struct ip_addr *source,
		   char why[ANSWER_WHY_SIZE], struct err *err)
{
	static const char key[] = "net.ipv4.conf.%s.arp_filter";
	struct route_question question = {.to = *source, .from = *addr};
	bool all = path_sysctl(there, 0, key, "all") > 0,
	     one = path_sysctl(there, 0, key, taker->ifname) > 0;
	struct route_answer route;
	char text[IP_TEXT_SIZE];
	int ret;

	if (!all && !one)
		return 0;
	ret = route_get(there->nl, &question, &route, err);
	if (ret || (!route.error && route.ifindex == taker->ifindex))
		return ret;
	snprintf(why, ANSWER_WHY_SIZE,
		 "net.ipv4.conf.%s.arp_filter is 1, and it sends nothing to %s by %s",
		 one ? taker->ifname : "all", ip_format(source, text, sizeof(text)), taker->ifname);
	return 1;
}

/* all or IF, whichever is larger. */
static int larger_setting(struct path_asking *there, int otherwise, const char *fmt,
			  const struct link_info *taker)
{
	int all = path_sysctl(there, otherwise, fmt, "all"),
	    one = path_sysctl(there, otherwise, fmt, taker->ifname);

	return all > one ? all : one;
}

/* The look-up has refused who asks: by a setting, if what was read explains it. */
static int say_refused_source(struct path_asking *there, const struct link_info *taker,
			      const struct ip_addr *addr, const struct ip_addr *source,
			      char why[ANSWER_WHY_SIZE], struct err *err)
{
	int filter = larger_setting(there, 0, "net.ipv4.conf.%s.rp_filter", taker),
	    accepts = larger_setting(there, -1, "net.ipv4.conf.%s.accept_local", taker);
	struct policy_question question = {.to = *source, .from = *addr, .in_ifname = "lo"};
	struct policy_answer back;
	char text[IP_TEXT_SIZE];
	int used, ret = policy_look(there->nl, &question, &back, err);

	if (ret)
		return ret;
	used = snprintf(why, ANSWER_WHY_SIZE, "it refuses %s, which asks, as a source there",
			ip_format(source, text, sizeof(text)));
	if (source->bytes[0] == 127) /* route_localnet decides about these, too */
		return 0;
	if (back.by == POLICY_ROUTE && back.type == RTN_LOCAL && !accepts)
		snprintf(why + used, ANSWER_WHY_SIZE - used,
			 ": that address is its own, and accept_local is 0 (read for all and for "
			 "%s)",
			 taker->ifname);
	else if (path_fails_rp_filter(&back, filter, taker->ifindex))
		snprintf(why + used, ANSWER_WHY_SIZE - used, " (rp_filter is %d)", filter);
	return 0;
}

/* Whether the look-up by which it finds the address its own takes who asks for a source. */
static int takes_source(struct path_asking *asking, struct path_asking *there,
			const struct link_info *taker, const struct ip_addr *addr,
			char why[ANSWER_WHY_SIZE], struct err *err)
{
	struct route_question question = {.to = *addr, .in_ifindex = taker->ifindex};
	struct route_answer route;
	int ret = asks_as(asking, addr, &question.from, err);

	if (ret || !question.from.family)
		return ret ? ret : 1;
	ret = route_get(there->nl, &question, &route, err);
	if (ret)
		return ret;
	if (route.error)
		return say_refused_source(there, taker, addr, &question.from, why, err);
	ret = filters(there, taker, addr, &question.from, why, err);
	return ret < 0 ? ret : !ret;
}

/* IPv4: for any address of its own, unless arp_ignore says otherwise: the larger of all and IF. */
static int answers_ipv4(struct path_asking *there, const struct link_info *taker,
			const struct ip_addr *addr, char why[ANSWER_WHY_SIZE], struct err *err)
{
	static const char key[] = "net.ipv4.conf.%s.arp_ignore";
	int all = path_sysctl(there, 0, key, "all"),
	    one = path_sysctl(there, 0, key, taker->ifname), level = all > one ? all : one;
	struct address_search search = {.addr = addr};
	int ret;

	if (level != 1 && level != 2 && level != 8)
		return 1;
	snprintf(why, ANSWER_WHY_SIZE, "net.ipv4.conf.%s.arp_ignore is %d",
		 all > one ? "all" : taker->ifname, level);
	if (level == 8)
		return 0;
	ret = address_list(there->nl, taker->ifindex, on_address, &search, err);
	return ret ? ret : search.found;
}

int path_answers_own(struct path_asking *asking, struct path_asking *there,
		     const struct link_info *taker, const struct ip_addr *addr,
		     char why[ANSWER_WHY_SIZE], struct err *err)
{
	int ret;

	if (addr->family == AF_INET6)
		return answers_ipv6(there, taker, addr, why, err);
	if (taker->flags & IFF_NOARP) { /* arp_rcv */
		snprintf(why, ANSWER_WHY_SIZE, "%s takes no ARP (its flag NOARP is set)",
			 taker->ifname);
		return 0;
	}
	ret = answers_ipv4(there, taker, addr, why, err);
	return ret <= 0 ? ret : takes_source(asking, there, taker, addr, why, err);
}

int path_read_own_next(struct path_asking *asking, const struct path_hop *hop, struct err *err)
{
	struct address_search search = {.addr = &hop->next};
	int ret = 0;

	if (hop->next.family == AF_INET6 && !asking->by_mac)
		ret = address_list(asking->nl, hop->route.ifindex, on_address, &search, err);
	asking->own_next = search.unusable;
	return ret;
}

/* ---- forwarding tables of bridges ------------------------------------------------------------ */

static void name_port(struct path_asking *there, uint32_t ifindex, char name[IFNAME_MAX + 1])
{
	struct link_info link;

	if (link_get(there->nl, ifindex, NULL, &link, NULL))
		snprintf(name, IFNAME_MAX + 1, "interface %u", ifindex);
	else
		snprintf(name, IFNAME_MAX + 1, "%s", link.ifname);
}

/* Whether frames of the MAC's owner, by that port, renew what the bridge has: br_fdb_update(). */
static bool is_renewed(const struct fdb_crossing *at, const struct link_info *out,
		       const struct fdb_entry *entry)
{
	return !at->known && !out->no_learning && !entry->sticky;
}

static int in_vlan(struct path_asking *there, const struct fdb_crossing *at, uint16_t *vid,
		   struct err *err)
{
	struct bridge_vlans vlans;
	int ret;

	*vid = at->tag;
	if (!at->bridge->vlan_filtering || at->tag)
		return 0;
	ret = bridge_vlans_get(there->nl, at->in, &vlans, err);
	if (!ret)
		*vid = vlans.pvid;
	return ret;
}

static int read_fdb(struct path_asking *there, const struct fdb_crossing *at, char why[64],
		    struct err *err)
{
	char name[IFNAME_MAX + 1];
	struct fdb_entry entry;
	struct link_info out;
	uint16_t vid;
	int ret = in_vlan(there, at, &vid, err);

	if (!ret)
		ret = link_get(there->nl, at->out, NULL, &out, err);
	if (!ret)
		ret = fdb_get(there->nl, at->bridge->ifindex, at->mac, vid, &entry, err);
	if (ret)
		return ret;
	if (entry.state & NUD_PERMANENT) { /* whatever its port is: BR_FDB_LOCAL */
		snprintf(why, 64, "a permanent FDB entry makes the bridge take that MAC itself");
		return 1;
	}
	if (entry.state != NUD_NONE && entry.port == at->out)
		return 0;
	if (is_renewed(at, &out, &entry))
		return 0;
	if (entry.state == NUD_NONE) {
		snprintf(why, 64, "it does not flood (flood off), and the FDB has no such MAC");
		return out.no_flood;
	}
	name_port(there, entry.port, name);
	snprintf(why, 64, "a %s entry of its FDB has that MAC at %s",
		 entry.sticky		   ? "sticky"
		 : entry.state & NUD_NOARP ? "static"
					   : "learned",
		 name);
	return 1;
}

int path_look_up(struct path_asking *asking, struct path_asking *there, struct fdb_crossing *at,
		 char why[64], struct err *err)
{
	static const uint8_t none[6];

	if (!memcmp(asking->mac, none, sizeof(none)))
		return 0;
	at->mac = asking->mac;
	at->known = asking->by_mac && !asking->question->reply; /* else the request came that way */
	return read_fdb(there, at, why, err);
}
