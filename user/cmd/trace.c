// SPDX-License-Identifier: GPL-2.0-only
/* trace.c - vethlab trace: ICMP packets at every end and hook, as it happens. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "user/cmd/cmd.h"
#include "user/cmd/view.h"

enum { POLL_MS = 100 };

struct trace {
	struct view_options options;
	struct running *run;
	struct watch *watch;
	struct watch_session *session;
	struct view view;
	uint64_t lost;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void on_record(const struct vl_event *event, void *arg)
{
	view_add(arg, event);
}

static void tell_losses(struct trace *trace)
{
	uint64_t lost = watch_session_lost(trace->session);

	if (lost != trace->lost)
		view_losses(&trace->view, lost - trace->lost, lost);
	trace->lost = lost;
}

/*
 * Each round shows what was stamped before the round before began: by then every CPU's buffer has
 * been read past that time, so nothing older can come.
 */
static int follow(struct trace *trace, uint64_t until, struct err *err)
{
	uint64_t settled = 0;
	int ret = 0;

	while (!cmd_interrupted && !ret) {
		uint64_t began = now_ns();

		if (began >= until)
			break;
		ret = watch_session_poll(trace->session, POLL_MS, on_record, &trace->view, err);
		if (ret < 0 && ret != -EINTR)
			return ret;
		ret = view_show(&trace->view, settled, err);
		settled = began;
		tell_losses(trace);
		if (view_reader_left())
			return 0;
	}
	if (ret)
		return ret < 0 ? ret : 0;
	/* What came until the end. */
	ret = watch_session_poll(trace->session, 0, on_record, &trace->view, err);
	if (ret < 0 && ret != -EINTR)
		return ret;
	ret = view_finish(&trace->view, err);
	tell_losses(trace);
	return ret < 0 ? ret : 0;
}

static int run_trace(struct trace *trace, struct err *err)
{
	const struct view_options *options = &trace->options;
	uint64_t now;
	int ret = watch_open(&trace->watch, trace->run->name, err);

	if (ret == -ENOENT) {
		err_clear(err);
		return err_set(err, ERR_FAILED, ENOENT, "no program watches lab %s",
			       trace->run->name);
	}
	if (!ret)
		ret = watch_session_open(&trace->session, trace->watch, &options->filter, 0, err);
	if (ret)
		return ret;
	cmd_catch_signals();
	now = now_ns();
	ret = view_open(&trace->view, options, trace->run->lab, now, err);
	fflush(stdout);
	if (!ret)
		ret = follow(trace, options->for_ns ? now + options->for_ns : UINT64_MAX, err);
	/* Not among the records: whoever reads those gets lines of one kind only. */
	fprintf(stderr, "%" PRIu64 " records, %" PRIu64 " lost\n", trace->view.records,
		watch_session_lost(trace->session));
	return ret;
}

int cmd_trace(int argc, char **argv, struct err *err)
{
	struct trace trace = {0};
	int ret = view_parse(&trace.options, argc, argv, err);

	if (!ret)
		ret = lab_open(&trace.run, trace.options.lab, err);
	if (!ret)
		ret = view_filter(&trace.options, trace.run->lab, err);
	if (!ret)
		ret = run_trace(&trace, err);
	view_close(&trace.view);
	watch_session_close(trace.session);
	watch_close(trace.watch);
	running_free(trace.run);
	return ret ? (int)err->code : 0;
}
