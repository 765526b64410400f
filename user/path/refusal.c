// SPDX-License-Identifier: GPL-2.0-only
/*
 * refusal.c - why the kernel of a node refuses a packet. Newer kernels answer a look-up with an
 * input interface by EINVAL whatever the cause is, so what ip_route_input_slow and
 * fib_validate_source (net/ipv4/route.c, fib_frontend.c) or ip6_forward look at is read in their
 * order.
 */
#include <errno.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/net/policy.h"
#include "user/path/asking.h"

/* ---- reading --------------------------------------------------------------------------------- */

void path_note(struct path *path, const char *what, const char *fmt, ...)
{
	struct path_reading *reading;
	va_list ap;

	if (path->n_readings == PATH_READINGS_MAX)
		return;
	reading = &path->readings[path->n_readings++];
	reading->node = path->hops[path->n_hops - 1].node;
	snprintf(reading->what, sizeof(reading->what), "%s", what);
	va_start(ap, fmt);
	vsnprintf(reading->value, sizeof(reading->value), fmt, ap);
	va_end(ap);
}

void path_sysctl_key(char key[PATH_WHAT_SIZE], const char *fmt, const char *ifname)
{
	const char *slot = strstr(fmt, "%s");
	char name[IFNAME_MAX + 1];

	if (!slot) {
		snprintf(key, PATH_WHAT_SIZE, "%s", fmt);
		return;
	}
	snprintf(name, sizeof(name), "%s", ifname);
	for (char *dot = strchr(name, '.'); dot; dot = strchr(dot, '.'))
		*dot = '/'; /* as sysctl(8) writes it */
	snprintf(key, PATH_WHAT_SIZE, "%.*s%s%s", (int)(slot - fmt), fmt, name, slot + 2);
}

int path_sysctl(struct path_asking *asking, int otherwise, const char *fmt, const char *ifname)
{
	char key[PATH_WHAT_SIZE], value[32];

	path_sysctl_key(key, fmt, ifname);
	if (sysctl_read(asking->netns_fd, key, value, sizeof(value), NULL))
		return otherwise;
	return (int)strtol(value, NULL, 10);
}

int path_sysctl_noted(struct path_asking *asking, int otherwise, const char *fmt,
		      const char *ifname)
{
	int value = path_sysctl(asking, INT_MIN, fmt, ifname);
	char key[PATH_WHAT_SIZE];

	if (value == INT_MIN)
		return otherwise;
	path_sysctl_key(key, fmt, ifname);
	path_note(asking->path, key, "%d", value);
	return value;
}

static bool either_is_on(struct path_asking *asking, const char *fmt)
{
	bool all = path_sysctl_noted(asking, 0, fmt, "all") > 0;

	return path_sysctl_noted(asking, 0, fmt, asking->in.ifname) > 0 || all;
}

/* ---- routes that refuse ---------------------------------------------------------------------- */

static const char *kind_of(uint8_t type)
{
	return type == RTN_PROHIBIT	 ? "a prohibit"
	       : type == RTN_UNREACHABLE ? "an unreachable"
	       : type == RTN_BLACKHOLE	 ? "a blackhole"
					 : NULL;
}

