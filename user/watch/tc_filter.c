// SPDX-License-Identifier: GPL-2.0-only
/* tc_filter.c - see tc_filter.h. */
#include "user/watch/tc_filter.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>
#include <unistd.h>

#include "user/watch/internal.h"

static uint32_t parent_of(enum vl_hook hook)
{
	return TC_H_MAKE(TC_H_CLSACT, hook == VL_HOOK_OUT ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

static struct nlmsghdr *begin(struct nl *nl, uint16_t type, uint16_t flags,
			      const struct watch_filter *filter)
{
	struct nlmsghdr *msg = nl_begin(nl, type, flags);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(msg, sizeof(*tc));

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = filter->ifindex;
	tc->tcm_parent = parent_of(filter->hook);
	if ((flags & NLM_F_DUMP) != NLM_F_DUMP) {
		tc->tcm_handle = WATCH_FILTER_HANDLE;
		tc->tcm_info = TC_H_MAKE(filter->priority << 16, htons(ETH_P_ALL));
		mnl_attr_put_strz(msg, TCA_KIND, "bpf");
	}
	return msg;
}

/* ---- qdisc ----------------------------------------------------------------------------------- */

struct clsact_look {
	uint32_t ifindex;
	int found; /* enum watch_clsact */
};

static int on_qdisc(const struct nlmsghdr *msg, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(msg);
	const struct nlattr *attr;
	struct clsact_look *look = arg;

	if (msg->nlmsg_type != RTM_NEWQDISC || tc->tcm_ifindex != (int)look->ifindex ||
	    tc->tcm_parent != TC_H_CLSACT)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, msg, sizeof(*tc))
		if (mnl_attr_get_type(attr) == TCA_KIND)
			look->found = strcmp(mnl_attr_get_str(attr), "clsact")
					      ? WATCH_CLSACT_INGRESS_ONLY
					      : WATCH_CLSACT_THERE;
	return MNL_CB_OK;
}

int watch_clsact_look(struct nl *nl, uint32_t ifindex, const char *object, struct err *err)
{
	struct nl_what what = {.object = object, .action = "list its queueing disciplines"};
	struct nlmsghdr *msg = nl_begin(nl, RTM_GETQDISC, NLM_F_DUMP);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(msg, sizeof(*tc));
	struct clsact_look look = {.ifindex = ifindex, .found = WATCH_CLSACT_NONE};
	int ret;

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	ret = nl_dump(nl, msg, on_qdisc, &look, &what, err);
	return ret ? ret : look.found;
}

/* ---- filters --------------------------------------------------------------------------------- */

int watch_filter_load(struct watch *watch, uint32_t number, struct watch_filter *filter,
		      struct err *err)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	int own, fd;

	if (watch->progs[filter->hook] < 0)
		return -ENOENT;
	watch_log_start();
	fd = watch_load_end_stub(watch, filter->hook, number, &own);
	if (fd >= 0 && own < 0) { /* the lab's own, which stays open */
		fd = dup(fd);
		fd = fd < 0 ? -errno : fd;
	}
	if (fd < 0)
		return watch_fail(err, -fd, watch->lab, "load a program",
				  "CAP_BPF and CAP_NET_ADMIN");
	if (bpf_obj_get_info_by_fd(fd, &info, &size)) {
		int error = errno;

		close(fd);
		return watch_fail(err, error, watch->lab, "identify a program", "CAP_BPF");
	}
	filter->prog_id = info.id;
	return fd;
}

static int try_add(struct nl *nl, const struct watch_filter *filter, int prog, const char *object,
		   struct err *err)
{
	struct nl_what what = {.object = object, .action = "attach a program by clsact"};
	struct nlmsghdr *msg = begin(nl, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, filter);
	struct nlattr *options = mnl_attr_nest_start(msg, TCA_OPTIONS);
	int ret;

