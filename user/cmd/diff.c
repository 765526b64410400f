// SPDX-License-Identifier: GPL-2.0-only
/* diff.c - vethlab diff: what changed between two recorded runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/confine.h"
#include "user/cmd/record_args.h"
#include "user/output/output.h"
#include "user/story/record_queue.h"
#include "user/trace/filter.h"
#include "user/trace/recording.h"
#include "user/render/run_diff.h"

enum { TELL_EVERY = 4096 };

/* As replay has it: what is older than this, before the newest record, is complete. */
static const uint64_t settled_ns = 2000000000;

struct diff_run {
	struct run_diff run;
	struct recording *recordings[SIDES]; /* whose labs' names the comparison uses */
	bool json, no_times;
	double threshold; /* percent */
	int argc;	  /* words of the filter */
	char **argv;
};

static int parse_args(int argc, char **argv, struct diff_run *diff, struct err *err)
{
	struct cmd_words words;
	int ret = options_parse(&cmd_diff, diff, argc, argv, &words, err);

	if (ret)
		return ret;
	if (words.argc < SIDES)
		return cmd_usage(err, &cmd_diff, "which two recordings?");
	diff->run.comparison.threshold = diff->threshold / 100;
	diff->run.comparison.with_times = !diff->no_times;
	for (int side = 0; side < SIDES; side++)
		diff->run.file[side] = words.argv[side];
	if (!strcmp(diff->run.file[SIDE_A], "-") && !strcmp(diff->run.file[SIDE_B], "-"))
		return cmd_usage(err, &cmd_diff, "only one of them can be the standard input");
	diff->argc = words.argc - SIDES;
	diff->argv = words.argv + SIDES;
	return 0;
}

/* Compare what is complete, and forget it. */
static int take_quiet(struct diff_run *diff, int side, struct story *story,
		      const struct record_filter *filter, uint64_t before)
{
	const struct lab *lab = recording_lab(diff->recordings[side]);
	const struct itinerary *itinerary;
	int ret = 0;

	while (!ret && (itinerary = story_quiet(story, before))) {
		if (!itinerary->protocol && !itinerary->is_packet &&
		    record_filter_wants(filter, lab, itinerary)) {
			ret = comparison_add(&diff->run.comparison, side, itinerary);
			diff->run.echoes[side]++;
		}
		story_forget(story, itinerary);
	}
	return ret;
}

static int take_record(struct diff_run *diff, int side, struct story *story,
		       const struct record_filter *filter, const struct vl_stack *record)
{
	struct recording *recording = diff->recordings[side];
	const struct lab *lab = recording_lab(recording);
	char reason[48], function[48];
	int ret;

	if (record_is_event(record)) {
		if (!event_matches(&record->at.packet, &filter->packets, lab))
			return 0;
		ret = story_add(story, &record->at.packet);
	} else if (record_is_drop(record)) {
		if (!drop_matches(&record->at, &filter->packets, lab))
			return 0;
		recording_drop_names(&record->at, reason, function, recording);
		ret = story_add_drop(story, &record->at, reason, function);
	} else {
		return 0; /* what else stacks did is no way, loss or time */
	}
	diff->run.records[side]++;
	return ret < 0 ? ret : 0;
}

/* Returns an enum recorded, or -errno. */
static int take_all(struct diff_run *diff, int side, struct story *story,
		    const struct record_filter *filter, struct err *err)
{
	uint64_t newest = 0, n = 0;
	struct vl_stack record;
	int ret, end;

	while ((end = recording_next(diff->recordings[side], &record, err)) == RECORDED_EVENT ||
	       end == RECORDED_DROP || end == RECORDED_STACK) {
		ret = take_record(diff, side, story, filter, &record);
		if (record.at.packet.time_ns > newest)
			newest = record.at.packet.time_ns;
		if (!ret && !(++n % TELL_EVERY) && newest > settled_ns)
			ret = take_quiet(diff, side, story, filter, newest - settled_ns);
		if (ret)
			return err_set(err, ERR_SYSTEM, -ret, "out of memory");
	}
	if (end >= 0 && take_quiet(diff, side, story, filter, UINT64_MAX))
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	return end;
}