static int say_refusing(struct path_asking *asking, const struct path_hop *hop,
			const struct policy_answer *policy)
{
	const char *node = hop->node->name, *kind = kind_of(policy->type);
	char to[IP_TEXT_SIZE], from[IP_TEXT_SIZE + IFNAME_MAX + 8] = "all", route[IP_TEXT_SIZE],
								rule[96 + IP_TEXT_SIZE];
	struct path *path = asking->path;

	path->end = PATH_REFUSED;
	ip_format(&path->to, to, sizeof(to));
	ip_prefix_format(&policy->route, route, sizeof(route));
	if (policy->has_from)
		ip_prefix_format(&policy->from, from, sizeof(from));
	if (policy->in_ifname[0])
		snprintf(from + strlen(from), sizeof(from) - strlen(from), " iif %s",
			 policy->in_ifname);
	snprintf(rule, sizeof(rule), "rule %u from %s", policy->priority, from);
	if (policy->by == POLICY_RULE) {
		path_note(path, rule, "%s", strchr(kind, ' ') + 1);
		path_say(path,
			 "%s has %s rule for it (priority %u, from %s): packets to %s are dropped "
			 "there",
			 node, kind, policy->priority, from, to);
		path_suggest(path, "vethlab exec %s ip rule", node);
		return 0;
	}
	path_note(path, rule, "table %u: %s %s", policy->table, strchr(kind, ' ') + 1, route);
	if (policy->table == RT_TABLE_MAIN && !policy->has_from && !policy->in_ifname[0]) {
		path_say(path, "%s has %s route for %s: packets to it are dropped there", node,
			 kind, to);
		path_suggest(path, "vethlab exec %s ip route get %s", node, to);
		return 0;
	}
	path_say(
		path,
		"%s has %s route for %s in table %u, which its rule %u (from %s) leads to: packets "
		"to it are dropped there",
		node, kind, to, policy->table, policy->priority, from);
	path_suggest(path, "vethlab exec %s ip route show table %u", node, policy->table);
	return 0;
}

static int refused_by_policy(struct path_asking *asking, const struct path_hop *hop,
			     const struct policy_answer *policy)
{
	struct path *path = asking->path;
	int ret = say_refusing(asking, hop, policy);
	size_t len = strlen(path->text);

	if (!policy->unsure)
		return ret;
	path_note(path, "rules for marks, ports or users", "not decided");
	snprintf(path->text + len, sizeof(path->text) - len,
		 "; a rule before it is for marks, ports or users: whether it fits was not "
		 "looked at");
	return ret;
}

/* ---- settings -------------------------------------------------------------------------------- */

static int not_forwarding(struct path_asking *asking, const struct path_hop *hop, const char *key,
			  const char *also)
{
	struct path *path = asking->path;
	char to[IP_TEXT_SIZE];

	path->end = PATH_NO_FORWARD;
	ip_format(&path->to, to, sizeof(to));
	path_say(path, "%s does not forward IPv%d (%s is 0%s), and %s is not its address",
		 hop->node->name, path->to.family == AF_INET6 ? 6 : 4, key, also, to);
	path_suggest(path, "vethlab exec %s sysctl -w %s=1", hop->node->name, key);
	return 0;
}

/* What counts is the interface by which a packet comes; net.ipv4.ip_forward sets all of them. */
static bool forwards_ipv4(struct path_asking *asking)
{
	return path_sysctl_noted(asking, 1, "net.ipv4.conf.%s.forwarding", asking->in.ifname) != 0;
}

static int no_forward_ipv4(struct path_asking *asking, const struct path_hop *hop)
{
	char key[PATH_WHAT_SIZE];

	if (!path_sysctl_noted(asking, 1, "net.ipv4.ip_forward", ""))
		return not_forwarding(asking, hop, "net.ipv4.ip_forward", "");
	path_sysctl_key(key, "net.ipv4.conf.%s.forwarding", asking->in.ifname);
	return not_forwarding(asking, hop, key, ", where it comes in");
}

bool path_forwards_ipv6(struct path_asking *asking)
{
	/* force_forwarding: since Linux 6.17 */
	return path_sysctl(asking, 1, "net.ipv6.conf.%s.forwarding", "all") > 0 ||
	       path_sysctl(asking, 0, "net.ipv6.conf.%s.force_forwarding", asking->in.ifname) > 0;
}

int path_refuse_ipv6_forward(struct path_asking *asking, const struct path_hop *hop)
{
	path_sysctl_noted(asking, 1, "net.ipv6.conf.%s.forwarding", "all");
	path_sysctl_noted(asking, 0, "net.ipv6.conf.%s.force_forwarding", asking->in.ifname);
	return not_forwarding(asking, hop, "net.ipv6.conf.all.forwarding", "");
}

static bool is_loopback(const struct ip_addr *addr)
{
	return addr->family == AF_INET && addr->bytes[0] == 127;
}

