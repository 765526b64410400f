// SPDX-License-Identifier: GPL-2.0-only
/* flow.c - vethlab flow: one flow, packet by packet, and what became of it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/base/number.h"
#include "user/cmd/flows.h"
#include "user/output/output.h"
#include "user/render/flow_text.h"

/* A first word that is a number is the id; the words of a filter are none. */
static int take_words(struct flow_args *args, const struct cmd_words *words, struct err *err)
{
	const char *first = words->argc ? words->argv[0] : "";

	args->follows = true;
	args->argc = words->argc;
	args->argv = words->argv;
	if (!*first || strspn(first, "0123456789") != strlen(first))
		return 0;
	if (!number_parse(first, 1, UINT64_MAX, &args->id))
		return cmd_usage(err, &cmd_flow, "'%s' is no id of a flow: they begin with 1",
				 first);
	if (words->argc > 1)
		return cmd_usage(err, &cmd_flow, "an id goes with no filter ('%s')",
				 words->argv[1]);
	args->argc = 0;
	return 0;
}

/* What the user can look at: the list of the recording, or one to be made. */
static void hint_list(const struct flow_args *args, struct err *err)
{
	if (args->from)
		err_hint(err, "`vethlab flows -r %s` lists them", args->from);
	else
		err_hint(err,
			 "record them: `vethlab flows -w FILE` lists them, `vethlab flow ID -r "
			 "FILE` tells one");
}

static int no_flow(const struct flow_run *run, struct err *err)
{
	const struct flow_args *args = run->args;
	struct flows_totals totals = flows_totals(run->flows);

	if (!totals.seen)
		err_set(err, ERR_FAILED, ENOENT, "no flow was seen%s",
			args->from ? " in the recording"
				   : ": what ended before leaves no packets to see");
	else if (args->id)
		err_set(err, ERR_FAILED, ENOENT,
			"there is no flow %" PRIu64 ": %" PRIu64
			" %s seen, with the ids 1 to %" PRIu64,
			args->id, totals.seen, totals.seen == 1 ? "was" : "were", totals.seen);
	else
		err_set(err, ERR_FAILED, ENOENT,
			"none of the flows fits the filter: %" PRIu64 " %s seen, %" PRIu64
			" of them had to leave",
			totals.seen, totals.seen == 1 ? "was" : "were", totals.left);
	hint_list(args, err);
	return ERR_FAILED;
}

static const struct flow *find(const struct flow_run *run, struct err *err)
{
	const struct flow *found = NULL;
	uint64_t n = 0;

	if (run->args->id) {
		found = flows_find(run->flows, run->args->id);
		if (!found)
			no_flow(run, err);
		return found;
	}
	for (const struct flow *flow = NULL; (flow = flows_next(run->flows, flow));) {
		if (!flow->chosen)
			continue;
		found = flow;
		n++;
	}
	if (n == 1)
		return found;
	if (!n) {
		no_flow(run, err);
		return NULL;
	}
	if (!run->args->json)
		flows_print(run->flows, run->lab, false, output_colour(stderr), stderr);
	err_set(err, ERR_FAILED, EINVAL, "%" PRIu64 " flows fit: choose one by its id", n);
	hint_list(run->args, err);
	return NULL;
}

static int flow_main(int argc, char **argv, struct err *err)
{
	struct flow_args args = {0};
	cleanup_flow_run struct flow_run run = {0};
	cleanup_flow_story struct flow_story story = {0};
	const struct flow *flow;
	struct cmd_words words;

	if (options_parse(&cmd_flow, &args, argc, argv, &words, err) ||
	    take_words(&args, &words, err) || flow_run_open(&run, &args, err) ||
	    flow_run_take(&run, NULL, NULL, err))
		return err->code;
	flow = find(&run, err);
	flows_tell_limits(run.flows);
	if (!flow)
		return err->code;
	if (flow_story_make(run.flows, flow, &story))
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory"), ERR_SYSTEM;
	if (args.json)
		output_json_print(flow_story_as_json(run.flows, flow, &story, run.lab, run.zero_ns),
				  stdout);
	else
		flow_story_print(flow, &story, run.lab, args.detail, stdout);
	return 0;
}

static const struct cmd_operand operands[] = {
	{"ID", .kind = VALUE_NUMBER, .optional = true, .text = "as `vethlab flows` lists it"},
	OPERAND_FILTER,
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_FROM(),
	OPTION_FLOW_FOR(),
	OPTION_INTO(),
	{.name = "verbose",
	 .letter = 'v',
	 .show = SHOW_LETTER,
	 .text = "all packets that were lost or sent again",
	 INTO_BOOL(struct flow_args, detail)},
	OPTION_LAB(struct flow_args),
	OPTION_JSON(struct flow_args),
	OPTIONS_END,
};

const struct cmd cmd_flow = {
	.name = "flow",
	.summary = "one flow: its handshake, each loss and its repair, its end",
	.operands = operands,
	.options = options,
	.column = 21,
	.notes = "Without an ID, FILTER (that of `vethlab trace`) has to choose one flow.\n"
		 "It shows the handshake, what was lost or sent again, and the end, hop by hop.\n"
		 "The time of a packet is since the flow began, of a hop since it was sent.\n"
		 "Live, ids count from when it starts: to tell flows of a list, record them.\n",
	.examples = "vethlab flows -w run.rec --for 10s; vethlab flow 1 -r run.rec\n"
		    "vethlab flow tcp port 80 --for 5s\n",
	.run = flow_main,
};