/* A word of the filter that the other lab may have. */
static int bad_filter(const struct diff_run *diff, int side, struct err *err)
{
	struct err cause = *err;
	int ret;

	err_clear(err);
	ret = err_set(err, cause.code, cause.error, "%s: %s", diff->run.file[side], cause.what);
	err_hint(err, "%s", cause.hint);
	return ret;
}

static int take_run(struct diff_run *diff, int side, struct err *err)
{
	struct record_filter filter = {.itineraries = true};
	struct recording *recording;
	struct story *story;
	int ret = recording_open(&diff->recordings[side], diff->run.file[side], err);

	if (ret)
		return ret;
	recording = diff->recordings[side];
	diff->run.lab[side] = recording_name(recording);
	if (record_filter_parse(&filter, diff->argc, diff->argv, recording_lab(recording), err))
		return bad_filter(diff, side, err);
	story = story_new(recording_lab(recording));
	if (!story)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	ret = take_all(diff, side, story, &filter, err);
	story_free(story);
	diff->run.cut[side] = ret == RECORDED_CUT;
	diff->run.lost[side] = recording_totals(recording).lost;
	return ret < 0 ? ret : 0;
}

static int compare(struct diff_run *diff, struct err *err)
{
	confine_to_reading();
	for (int side = 0; side < SIDES; side++) {
		int ret = take_run(diff, side, err);

		if (ret)
			return ret;
	}
	if (comparison_judge(&diff->run.comparison))
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	if (diff->json)
		output_json_print(run_diff_json(&diff->run), stdout);
	else
		run_diff_print(&diff->run, stdout);
	return 0;
}

static int diff_main(int argc, char **argv, struct err *err)
{
	struct diff_run diff = {0};
	bool failed = parse_args(argc, argv, &diff, err) || compare(&diff, err);
	/* As diff(1): 1 if they differ. */
	int status = failed ? (int)err->code : diff.run.comparison.differs;

	comparison_free(&diff.run.comparison);
	for (int side = 0; side < SIDES; side++)
		recording_close(diff.recordings[side]);
	return status;
}

static const struct cmd_operand operands[] = {
	{"A", .kind = VALUE_FILE, .text = "a recording; -: the standard input",
	 .row = "files of `vethlab record`; one of them may be -", .label = "A, B"},
	{"B", .kind = VALUE_FILE, .text = "the one to compare it with", .row = NO_ROW},
	{"FILTER", .kind = VALUE_FILTER, .choices = filter_choices, .optional = true,
	 .text = "as that of `vethlab trace`: compare only these echoes"},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{"no-times", .text = "only ways and losses", INTO_BOOL(struct diff_run, no_times)},
	{"threshold", .value = "P", .kind = VALUE_DECIMAL, .high = 1000, .initial = "10",
	 .wrong = "that is no percentage",
	 .text = "how many percent medians must be apart to count (10)",
	 .usage = "--threshold PERCENT", INTO_DOUBLE(struct diff_run, threshold)},
	OPTION_JSON(struct diff_run),
	OPTIONS_END,
};

const struct cmd cmd_diff = {
	.name = "diff",
	.summary = "what changed between two recordings: ways, losses, times",
	.operands = operands,
	.options = options,
	.notes =
		"A way, a loss or an answer that only one run has is a difference. Losses of both\n"
		"differ if chance does not explain it (Fisher's exact test, p < 0.01), times if\n"
		"the 95 % intervals of their medians do not overlap. Needs no root and no lab.\n"
		"The exit status is 0 if nothing changed, 1 if something did.\n",
	.examples = "vethlab record before.rec --for 10s   # and after a change, after.rec\n"
		    "vethlab diff before.rec after.rec\n",
	.run = diff_main,
};