/* A packet over a link with an address of 127.0.0.0/8. False: that is not the cause. */
static bool refused_localnet(struct path_asking *asking, const struct path_hop *hop)
{
	struct path *path = asking->path;
	bool to = is_loopback(&path->to);
	char text[IP_TEXT_SIZE];

	if ((!to && !is_loopback(&path->from)) ||
	    either_is_on(asking, "net.ipv4.conf.%s.route_localnet"))
		return false;
	path->end = PATH_LOCALNET;
	ip_format(to ? &path->to : &path->from, text, sizeof(text));
	path_say(path,
		 "%s drops it: %s %s is of 127.0.0.0/8, which may not come by a link where "
		 "route_localnet is 0 (read for all and for %s)",
		 hop->node->name, to ? "its destination" : "its source", text, asking->in.ifname);
	path_suggest(path, "vethlab exec %s sysctl -w net.ipv4.conf.%s.route_localnet=1",
		     hop->node->name, asking->in.ifname);
	return true;
}

/* ---- time to live -------------------------------------------------------------------------------
 */

void path_say_ttl(struct path_asking *asking, const struct path_hop *hop, const char *to)
{
	struct path *path = asking->path;
	const struct node *sender = path->hops[0].node;
	bool of_route = path->hops[0].route.hop_limit;

	path_say(path,
		 "%s sends it with a %s of %u%s, which is used up at %s: it is not forwarded to %s",
		 sender->name, path->to.family == AF_INET6 ? "hop limit" : "time to live",
		 asking->ttl, of_route ? " (the hoplimit of its route)" : "", hop->node->name, to);
	if (of_route)
		path_suggest(path, "vethlab exec %s ip route get %s", sender->name, to);
	else if (path->to.family == AF_INET6)
		path_suggest(path, "vethlab exec %s sysctl -w net.ipv6.conf.%s.hop_limit=255",
			     sender->name, path->hops[0].dev);
	else
		path_suggest(path, "vethlab exec %s sysctl -w net.ipv4.ip_default_ttl=255",
			     sender->name);
}

/* ---- sources --------------------------------------------------------------------------------- */

static void say_forgery(struct path_asking *asking, const struct path_hop *hop,
			const struct policy_answer *back, int all, int one)
{
	const char *node = hop->node->name;
	struct path *path = asking->path;
	char from[IP_TEXT_SIZE], other[IFNAME_MAX + 32] = "";
	struct link_info link;

	path->end = PATH_SPOOFED;
	ip_format(&path->from, from, sizeof(from));
	if (back->by == POLICY_ROUTE && back->ifindex &&
	    !link_get(asking->nl, back->ifindex, NULL, &link, NULL))
		snprintf(other, sizeof(other), " (it has one by %s)", link.ifname);
	path_say(path,
		 "%s drops it by reverse path filtering: it has no route to %s by %s%s, and "
		 "rp_filter "
		 "of %s is %d, the larger of all (%d) and %s (%d)",
		 node, from, hop->in->name, other, asking->in.ifname, all > one ? all : one, all,
		 asking->in.ifname, one);
	path_suggest(
		path,
		"vethlab exec %s sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.%s.rp_filter",
		node, asking->in.ifname);
}

bool path_fails_rp_filter(const struct policy_answer *back, int filter, uint32_t ifindex)
{
	return filter > 0 && !back->unsure &&
	       !(back->by == POLICY_ROUTE && back->type == RTN_UNICAST &&
		 (filter != 1 || !back->ifindex || back->ifindex == ifindex));
}

/* The source is validated by the way back to it. False: nothing that was read refuses it. */
static bool refused_source(struct path_asking *asking, const struct path_hop *hop,
			   const struct policy_answer *back)
{
	const char *node = hop->node->name;
	struct path *path = asking->path;
	char from[IP_TEXT_SIZE];
	int all, one;

	ip_format(&path->from, from, sizeof(from));
	if (back->by == POLICY_ROUTE && back->type == RTN_LOCAL &&
	    !either_is_on(asking, "net.ipv4.conf.%s.accept_local")) {
		path->end = PATH_OWN_SOURCE;
		path_say(path,
			 "%s drops it: its source %s is an address of %s itself, and accept_local "
			 "is 0 (read for all and for %s)",
			 node, from, node, asking->in.ifname);
		path_suggest(path, "vethlab exec %s ip address", node);
		return true;
	}
	all = path_sysctl_noted(asking, 0, "net.ipv4.conf.%s.rp_filter", "all");
	one = path_sysctl_noted(asking, 0, "net.ipv4.conf.%s.rp_filter", asking->in.ifname);
	if (!path_fails_rp_filter(back, all > one ? all : one, asking->in.ifindex))
		return false;
	say_forgery(asking, hop, back, all, one);
	return true;
}

