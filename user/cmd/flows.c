// SPDX-License-Identifier: GPL-2.0-only
/* flows.c - vethlab flows: TCP and UDP flows, a line each. */
#include "user/cmd/flows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/confine.h"
#include "user/base/duration.h"
#include "user/base/interrupt.h"
#include "user/output/output.h"
#include "user/render/flow_text.h"
#include "user/trace/flow_live.h"

enum { FLOWS_MAX = 32768, POLL_MS = 100 };

static int choose(struct flow_run *run, struct err *err)
{
	struct record_filter *filter = &run->args->filter;
	const char *word;

	filter->itineraries = true; /* flows, too, are told whole */
	if (record_filter_parse(filter, run->args->argc, run->args->argv, run->lab, err))
		return err->code;
	word = filter->failed ? "failed" : filter->dropped ? "dropped" : "slower-than";
	if (filter->failed || filter->dropped || filter->slower_ns)
		return err_set(err, ERR_USAGE, EINVAL,
			       "filter: %s chooses among stories of packets, not among flows",
			       word),
		       ERR_USAGE;
	if (!run->args->argc)
		return 0;
	filter->chosen.fields |= VL_F_ANY;
	flows_choose(run->flows, &filter->chosen);
	return 0;
}

int flow_run_open(struct flow_run *run, struct flow_args *args, struct err *err)
{
	*run = (struct flow_run){.args = args};
	if (args->from && (args->into || args->interval_s > 0 || args->lab))
		return err_set(err, ERR_USAGE, EINVAL, "-r goes with none of -w, --watch, -l"),
		       ERR_USAGE;
	if (args->from)
		confine_to_reading();
	if (args->from ? recording_open(&run->recording, args->from, err)
		       : lab_open(&run->run, args->lab, err))
		return err->code;
	run->lab = args->from ? recording_lab(run->recording) : run->run->lab;
	run->zero_ns = args->from ? recording_start_ns(run->recording) : 0;
	run->flows = flows_new(run->lab, FLOWS_MAX);
	if (!run->flows)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory"), ERR_SYSTEM;
	if (args->follows)
		flows_follow(run->flows, args->id);
	return choose(run, err);
}

void flow_run_close(struct flow_run *run)
{
	flows_free(run->flows);
	recording_close(run->recording);
	cleanup_running_fn(&run->run);
}

static int judge(struct flow_run *run, struct err *err)
{
	return flows_judge(run->flows) ? err_set(err, ERR_SYSTEM, ENOMEM, "out of memory") : 0;
}

static int follow(struct flow_run *run, struct flow_live *live, flow_frame frame, void *arg,
		  struct err *err)
{
	const struct flow_args *args = run->args;
	uint64_t step = (uint64_t)(args->interval_s * 1e9), next = live->start_ns + step, now;
	uint64_t until = args->for_ns ? live->start_ns + args->for_ns : UINT64_MAX;
	bool gone = false;
	int ret;

	while (!interrupt_requested && !gone && (now = clock_monotonic_ns()) < until) {
		gone = running_is_gone(run->run);
		ret = flow_live_poll(live, POLL_MS, err);
		if (ret)
			return ret;
		if (!frame || clock_monotonic_ns() < next)
			continue;
		ret = judge(run, err);
		if (ret)
			return ret;
		frame(run, arg);
		next = clock_monotonic_ns() + step;
		if (ferror(stdout))
			break;
	}
	ret = flow_live_finish(live, err);
	return ret || !gone ? ret : running_taken_down(run->run, err);
}

static int take_live(struct flow_run *run, flow_frame frame, void *arg, struct err *err)
{
	const struct record_filter *filter = &run->args->filter;
	cleanup_flow_live struct flow_live live;
	int ret;

	interrupt_catch_signals();
	ret = flow_live_open(&live, run->run, run->flows,
			     filter->packets.fields & VL_F_FAMILY ? filter->packets.family : 0,
			     run->args->into, err);
	if (ret)
		return ret;
	run->zero_ns = live.start_ns;
	return follow(run, &live, frame, arg, err);
}

