// SPDX-License-Identifier: GPL-2.0-only
/* replay.c - vethlab replay: every view of a trace, from a recording. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/base/confine.h"
#include "user/cmd/record_args.h"
#include "user/trace/recording.h"

enum { SHOW_EVERY = 4096 };

/*
 * Records of several CPUs stand in the file as they were read, at most some polls out of order:
 * what is older than this, before the newest, is complete and can be shown.
 */
static const uint64_t settled_ns = 2000000000;

/* What no record of the recording tells, as far as it was read. */
static void tell_gap(const struct recording *recording, struct record_view *view, bool cut)
{
	uint64_t lost = recording_totals(recording).lost;
	char gap[64];

	snprintf(gap, sizeof(gap), "%" PRIu64 " lost records", lost);
	if (view->story && (lost || cut))
		story_cannot_see(view->story, lost ? gap : "what was cut off the recording");
}

static int read_all(struct recording *recording, struct record_view *view,
		    struct recording_totals *counted, struct err *err)
{
	const struct record_view_options *options = view->options;
	uint64_t last =
		options->for_ns ? recording_start_ns(recording) + options->for_ns : UINT64_MAX;
	uint64_t newest = 0;
	struct vl_stack record;
	const struct vl_event *packet = &record.at.packet;
	uint64_t n = 0;
	int ret;

	while ((ret = recording_next(recording, &record, err)) >= 0 && ret != RECORDED_END &&
	       ret != RECORDED_CUT) {
		if (ret == RECORDED_EVENT)
			counted->events++;
		else if (ret == RECORDED_DROP)
			counted->drops++;
		if (packet->time_ns > last)
			continue;
		if (ret != RECORDED_EVENT)
			record_view_add_stack(view, &record);
		else if (event_matches(packet, &options->filter.packets, recording_lab(recording)))
			record_view_add(view, packet);
		if (packet->time_ns > newest)
			newest = packet->time_ns;
		if (++n % SHOW_EVERY || newest < settled_ns)
			continue;
		tell_gap(recording, view, false);
		ret = record_view_show(view, newest - settled_ns, err);
		if (ret || record_view_reader_left())
			return ret < 0 ? ret : RECORDED_END;
	}
	return ret;
}

static int replay(struct recording *recording, const struct record_view_options *options,
		  struct err *err)
{
	struct recording_totals counted = {0}, totals;
	cleanup_record_view struct record_view view = {0};
	int end, ret = record_view_open(&view, options, recording_lab(recording),
					recording_start_ns(recording), recording_drop_names,
					recording, err);

	if (ret)
		return ret;
	end = read_all(recording, &view, &counted, err);
	totals = recording_totals(recording);
	tell_gap(recording, &view, end == RECORDED_CUT);
	if (end >= 0)
		ret = record_view_finish(&view, err);
	record_view_reader_left();
	if (ret < 0 || end < 0)
		return ret < 0 ? ret : end;
	if (end == RECORDED_CUT)
		fprintf(stderr,
			"the recording was cut short: %" PRIu64 " records and %" PRIu64
			" drops are there, the end is not\n",
			counted.events, counted.drops);
	if (totals.lost)
		fprintf(stderr, "%" PRIu64 " records were lost while recording\n", totals.lost);
	return 0;
}

static bool is_filter_word(const char *word)
{
	for (const char *const *known = record_filter_words; *known; known++)
		if (!strcmp(*known, word))
			return true;
	return false;
}

static int replay_main(int argc, char **argv, struct err *err)
{
	struct record_args args = {.wants_operand = true};
	cleanup_recording struct recording *recording = NULL;

	if (record_args_parse(&cmd_replay, &args, argc, argv, err))
		return err->code;
	confine_to_reading();
	if (recording_open(&recording, args.operand, err)) {
		if (err->error == ENOENT && is_filter_word(args.operand))
			err_hint(err,
				 "'%s' is a word of the filter: the recording stands before it",
				 args.operand);
		return err->code;
	}
	if (record_filter_parse(&args.view.filter, args.argc, args.argv, recording_lab(recording),
				err) ||
	    replay(recording, &args.view, err))
		return err->code;
	return 0;
}

static const struct cmd_operand operands[] = {
	{"FILE|-", .kind = VALUE_FILE, .text = "a recording; -: the standard input", .row = NO_ROW},
	OPERAND_FILTER,
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_ITINERARIES(.show = SHOW_LETTER,
			   .text = "whole stories of echoes instead of single records",
			   .row = NO_ROW),
	OPTION_EVENTS(.text = "single records, also with `dropped`", .hidden = true),
	OPTION_STACK(.text = "and what the nodes do between the ends", .row = NO_ROW),
	OPTION_COUNT(.text = "end after N records (or stories)", .row = NO_ROW),
	OPTION_FOR(.row = NO_ROW),
	OPTION_LAB(struct record_args, .hidden = true),
	OPTION_RECORD_JSON(),
	OPTIONS_END,
};

const struct cmd cmd_replay = {
	.name = "replay",
	.summary = "show a recording as `trace` would have; needs no root and no lab",
	.operands = operands,
	.options = options,
	.notes = "Options and FILTER are those of `vethlab trace`.\n",
	.run = replay_main,
};
