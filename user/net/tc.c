// SPDX-License-Identifier: GPL-2.0-only
/* tc.c - see tc.h. */
#include "user/net/tc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>

static struct tcmsg *put_header(struct nlmsghdr *msg, uint32_t ifindex)
{
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(msg, sizeof(*tc));

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)ifindex;
	return tc;
}

/* ---- the clsact qdisc ------------------------------------------------------------------------ */

struct clsact_search {
	uint32_t ifindex;
	enum tc_clsact found;
};

static int on_qdisc(const struct nlmsghdr *msg, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(msg);
	struct clsact_search *search = arg;
	const struct nlattr *attr;

	if (msg->nlmsg_type != RTM_NEWQDISC || tc->tcm_ifindex != (int)search->ifindex ||
	    tc->tcm_parent != TC_H_CLSACT)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, msg, sizeof(*tc))
		if (mnl_attr_get_type(attr) == TCA_KIND)
			search->found = strcmp(mnl_attr_get_str(attr), "clsact")
						? TC_CLSACT_INGRESS_ONLY
						: TC_CLSACT_THERE;
	return MNL_CB_OK;
}

int tc_clsact_find(struct nl *nl, uint32_t ifindex, const struct nl_what *what, struct err *err)
{
	struct clsact_search search = {.ifindex = ifindex, .found = TC_CLSACT_NONE};
	struct nlmsghdr *msg = nl_begin(nl, RTM_GETQDISC, NLM_F_DUMP);
	int ret;

	put_header(msg, ifindex);
	ret = nl_dump(nl, msg, on_qdisc, &search, what, err);
	return ret ? ret : (int)search.found;
}

static int clsact_request(struct nl *nl, uint16_t type, uint16_t flags, uint32_t ifindex,
			  const struct nl_what *what, struct err *err)
{
	struct nlmsghdr *msg = nl_begin(nl, type, flags);
	struct tcmsg *tc = put_header(msg, ifindex);

	tc->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	tc->tcm_parent = TC_H_CLSACT;
	mnl_attr_put_strz(msg, TCA_KIND, "clsact");
	return nl_commit(nl, what, err);
}

int tc_clsact_add(struct nl *nl, uint32_t ifindex, const struct nl_what *what, struct err *err)
{
	return clsact_request(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex, what, err);
}

int tc_clsact_delete(struct nl *nl, uint32_t ifindex, const struct nl_what *what, struct err *err)
{
	return clsact_request(nl, RTM_DELQDISC, 0, ifindex, what, err);
}

/* ---- filters on it --------------------------------------------------------------------------- */

static uint32_t parent_of(bool egress)
{
	return TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

static struct nlmsghdr *begin_filter(struct nl *nl, uint16_t type, uint16_t flags,
				     const struct tc_filter *filter)
{
	struct nlmsghdr *msg = nl_begin(nl, type, flags);
	struct tcmsg *tc = put_header(msg, filter->ifindex);

	tc->tcm_parent = parent_of(filter->egress);
	tc->tcm_handle = filter->handle;
	tc->tcm_info = TC_H_MAKE(filter->priority << 16, htons(ETH_P_ALL));
	mnl_attr_put_strz(msg, TCA_KIND, "bpf");
	return msg;
}

int tc_filter_add(struct nl *nl, const struct tc_filter *filter, int prog, const char *name,
		  const struct nl_what *what, struct err *err)
{
	struct nlmsghdr *msg = begin_filter(nl, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, filter);
	struct nlattr *options = mnl_attr_nest_start(msg, TCA_OPTIONS);

	mnl_attr_put_u32(msg, TCA_BPF_FD, prog);
	mnl_attr_put_strz(msg, TCA_BPF_NAME, name);
	mnl_attr_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(msg, options);
	return nl_commit(nl, what, err);
}

int tc_filter_delete(struct nl *nl, const struct tc_filter *filter, const struct nl_what *what,
		     struct err *err)
{
	begin_filter(nl, RTM_DELTFILTER, 0, filter);
	return nl_commit(nl, what, err);
}

/* Of the eBPF program that an RTM_NEWTFILTER tells of; 0: of none. */
static uint32_t program_of(const struct nlmsghdr *msg)
{
	const struct nlattr *attr, *option;

	mnl_attr_for_each(attr, msg, sizeof(struct tcmsg)) {
		if (mnl_attr_get_type(attr) != TCA_OPTIONS)
			continue;
		mnl_attr_for_each_nested(option, attr)
			if (mnl_attr_get_type(option) == TCA_BPF_ID)
				return mnl_attr_get_u32(option);
	}
	return 0;
}

static int on_one_filter(const struct nlmsghdr *msg, void *arg)
{
	uint32_t *prog_id = arg;

	if (msg->nlmsg_type == RTM_NEWTFILTER)
		*prog_id = program_of(msg);
	return MNL_CB_STOP;
}

int tc_filter_get(struct nl *nl, const struct tc_filter *filter, uint32_t *prog_id,
		  const struct nl_what *what, struct err *err)
{
	struct nlmsghdr *msg = begin_filter(nl, RTM_GETTFILTER, 0, filter);
	struct err failed = {0};
	int ret = nl_dump(nl, msg, on_one_filter, prog_id, what, &failed);

	if (ret && ret != -ENOENT && ret != -EINVAL && ret != -ENODEV && err && !err->code)
		*err = failed;
	return ret;
}

struct filter_visit {
	uint32_t ifindex;
	bool egress;
	void (*fn)(const struct tc_filter *filter, uint32_t prog_id, void *arg);
	void *arg;
};

static int on_filter(const struct nlmsghdr *msg, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(msg);
	const struct filter_visit *visit = arg;
	const struct tc_filter filter = {.ifindex = visit->ifindex,
					 .egress = visit->egress,
					 .handle = tc->tcm_handle,
					 .priority = TC_H_MAJ(tc->tcm_info) >> 16};

	if (msg->nlmsg_type == RTM_NEWTFILTER)
		visit->fn(&filter, program_of(msg), visit->arg);
	return MNL_CB_OK;
}

int tc_filter_list(struct nl *nl, uint32_t ifindex, bool egress,
		   void (*fn)(const struct tc_filter *filter, uint32_t prog_id, void *arg),
		   void *arg, const struct nl_what *what, struct err *err)
{
	struct filter_visit visit = {.ifindex = ifindex, .egress = egress, .fn = fn, .arg = arg};
	struct nlmsghdr *msg = nl_begin(nl, RTM_GETTFILTER, NLM_F_DUMP);

	put_header(msg, ifindex)->tcm_parent = parent_of(egress);
	return nl_dump(nl, msg, on_filter, &visit, what, err);
}