/* ---- all together ---------------------------------------------------------------------------- */

static int unexplained(struct path_asking *asking, const struct path_hop *hop)
{
	struct path *path = asking->path;
	char read[PATH_TEXT_SIZE - 128] = "";
	size_t n = 0;

	for (size_t i = 0; i < path->n_readings && n < sizeof(read); i++)
		n += snprintf(read + n, sizeof(read) - n, "%s%s is %s", i ? ", " : "",
			      path->readings[i].what, path->readings[i].value);
	path->end = PATH_UNEXPLAINED;
	path_say(path, "the kernel of %s refuses it (%s); what was read does not explain it: %s",
		 hop->node->name, strerror(hop->route.error), n ? read : "its rules and routes");
	return 0;
}

static int no_route(struct path_asking *asking)
{
	asking->path->end = PATH_NO_ROUTE;
	path_verdict_text(asking, NULL);
	return 0;
}

/* Sent by the node itself. */
static int refuse_own(struct path_asking *asking, const struct path_hop *hop,
		      const struct policy_answer *policy)
{
	if (policy->by != POLICY_NOTHING && kind_of(policy->type))
		return refused_by_policy(asking, hop, policy);
	if (policy->by == POLICY_NOTHING && !policy->unsure)
		return no_route(asking);
	return hop->route.error == ENETUNREACH ? no_route(asking) : unexplained(asking, hop);
}

static int refuse_ipv4(struct path_asking *asking, const struct path_hop *hop,
		       const struct policy_answer *policy, struct err *err)
{
	struct policy_question question = {.to = asking->path->from,
					   .from = asking->path->to,
					   .in_ifname = "lo",
					   .protocol = path_protocol(&asking->path->to)};
	struct policy_answer back;
	struct link_info out;
	bool mine = policy->by == POLICY_ROUTE && policy->type == RTN_LOCAL;
	int ret;

	if (refused_localnet(asking, hop))
		return 0;
	if (!mine && !forwards_ipv4(asking))
		return no_forward_ipv4(asking, hop);
	if (policy->by != POLICY_NOTHING && kind_of(policy->type))
		return refused_by_policy(asking, hop, policy);
	if (policy->by == POLICY_NOTHING)
		return policy->unsure ? unexplained(asking, hop) : no_route(asking);
	/* The way back is looked up as if it came by the interface that the packet would leave by.
	 */
	if (!mine && policy->ifindex && !link_get(asking->nl, policy->ifindex, NULL, &out, NULL))
		question.in_ifname = out.ifname;
	ret = policy_look(asking->nl, &question, &back, err);
	if (ret)
		return ret;
	return refused_source(asking, hop, &back) ? 0 : unexplained(asking, hop);
}

int path_refuse(struct path_asking *asking, const struct path_hop *hop, struct err *err)
{
	struct path *path = asking->path;
	struct policy_question question = {.to = path->to,
					   .from = path->from,
					   .protocol = path_protocol(&path->to),
					   .in_ifname = hop->in ? asking->in.ifname : "lo"};
	struct policy_answer policy;
	int ret = policy_look(asking->nl, &question, &policy, err);

	if (ret)
		return ret;
	if (!hop->in)
		return refuse_own(asking, hop, &policy);
	if (path->to.family == AF_INET)
		return refuse_ipv4(asking, hop, &policy, err);
	if (!path_forwards_ipv6(asking))
		return path_refuse_ipv6_forward(asking, hop);
	return refuse_own(asking, hop, &policy);
}
