// SPDX-License-Identifier: GPL-2.0-only
/* record_view.c - records shown one by one, or joined into itineraries. */
#include <errno.h>
#include <inttypes.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

#include "user/render/record_view.h"
#include "user/render/act_text.h"
#include "user/render/drop_text.h"
#include "user/render/itinerary_text.h"
#include "user/output/output.h"
#include "user/watch/node_trace.h"

/* An echo is told when nothing has come for so long: an answered one, and any. */
static const uint64_t answered_quiet_ns = 100000000, quiet_ns = 1000000000;

int record_view_open(struct record_view *view, const struct record_view_options *options,
		     const struct lab *lab, uint64_t zero_ns, drop_names names, void *names_arg,
		     struct err *err)
{
	*view = (struct record_view){
		.options = options, .lab = lab, .names = names, .names_arg = names_arg};
	view->layout = event_layout_for(lab, zero_ns);
	view->layout.fold = isatty(STDOUT_FILENO);
	if (options->filter.itineraries) {
		view->story = story_new(lab);
		if (!view->story)
			return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	} else if (!options->json) {
		event_print_header(&view->layout, stdout);
	}
	return 0;
}

void record_view_close(struct record_view *view)
{
	record_queue_free(&view->queue);
	record_queue_free(&view->packets);
	story_free(view->story);
	*view = (struct record_view){0};
}

/* `--events dropped` */
static bool only_drops(const struct record_view_options *options)
{
	return options->filter.dropped && !options->filter.itineraries;
}

/*
 * Whether a record waits for its turn among packets that are no ICMP: it is of one, or about one,
 * which has to be known before it.
 */
static bool is_of_packets(const struct record_view *view, const struct vl_event *event)
{
	return event->flags & VL_EV_OTHER ||
	       (view->options->filter.packets.fields & VL_F_ANY && event_protocol(event));
}

void record_view_add(struct record_view *view, const struct vl_event *event)
{
	struct vl_stack record = {.at.packet = *event};
	int ret;

	if (event->end >= lab_n_ends(view->lab) || only_drops(view->options))
		return;
	view->records++;
	if (view->story && is_of_packets(view, event))
		ret = record_queue_add(&view->packets, &record);
	else
		ret = view->story ? story_add(view->story, event)
				  : record_queue_add(&view->queue, &record);
	if (ret < 0)
		view->failed = true;
}

enum node_trace_depth record_view_depth(const struct record_view_options *options)
{
	if (options->stack)
		return NODE_TRACE_ALL;
	return options->filter.itineraries || only_drops(options) ? NODE_TRACE_REASONS
								  : NODE_TRACE_DROPS;
}

/* `dropped` without --events: what was lost and is no part of an echo is told by itself. */
static bool is_told_alone(const struct record_view *view, const char *reason, const char *function)
{
	return view->story && view->options->filter.dropped && drop_is_loss(reason, function);
}

static int add_drop(struct record_view *view, const struct vl_stack *record)
{
	char reason[SYMBOL_NAME_SIZE], function[SYMBOL_NAME_SIZE];
	int ret;

	if (!drop_matches(&record->at, &view->options->filter.packets, view->lab))
		return 0;
	view->records++;
	if (!view->story)
		return record_queue_add(&view->queue, record);
	view->names(&record->at, reason, function, view->names_arg);
	ret = is_of_packets(view, &record->at.packet)
		      ? record_queue_add(&view->packets, record)
		      : story_add_drop(view->story, &record->at, reason, function);
	if (ret || !is_told_alone(view, reason, function) ||
	    !drop_matches(&record->at, &view->options->filter.chosen, view->lab))
		return ret;
	return record_queue_add(&view->queue, record);
}

static int add_act(struct record_view *view, const struct vl_stack *record)
{
	char reason[SYMBOL_NAME_SIZE] = "", function[SYMBOL_NAME_SIZE] = "";
	bool question = record->at.kind == VL_STACK_QUESTION;
	int ret = 0;

	if (!stack_matches(record, &view->options->filter.packets, view->lab))
		return 0;
	if (record->at.location)
		view->names(&record->at, reason, function, view->names_arg);
	if (!stack_tells(record, function) ||
	    (only_drops(view->options) ? !question : !view->story && !view->options->stack))
		return 0;
	view->records++;
	if (!view->story)
		return record_queue_add(&view->queue, record);
	if (question && is_told_alone(view, reason, function) &&
	    question_matches(record, &view->options->filter.chosen, view->lab))
		ret = record_queue_add(&view->queue, record);
	if (ret < 0)
		return ret;
	return is_of_packets(view, &record->at.packet)
		       ? record_queue_add(&view->packets, record)
		       : story_add_stack(view->story, record, reason, function);
}

void record_view_add_stack(struct record_view *view, const struct vl_stack *record)
{
	int ret = record->at.kind == VL_STACK_DROP ? add_drop(view, record) : add_act(view, record);

	if (ret < 0)
		view->failed = true;
}

/* What is told alone, beside the stories, is counted too. */
static bool is_enough(const struct record_view *view)
{
	return view->options->count && view->shown + view->drops >= view->options->count;
}

static bool enough(struct record_view *view)
{
	view->shown++;
	return is_enough(view);
}

static void show_drop(struct record_view *view, const struct vl_drop *record)
{
	struct drop drop = {.record = *record, .node = view->lab->nodes[record->node]};

	view->names(record, drop.reason, drop.function, view->names_arg);
	if (view->options->json) {
		json_t *line = output_json_document("vethlab.trace-drop/1");

		output_json_merge(line, drop_json(&drop));
		output_json_line(line, stdout);
	} else {
		drop_print(&view->layout, &drop, view->lab, stdout);
	}
}

