// SPDX-License-Identifier: GPL-2.0-only
/* trace.c - vethlab trace: one line an ICMP packet, end and hook, as it happens. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "user/cmd/cmd.h"
#include "user/out/event.h"
#include "user/out/out.h"
#include "user/story/queue.h"

enum { POLL_MS = 100 };

struct trace {
	const char *lab_name;
	bool json;
	uint64_t count; /* records to print; 0: no limit */
	struct running *run;
	struct watch *watch;
	struct watch_session *session;
	struct record_queue queue;
	struct event_layout layout;
	uint64_t printed, lost;
	int failed; /* -errno of a callback */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int parse_args(int argc, char **argv, struct trace *trace, struct err *err)
{
	static const struct option longs[] = {{"lab", required_argument, NULL, 'l'},
					      {"json", no_argument, NULL, 'j'},
					      {"count", required_argument, NULL, 'c'},
					      {NULL}};
	char *end;
	int c;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":l:jc:", longs, NULL)) != -1) {
		switch (c) {
		case 'l':
			trace->lab_name = optarg;
			break;
		case 'j':
			trace->json = true;
			break;
		case 'c':
			errno = 0;
			trace->count = strtoull(optarg, &end, 10);
			if (errno || *end || !trace->count || *optarg == '-')
				return cmd_usage(err, "trace",
						 "-c %s: that is no number of records", optarg);
			break;
		default:
			return cmd_bad_option(err, "trace", c, argv);
		}
	}
	if (optind < argc)
		return cmd_usage(err, "trace", "'%s' is not an option", argv[optind]);
	return 0;
}

static void on_record(const struct vl_event *event, void *arg)
{
	struct trace *trace = arg;

	if (event->end < lab_n_ends(trace->run->lab) && record_queue_add(&trace->queue, event))
		trace->failed = -ENOMEM;
}

static int print_record(const struct vl_event *event, void *arg)
{
	struct trace *trace = arg;
	const struct end *end = lab_end(trace->run->lab, event->end);

	if (trace->json) {
		json_t *line = out_json_document("vethlab.trace/1");
		json_t *record = event_json(event, end);

		json_object_update(line, record);
		json_decref(record);
		out_json_line(line, stdout);
	} else {
		event_print(&trace->layout, event, end, stdout);
	}
	trace->printed++;
	return trace->count && trace->printed == trace->count; /* 1: enough */
}

static void tell_losses(struct trace *trace)
{
	uint64_t lost = watch_session_lost(trace->session);
	json_t *line;

	if (lost == trace->lost)
		return;
	if (trace->json) {
		line = out_json_document("vethlab.trace-lost/1");
		json_object_set_new(line, "lost", json_integer(lost - trace->lost));
		json_object_set_new(line, "lost_so_far", json_integer(lost));
		out_json_line(line, stdout);
	} else {
		printf("-- %" PRIu64 " records lost here: the buffer was full\n",
		       lost - trace->lost);
	}
	trace->lost = lost;
}

/* `trace | head` ends when head has enough; any other failure to write is main's to tell. */
static int reader_left(int error)
{
	if (error == EPIPE) {
		__fpurge(stdout);
		clearerr(stdout);
	} else {
		out_fail(error);
	}
	return 0;
}

/*
 * Each round prints what was stamped before the round before began: by then every CPU's buffer has
 * been read past that time, so nothing older can come.
 */
static int follow(struct trace *trace, struct err *err)
{
	uint64_t settled = 0;
	int ret = 0;

	while (!cmd_interrupted && !ret) {
		uint64_t began = now_ns();

		ret = watch_session_poll(trace->session, POLL_MS, on_record, trace, err);
		if (ret == -EINTR)
			ret = 0;
		if (ret < 0)
			return ret;
		if (trace->failed)
			return err_set(err, ERR_SYSTEM, ENOMEM, "trace: out of memory");
		ret = record_queue_flush(&trace->queue, settled, print_record, trace);
		settled = began;
		tell_losses(trace);
		if (fflush(stdout) || ferror(stdout))
			return reader_left(errno);
	}
	/* What came until the interrupt. */
	if (!ret && watch_session_poll(trace->session, 0, on_record, trace, err) >= 0) {
		record_queue_flush(&trace->queue, UINT64_MAX, print_record, trace);
		tell_losses(trace);
	}
	return 0;
}

static int run_trace(struct trace *trace, struct err *err)
{
	const struct vl_filter all = {0};
	int ret = watch_open(&trace->watch, trace->run->name, err);

	if (ret == -ENOENT) {
		err_clear(err);
		return err_set(err, ERR_FAILED, ENOENT, "no program watches lab %s",
			       trace->run->name);
	}
	if (!ret)
		ret = watch_session_open(&trace->session, trace->watch, &all, 0, err);
	if (ret)
		return ret;
	cmd_catch_signals();
	trace->layout = event_layout_for(trace->run->lab, now_ns());
	if (!trace->json) {
		event_print_header(&trace->layout, stdout);
		fflush(stdout);
	}
	ret = follow(trace, err);
	/* Not among the records: whoever reads those gets lines of one kind only. */
	fprintf(stderr, "%" PRIu64 " records, %" PRIu64 " lost\n", trace->printed,
		watch_session_lost(trace->session));
	return ret;
}

int cmd_trace(int argc, char **argv, struct err *err)
{
	struct trace trace = {0};
	int ret = parse_args(argc, argv, &trace, err);

	if (!ret)
		ret = lab_open(&trace.run, trace.lab_name, err);
	if (!ret)
		ret = run_trace(&trace, err);
	watch_session_close(trace.session);
	watch_close(trace.watch);
	record_queue_free(&trace.queue);
	running_free(trace.run);
	return ret ? (int)err->code : 0;
}
