// SPDX-License-Identifier: GPL-2.0-only
/* tc_filter.c - see tc_filter.h. */
#include "user/watch/tc_filter.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "user/watch/internal.h"

int watch_clsact_look(struct nl *nl, uint32_t ifindex, const char *object, struct err *err)
{
	struct nl_what what = {.object = object, .action = "list its queueing disciplines"};

	return tc_clsact_find(nl, ifindex, &what, err);
}

static struct tc_filter our_filter(const struct watch_filter *filter)
{
	return (struct tc_filter){.ifindex = filter->ifindex,
				  .egress = filter->hook == VL_HOOK_OUT,
				  .handle = WATCH_FILTER_HANDLE,
				  .priority = filter->priority};
}

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
	struct tc_filter ours = our_filter(filter);
	int ret = tc_filter_add(nl, &ours, prog, WATCH_FILTER_NAME, &what, err);

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

/* The filters of one side of an interface, and where among them one program is. */
struct filter_search {
	size_t n;
	uint32_t prog_id;  /* which is looked for; 0: none */
	uint32_t priority; /* where it is; 0: it is not there */
};

static void on_filter(const struct tc_filter *filter, uint32_t prog_id, void *arg)
{
	struct filter_search *search = arg;

	search->n++;
	if (search->prog_id && prog_id == search->prog_id)
		search->priority = filter->priority;
}

static int list_filters(struct nl *nl, uint32_t ifindex, enum vl_hook hook, const char *object,
			struct filter_search *search, struct err *err)
{
	struct nl_what what = {.object = object, .action = "list its filters"};

	return tc_filter_list(nl, ifindex, hook == VL_HOOK_OUT, on_filter, search, &what, err);
}

int watch_filter_remove(struct nl *nl, const struct watch_filter *filter, const char *object,
			struct err *err)
{
	struct nl_what what = {
		.object = object, .action = "take its program off", .ignore = ENOENT};
	struct filter_search search = {.prog_id = filter->prog_id};
	struct tc_filter ours = our_filter(filter);
	struct err ignored = {0};
	int ret;

	/* No such interface or qdisc: there is nothing of ours. */
	if (list_filters(nl, filter->ifindex, filter->hook, object, &search, &ignored) ||
	    !search.priority)
		return 0;
	ours.priority = search.priority;
	ret = tc_filter_delete(nl, &ours, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

int watch_clsact_remove(struct nl *nl, uint32_t ifindex, const char *object, struct err *err)
{
	struct nl_what what = {
		.object = object, .action = "remove its clsact qdisc", .ignore = ENOENT};
	struct filter_search all = {0};
	struct err ignored = {0};
	int ret;

	if (watch_clsact_look(nl, ifindex, object, &ignored) != TC_CLSACT_THERE)
		return 0;
	ret = list_filters(nl, ifindex, VL_HOOK_OUT, object, &all, err);
	if (ret)
		return ret;
	ret = list_filters(nl, ifindex, VL_HOOK_IN, object, &all, err);
	if (ret || all.n)
		return ret;
	ret = tc_clsact_delete(nl, ifindex, &what, err);
	return ret ? ret : nl_flush(nl, err);
}
