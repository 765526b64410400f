// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c - the rules of a namespace in their order, and the best route of each table
 * (fib_rules_lookup in net/core/fib_rules.c, fib_rule_match, fib4_rule_action).
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/net/policy.h"

struct rule {
	uint8_t action; /* FR_ACT_* */
	bool invert, unsure, has_from, has_to, suppresses;
	uint8_t protocol;	  /* 0: any */
	uint8_t tos;		  /* 0: any */
	char iif[IFNAME_MAX + 1]; /* "": any */
	struct ip_prefix from, to;
	uint32_t priority, table, target; /* target: of FR_ACT_GOTO */
	uint32_t suppressed; /* `suppresses`: routes with a prefix of this length or less count for
				nothing, but for those that refuse */
};

struct rules {
	struct rule *list;
	size_t n;
	int error;
};

static void take_prefix(struct ip_prefix *prefix, uint8_t family, uint8_t len,
			const struct nlattr *attr)
{
	size_t bytes = mnl_attr_get_payload_len(attr);

	*prefix = (struct ip_prefix){.addr.family = family, .len = len};
	memcpy(prefix->addr.bytes, mnl_attr_get_payload(attr),
	       bytes < sizeof(prefix->addr.bytes) ? bytes : sizeof(prefix->addr.bytes));
}

static void parse_rule_attr(struct rule *rule, const struct fib_rule_hdr *frh,
			    const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case FRA_SRC:
		rule->has_from = true;
		take_prefix(&rule->from, frh->family, frh->src_len, attr);
		break;
	case FRA_DST:
		rule->has_to = true;
		take_prefix(&rule->to, frh->family, frh->dst_len, attr);
		break;
	case FRA_IIFNAME:
		snprintf(rule->iif, sizeof(rule->iif), "%s", mnl_attr_get_str(attr));
		break;
	case FRA_PRIORITY:
		rule->priority = mnl_attr_get_u32(attr);
		break;
	case FRA_TABLE:
		rule->table = mnl_attr_get_u32(attr);
		break;
	case FRA_GOTO:
		rule->target = mnl_attr_get_u32(attr);
		break;
	case FRA_SUPPRESS_PREFIXLEN:
		rule->suppressed = mnl_attr_get_u32(attr);
		rule->suppresses = rule->suppressed != UINT32_MAX;
		break;
	case FRA_SUPPRESS_IFGROUP:
		if (mnl_attr_get_u32(attr) != UINT32_MAX)
			rule->unsure = true;
		break;
	case FRA_UNSPEC:
	case FRA_PAD:
	case FRA_PROTOCOL: /* who made it */
	case FRA_FLOW:	   /* the realm of accounting */
		break;
	case FRA_IP_PROTO:
		rule->protocol = mnl_attr_get_u8(attr);
		break;
	case FRA_L3MDEV:
		rule->unsure = mnl_attr_get_u8(attr);
		break;
	default: /* marks, ports, users, tunnels */
		rule->unsure = true;
		break;
	}
}

static int on_policy(const struct nlmsghdr *nlh, void *arg)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	struct rules *rules = arg;
	const struct nlattr *attr;
	struct rule *rule;

	if (nlh->nlmsg_type != RTM_NEWRULE || rules->error)
		return MNL_CB_OK;
	rules->error = array_reserve_one(&rules->list, rules->n, sizeof(*rules->list));
	if (rules->error)
		return MNL_CB_OK;
	rule = &rules->list[rules->n++];
	*rule = (struct rule){.action = frh->action,
			      .table = frh->table,
			      .invert = frh->flags & FIB_RULE_INVERT,
			      .tos = frh->tos};
	mnl_attr_for_each(attr, nlh, sizeof(*frh))
		parse_rule_attr(rule, frh, attr);
	return MNL_CB_OK;
}

static int read_rules(struct nl *nl, uint8_t family, struct rules *rules, struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_GETRULE, NLM_F_DUMP);
	const struct nl_what what = {
		.object = "rules", .action = "be listed", .ignore = EOPNOTSUPP};
	struct fib_rule_hdr *frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));
	int ret;

	frh->family = family;
	ret = nl_dump(nl, nlh, on_policy, rules, &what, err);
	if (ret && ret != -EOPNOTSUPP)
		return ret;
	return rules->error
		       ? err_set(err, ERR_SYSTEM, -rules->error, "routing rules: out of memory")
		       : 0;
}

static bool fits_rule(const struct rule *rule, const struct policy_question *question)
{
	bool fits =
		(!rule->has_from ||
		 (question->from.family && ip_prefix_contains(&rule->from, &question->from))) &&
		(!rule->protocol || !question->protocol || rule->protocol == question->protocol) &&
		(!rule->has_to || ip_prefix_contains(&rule->to, &question->to)) &&
		!rule->tos && /* that of the packet is 0 */
		(!rule->iif[0] || !strcmp(rule->iif, question->in_ifname));

	return fits != rule->invert;
}

/* ---- tables ---------------------------------------------------------------------------------- */

struct best {
	const struct policy_question *question;
	uint32_t table;
	bool found;
	uint32_t metric;
	struct policy_answer *answer;
};

struct candidate {
	struct ip_prefix to, from;
	uint32_t table, metric, ifindex;
};