static int take_recorded(struct flow_run *run, struct err *err)
{
	cleanup_flow_source struct flow_source source = {
		.flows = run->flows, .names = recording_drop_names, .names_arg = run->recording};
	int ret = flow_source_read(&source, run->recording, run->args->for_ns, err);

	run->cut = ret == RECORDED_CUT;
	return ret < 0 ? ret : 0;
}

int flow_run_take(struct flow_run *run, flow_frame frame, void *arg, struct err *err)
{
	int ret = run->recording ? take_recorded(run, err) : take_live(run, frame, arg, err);

	if (run->cut)
		fputs("the recording was cut short: flows may go on behind its end\n", stderr);
	return ret ? ret : judge(run, err);
}

/* `--watch` alone is a second. */
static bool is_duration(const char *word)
{
	uint64_t ns;

	return duration_parse(word, &ns);
}

static int take_watch(const struct cmd *cmd, const struct cmd_option *option, const char *text,
		      void *target, struct err *err)
{
	uint64_t ns = 1000000000;

	(void)option;
	if (text && (!duration_parse(text, &ns) || ns < 100000000))
		return cmd_usage(err, cmd, "--watch takes a time from 100ms on, not '%s'", text);
	*(double *)target = (double)ns / 1e9;
	return 0;
}

static void print_frame(struct flow_run *run, void *arg)
{
	struct screen *screen = arg;
	char *text = NULL;
	size_t size;
	FILE *f;

	if (run->args->json) {
		output_json_line(flows_as_json(run->flows, run->lab, run->zero_ns), stdout);
		return;
	}
	f = open_memstream(&text, &size);
	if (!f) {
		output_fail(errno);
		return;
	}
	flows_print(run->flows, run->lab, run->args->detail, output_colour(stdout), f);
	fclose(f);
	screen_draw(screen, text);
	free(text);
}

static int flows_main(int argc, char **argv, struct err *err)
{
	struct flow_args args = {0};
	cleanup_flow_run struct flow_run run = {0};
	struct cmd_words words;
	struct screen screen;
	bool watch;

	if (options_parse(&cmd_flows, &args, argc, argv, &words, err))
		return err->code;
	args.argc = words.argc;
	args.argv = words.argv;
	watch = args.interval_s > 0;
	if (flow_run_open(&run, &args, err))
		return err->code;
	screen_open(&screen, stdout);
	if (flow_run_take(&run, watch ? print_frame : NULL, &screen, err))
		return err->code;
	if (watch)
		print_frame(&run, &screen);
	else if (args.json)
		output_json_print(flows_as_json(run.flows, run.lab, run.zero_ns), stdout);
	else
		flows_print(run.flows, run.lab, args.detail, output_colour(stdout), stdout);
	output_flush(stdout);
	flows_tell_limits(run.flows);
	return 0;
}

static const struct cmd_operand operands[] = {
	OPERAND_FILTER,
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_FROM(),
	OPTION_FLOW_FOR(),
	{.name = "watch",
	 .value = "TIME",
	 .kind = VALUE_DURATION,
	 .optional = true,
	 .next = is_duration,
	 .text = "show them anew every second, or every TIME",
	 INTO_CALL(take_watch, double, struct flow_args, interval_s)},
	OPTION_INTO(),
	{.name = "verbose",
	 .letter = 'v',
	 .show = SHOW_LETTER,
	 .text = "all that is counted, and round trips at every end",
	 INTO_BOOL(struct flow_args, detail)},
	OPTION_LAB(struct flow_args),
	OPTION_JSON(struct flow_args),
	OPTIONS_END,
};

const struct cmd cmd_flows = {
	.name = "flows",
	.summary = "TCP connections and UDP conversations: what became of them",
	.operands = operands,
	.options = options,
	.column = 21,
	.notes = "Live, it counts until --for, Ctrl-C or `vethlab down`, and prints then.\n"
		 "FILTER is that of `vethlab trace`: a flow is shown whole if it fits one packet.\n"
		 "frames and bytes (of data) are told there/back, where each way begins. Below a\n"
		 "flow stands what TCP sent again, and where the original of it was lost.\n"
		 "A flow's id is its place in the order of first packets.\n",
	.examples = "vethlab flows --for 10s\n"
		    "vethlab record run.rec any; vethlab flows -r run.rec port 80\n",
	.run = flows_main,
};
