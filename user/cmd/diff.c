// SPDX-License-Identifier: GPL-2.0-only
/* diff.c - vethlab diff: what changed between two recorded runs. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "user/cmd/cmd.h"
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
	bool json;
	int argc; /* words of the filter */
	char **argv;
};

static int parse_threshold(struct diff_run *diff, const char *text, struct err *err)
{
	char *end;
	double percent = strtod(text, &end);

	if (end == text || *end || !(percent >= 0 && percent <= 1000))
		return cmd_usage(err, "diff", "--threshold %s: that is no percentage", text);
	diff->run.comparison.threshold = percent / 100;
	return 0;
}

static int parse_args(int argc, char **argv, struct diff_run *diff, struct err *err)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {"no-times", no_argument, NULL, 'T'},
					      {"threshold", required_argument, NULL, 't'},
					      {NULL}};
	int c, ret = 0;

	optind = 1;
	opterr = 0;
	diff->run.comparison.threshold = 0.1;
	diff->run.comparison.with_times = true;
	while (!ret && (c = getopt_long(argc, argv, ":j", longs, NULL)) != -1) {
		if (c == 'j')
			diff->json = true;
		else if (c == 'T')
			diff->run.comparison.with_times = false;
		else if (c == 't')
			ret = parse_threshold(diff, optarg, err);
		else
			ret = cmd_bad_option(err, "diff", c, argv);
	}
	if (!ret && argc - optind < SIDES)
		ret = cmd_usage(err, "diff", "which two recordings?");
	if (ret)
		return ret;
	for (int side = 0; side < SIDES; side++)
		diff->run.file[side] = argv[optind + side];
	if (!strcmp(diff->run.file[SIDE_A], "-") && !strcmp(diff->run.file[SIDE_B], "-"))
		return cmd_usage(err, "diff", "only one of them can be the standard input");
	diff->argc = argc - optind - SIDES;
	diff->argv = argv + optind + SIDES;
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
		if (!itinerary->protocol && record_filter_wants(filter, lab, itinerary)) {
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
	int ret = 0;

	for (int side = 0; !ret && side < SIDES; side++)
		ret = take_run(diff, side, err);
	if (!ret && comparison_judge(&diff->run.comparison))
		ret = err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	if (ret)
		return ret;
	if (diff->json)
		output_json_print(run_diff_json(&diff->run), stdout);
	else
		run_diff_print(&diff->run, stdout);
	return 0;
}

int cmd_diff(int argc, char **argv, struct err *err)
{
	struct diff_run diff = {0};
	int status, ret = parse_args(argc, argv, &diff, err);

	if (!ret)
		ret = compare(&diff, err);
	/* As diff(1): 1 if they differ. */
	status = ret ? (int)err->code : diff.run.comparison.differs;
	comparison_free(&diff.run.comparison);
	for (int side = 0; side < SIDES; side++)
		recording_close(diff.recordings[side]);
	return status;
}