static struct candidate parse_candidate(const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct candidate route = {.to = {.addr.family = rtm->rtm_family},
				  .from = {.addr.family = rtm->rtm_family},
				  .table = rtm->rtm_table};
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			take_prefix(&route.to, rtm->rtm_family, rtm->rtm_dst_len, attr);
			break;
		case RTA_SRC:
			take_prefix(&route.from, rtm->rtm_family, rtm->rtm_src_len, attr);
			break;
		case RTA_TABLE:
			route.table = mnl_attr_get_u32(attr);
			break;
		case RTA_PRIORITY:
			route.metric = mnl_attr_get_u32(attr);
			break;
		case RTA_OIF:
			route.ifindex = mnl_attr_get_u32(attr);
			break;
		}
	}
	return route;
}

static int on_candidate(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct best *best = arg;
	const struct policy_question *question = best->question;
	struct candidate route;

	if (nlh->nlmsg_type != RTM_NEWROUTE || rtm->rtm_flags & (RTNH_F_DEAD | RTM_F_CLONED))
		return MNL_CB_OK;
	route = parse_candidate(nlh);
	if (route.table != best->table || !ip_prefix_contains(&route.to, &question->to) ||
	    (route.from.len &&
	     (!question->from.family || !ip_prefix_contains(&route.from, &question->from))))
		return MNL_CB_OK;
	if (best->found &&
	    (route.to.len < best->answer->route.len ||
	     (route.to.len == best->answer->route.len && route.metric >= best->metric)))
		return MNL_CB_OK;
	best->found = true;
	best->metric = route.metric;
	best->answer->type = rtm->rtm_type;
	best->answer->route = route.to;
	best->answer->ifindex = route.ifindex;
	return MNL_CB_OK;
}

/* A route that refuses ends the search whatever its prefix: the kernel suppresses results, and its
 * errors are none (fib_rules_lookup, fib_props in net/ipv4/fib_semantics.c). */
static bool suppresses(const struct rule *rule, const struct policy_answer *found)
{
	return rule->suppresses && found->route.len <= rule->suppressed &&
	       found->type != RTN_UNREACHABLE && found->type != RTN_PROHIBIT &&
	       found->type != RTN_BLACKHOLE;
}

/* The best route of the rule's table goes to *answer, if it has one that the rule does not
 * suppress. */
static int look_in_table(struct nl *nl, const struct policy_question *question,
			 const struct rule *rule, struct policy_answer *answer, struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	const struct nl_what what = {.object = "routes", .action = "be listed", .ignore = ENOENT};
	struct policy_answer found = *answer;
	struct best best = {.question = question, .table = rule->table, .answer = &found};
	int ret;

	rtm->rtm_family = question->to.family;
	mnl_attr_put_u32(nlh, RTA_TABLE, rule->table);
	ret = nl_dump(nl, nlh, on_candidate, &best, &what, err);
	if (ret && ret != -ENOENT) /* there is no such table */
		return ret;
	if (!best.found || found.type == RTN_THROW || suppresses(rule, &found))
		return 0;
	*answer = found;
	answer->by = POLICY_ROUTE;
	answer->table = rule->table;
	return 0;
}

static uint8_t type_of_action(uint8_t action)
{
	return action == FR_ACT_BLACKHOLE     ? RTN_BLACKHOLE
	       : action == FR_ACT_UNREACHABLE ? RTN_UNREACHABLE
	       : action == FR_ACT_PROHIBIT    ? RTN_PROHIBIT
					      : RTN_UNSPEC;
}

static int follow(struct nl *nl, const struct rules *rules, const struct policy_question *question,
		  struct policy_answer *answer, struct err *err)
{
	uint32_t least = 0;

	for (size_t i = 0; i < rules->n && answer->by == POLICY_NOTHING; i++) {
		const struct rule *rule = &rules->list[i];
		int ret = 0;

		if (rule->priority < least || !fits_rule(rule, question))
			continue;
		if (rule->unsure || (rule->protocol && !question->protocol)) {
			answer->unsure = true;
			continue;
		}
		if (rule->action == FR_ACT_GOTO) {
			least = rule->target;
		} else if (rule->action == FR_ACT_TO_TBL) {
			ret = look_in_table(nl, question, rule, answer, err);
		} else if (type_of_action(rule->action) != RTN_UNSPEC) {
			answer->by = POLICY_RULE;
			answer->type = type_of_action(rule->action);
		}
		if (ret)
			return ret;
		answer->priority = rule->priority;
		answer->has_from = rule->has_from && !rule->invert;
		answer->from = rule->from;
		snprintf(answer->in_ifname, sizeof(answer->in_ifname), "%s",
			 rule->invert ? "" : rule->iif);
	}
	return 0;
}

int policy_look(struct nl *nl, const struct policy_question *question, struct policy_answer *out,
		struct err *err)
{
	struct policy_answer answer = {0};
	struct rules rules = {0};
	cleanup_free struct rule *list = NULL;
	int ret = read_rules(nl, question->to.family, &rules, err);

	list = rules.list;
	if (!ret)
		ret = follow(nl, &rules, question, &answer, err);
	if (ret)
		return ret;
	*out = answer;
	return 0;
}