	mnl_attr_put_u32(msg, TCA_BPF_FD, prog);
	mnl_attr_put_strz(msg, TCA_BPF_NAME, "vethlab");
	mnl_attr_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(msg, options);
	ret = nl_commit(nl, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

int watch_filter_add(struct nl *nl, struct watch_filter *filter, int prog, const char *object,
		     struct err *err)
{
	struct err refused;
	int ret = -ENOSPC;

	/* A priority belongs to one kind of filter and one protocol; then the next is tried. */
	for (uint32_t priority = 1; priority <= WATCH_FILTER_PRIORITIES; priority++) {
		filter->priority = priority;
		refused = (struct err){0};
		ret = try_add(nl, filter, prog, object, &refused);
		if (ret != -EINVAL && ret != -EEXIST)
			break;
	}
	if (ret && err && !err->code)
		*err = refused;
	return ret;
}

struct filters {
	size_t n;
	uint32_t prog_id;  /* which is looked for; 0: none */
	uint32_t priority; /* where it is; 0: it is not there */
};

static int on_filter(const struct nlmsghdr *msg, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(msg);
	const struct nlattr *attr, *option;
	struct filters *filters = arg;

	if (msg->nlmsg_type != RTM_NEWTFILTER)
		return MNL_CB_OK;
	filters->n++;
	mnl_attr_for_each(attr, msg, sizeof(*tc)) {
		if (mnl_attr_get_type(attr) != TCA_OPTIONS)
			continue;
		mnl_attr_for_each_nested(option, attr)
			if (mnl_attr_get_type(option) == TCA_BPF_ID && filters->prog_id &&
			    mnl_attr_get_u32(option) == filters->prog_id)
				filters->priority = TC_H_MAJ(tc->tcm_info) >> 16;
	}
	return MNL_CB_OK;
}

static int list_filters(struct nl *nl, const struct watch_filter *filter, const char *object,
			struct filters *filters, struct err *err)
{
	struct nl_what what = {.object = object, .action = "list its filters"};

	return nl_dump(nl, begin(nl, RTM_GETTFILTER, NLM_F_DUMP, filter), on_filter, filters, &what,
		       err);
}

int watch_filter_remove(struct nl *nl, const struct watch_filter *filter, const char *object,
			struct err *err)
{
	struct nl_what what = {
		.object = object, .action = "take its program off", .ignore = ENOENT};
	struct filters there = {.prog_id = filter->prog_id};
	struct watch_filter ours = *filter;
	struct err gone = {0};
	int ret;

	/* No such interface or qdisc: there is nothing of ours. */
	if (list_filters(nl, filter, object, &there, &gone) || !there.priority)
		return 0;
	ours.priority = there.priority;
	begin(nl, RTM_DELTFILTER, 0, &ours);
	ret = nl_commit(nl, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

static int count_filters(struct nl *nl, uint32_t ifindex, const char *object, size_t *n,
			 struct err *err)
{
	static const enum vl_hook hooks[] = {VL_HOOK_OUT, VL_HOOK_IN};
	struct filters all = {0};
	int ret = 0;

	for (int i = 0; !ret && i < 2; i++) {
		struct watch_filter filter = {.ifindex = ifindex, .hook = hooks[i]};

		ret = list_filters(nl, &filter, object, &all, err);
	}
	*n = all.n;
	return ret;
}

int watch_clsact_remove(struct nl *nl, uint32_t ifindex, const char *object, struct err *err)
{
	struct nl_what what = {
		.object = object, .action = "remove its clsact qdisc", .ignore = ENOENT};
	struct err gone = {0};
	struct nlmsghdr *msg;
	struct tcmsg *tc;
	size_t n;
	int ret;

	if (watch_clsact_look(nl, ifindex, object, &gone) != WATCH_CLSACT_THERE)
		return 0;
	ret = count_filters(nl, ifindex, object, &n, err);
	if (ret || n)
		return ret;
	msg = nl_begin(nl, RTM_DELQDISC, 0);
	tc = mnl_nlmsg_put_extra_header(msg, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	tc->tcm_parent = TC_H_CLSACT;
	mnl_attr_put_strz(msg, TCA_KIND, "clsact");
	ret = nl_commit(nl, &what, err);
	return ret ? ret : nl_flush(nl, err);
}