static void show_act(struct record_view *view, const struct vl_stack *record)
{
	struct act act = {.record = *record,
			  .node = view->lab->nodes[record->at.node],
			  .leg = event_leg(&record->at.packet)};

	if (record->at.kind == VL_STACK_QUESTION)
		view->names(&record->at, act.reason, act.function, view->names_arg);
	if (record->at.kind == VL_STACK_NEIGHBOR && record->what <= VL_NEIGHBOR_AGAIN)
		act.asked = record->asked;
	if (view->options->json) {
		act_write_json(&act, "vethlab.trace-stack/1", stdout);
		putchar('\n');
	} else {
		act_print(&view->layout, &act, stdout);
	}
}

static int show_record(const struct vl_stack *record, void *arg)
{
	struct record_view *view = arg;
	const struct vl_event *event = &record->at.packet;

	if (record_is_drop(record)) {
		show_drop(view, &record->at);
	} else if (!record_is_event(record)) {
		show_act(view, record);
	} else if (view->options->json) {
		event_write_json(event, lab_end(view->lab, event->end), "vethlab.trace/1", stdout);
		putchar('\n');
	} else {
		event_print(&view->layout, event, lab_end(view->lab, event->end), stdout);
	}
	if (!view->story)
		return enough(view);
	view->drops++;
	return is_enough(view);
}

static int show_itinerary(struct record_view *view, const struct itinerary *itinerary)
{
	json_t *line;

	if (!record_filter_wants(&view->options->filter, view->lab, itinerary))
		return 0;
	if (view->options->json) {
		line = output_json_document("vethlab.itinerary/1");
		output_json_merge(line, itinerary_json(itinerary));
		output_json_line(line, stdout);
	} else {
		itinerary_print_title(itinerary, view->layout.zero_ns, stdout);
		if (view->options->stack)
			itinerary_print_all(itinerary, stdout);
		else
			itinerary_print(itinerary, stdout);
	}
	return enough(view);
}

/* A packet that is no ICMP, or an error about one, in its turn. */
static int tell_packet(const struct vl_stack *record, void *arg)
{
	char reason[SYMBOL_NAME_SIZE] = "", function[SYMBOL_NAME_SIZE] = "";
	struct record_view *view = arg;
	int ret;

	if (!record_is_event(record) && record->at.location)
		view->names(&record->at, reason, function, view->names_arg);
	if (record_is_drop(record)) {
		ret = story_add_drop(view->story, &record->at, reason, function);
	} else if (record_is_event(record)) {
		ret = story_add(view->story, &record->at.packet);
	} else {
		ret = story_add_stack(view->story, record, reason, function);
	}
	return ret < 0 ? ret : 0;
}

/* Nothing more comes of it, as far as that can be known. */
static bool is_complete(const struct itinerary *itinerary)
{
	return itinerary->answered || (itinerary->is_packet && itinerary->fate == FATE_DELIVERED);
}

/* Echoes in the order in which they fell quiet. */
static int show_quiet(struct record_view *view, uint64_t now_ns, bool all)
{
	const struct itinerary *itinerary;
	uint64_t before = all			       ? UINT64_MAX
			  : now_ns > answered_quiet_ns ? now_ns - answered_quiet_ns
						       : 0;
	int ret = 0;

	while (!ret && (itinerary = story_quiet(view->story, before))) {
		if (!all && !is_complete(itinerary) &&
		    !story_quiet(view->story, now_ns > quiet_ns ? now_ns - quiet_ns : 0))
			break; /* its answer may be under way */
		ret = show_itinerary(view, itinerary);
		story_forget(view->story, itinerary);
	}
	return ret;
}

static int out_of_memory(struct err *err)
{
	return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
}

/* settled_ns UINT64_MAX: all, as nothing more comes. */
static int show(struct record_view *view, uint64_t settled_ns, struct err *err)
{
	int ret;

	if (view->failed)
		return out_of_memory(err);
	if (record_queue_flush(&view->packets, settled_ns, tell_packet, view))
		return out_of_memory(err);
	ret = record_queue_flush(&view->queue, settled_ns, show_record, view);
	return !ret && view->story ? show_quiet(view, settled_ns, settled_ns == UINT64_MAX) : ret;
}

int record_view_show(struct record_view *view, uint64_t settled_ns, struct err *err)
{
	return show(view, settled_ns, err);
}

int record_view_finish(struct record_view *view, struct err *err)
{
	return show(view, UINT64_MAX, err);
}

void record_view_losses(struct record_view *view, uint64_t lost, uint64_t lost_so_far)
{
	json_t *line;

	if (!view->options->json) {
		printf("-- %" PRIu64 " records are missing here: the buffer was full\n", lost);
		return;
	}
	line = output_json_document("vethlab.trace-lost/1");
	output_json_set(line, "lost", json_integer(lost));
	output_json_set(line, "lost_so_far", json_integer(lost_so_far));
	output_json_line(line, stdout);
}

bool record_view_reader_left(void)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return false;
	/* `trace | head` ends when head has enough; any other failure to write is main's to tell.
	 */
	if (errno == EPIPE || (!errno && output_reader_left(stdout))) {
		__fpurge(stdout);
		clearerr(stdout);
	} else {
		output_fail(errno ? errno : EIO);
	}
	return true;
}
