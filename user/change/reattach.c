// SPDX-License-Identifier: GPL-2.0-only
/* reattach.c - see reattach.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/base/workers.h"
#include "user/change/reattach.h"
#include "user/lab/end_gaps.h"
#include "user/lab/end_state.h"
#include "user/lab/node.h"
#include "user/watch/attached.h"

/* 1: the lab has no pinned programs. */
static int open_watch(struct watch **watch, const struct running *run, struct err *err)
{
	struct err cause = {0};
	int ret = running_has_programs(run) ? running_open_watch(watch, run, &cause) : -ENOENT;

	if (ret == -ENOENT)
		return 1;
	if (ret && err)
		*err = cause;
	return ret;
}

int reattach_find(struct missing_programs **out, size_t *out_n, const struct running *run,
		  const char *node, struct err *err)
{
	cleanup_free struct missing_programs *list = NULL;
	cleanup_free struct end_hooks *hooks = NULL;
	struct watch *watch = NULL;
	size_t n = 0;
	int ret = open_watch(&watch, run, err);

	if (!ret)
		ret = end_hooks_read(&hooks, run, watch, err);
	watch_close(watch);
	if (ret)
		return ret == 1 ? 0 : ret;
	for (size_t i = 0; i < lab_n_ends(run->lab); i++) {
		const struct end *end = lab_end(run->lab, i);
		uint8_t missing = hooks[i].missing & ~hooks[i].unpinned;

		if (!missing || hooks[i].is_moved || end->gone ||
		    (node && strcmp(node, end->node->name) != 0))
			continue;
		if (array_reserve_one(&list, n, sizeof(*list)))
			return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
		list[n++] = (struct missing_programs){.end = end, .hooks = missing};
	}
	*out = cleanup_take(list);
	*out_n = n;
	return 0;
}

struct reattaching {
	struct missing_programs *list;
	const struct running *run;
	struct watch *watch;
};

/* On a thread that may change namespace. */
static int attach_one(size_t i, void *arg, struct err *err)
{
	const struct reattaching *reattaching = arg;
	struct missing_programs *missing = &reattaching->list[i];
	const struct running *run = reattaching->run;
	const struct end *end = missing->end;
	cleanup_close int fd = running_open_netns(run, end->node, err);
	cleanup_nl struct nl *nl = NULL;
	struct err cause = {0};
	int ret = fd < 0 ? fd : node_enter(fd, &nl, err);

	if (ret)
		return ret;
	ret = end_gaps_add(run, end->number, missing->hooks, err);
	if (ret)
		return ret;
	ret = watch_attach_again(reattaching->watch, nl, run->tc, end->number,
				 running_ifindex(run, end), missing->hooks, running_xdp(run, end),
				 end->name, &cause);
	if (ret)
		snprintf(missing->refused, sizeof(missing->refused), "%.150s", cause.what);
	return 0;
}

int reattach(struct missing_programs *list, size_t n, const struct running *run,
	     const struct notes *notes, struct err *err)
{
	struct reattaching reattaching = {list, run, NULL};
	int ret = n ? open_watch(&reattaching.watch, run, err) : 1;

	if (!ret)
		ret = watch_open_programs(reattaching.watch, err);
	if (!ret)
		ret = workers_run(n, attach_one, &reattaching, err);
	watch_close(reattaching.watch);
	for (size_t i = 0; !ret && i < n; i++)
		if (list[i].refused[0])
			notes_tell(notes, "the programs of %s could not be attached again: %s",
				   list[i].end->name, list[i].refused);
	return ret == 1 ? 0 : ret;
}
