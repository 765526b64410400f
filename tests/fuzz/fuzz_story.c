// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_story.c - any bytes as a recording, and as the records behind a head and a lab that are
 * good: read them, join them into stories, put these in order, compare each second one with those
 * between as two runs, join them into flows, too, and print what comes out.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/wire_other.h"
#include "user/render/act_text.h"
#include "user/render/drop_text.h"
#include "user/render/flow_text.h"
#include "user/render/itinerary_text.h"
#include "user/trace/flow_source.h"
#include "user/trace/recording.h"
#include "user/render/run_diff.h"
#include "user/story/record_queue.h"
#include "user/story/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char lab_text[] = "lab: fuzz\n"
			       "nodes: {a: {}, r: {}, b: {}, sw: {kind: bridge}}\n"
			       "links:\n"
			       "  - endpoints: [{end: 'a:x', address: 10.0.1.1/24}, 'r:w']\n"
			       "  - endpoints: ['r:e', {end: 'b:y', address: 10.0.2.1/24}]\n"
			       "  - endpoints: ['sw:p', 'b:z']\n";
enum { END_CHUNK = 8 + sizeof(struct recording_totals), HEAD_MAX = 4096 };

static uint8_t head[HEAD_MAX];
static size_t head_len;
static FILE *null;

/* A recording of nothing, without its last chunk. */
static void make_head(void)
{
	struct recording_totals totals;
	struct diags diags = {0};
	struct lab *lab = lab_read_text(lab_text, sizeof(lab_text) - 1, "fuzz.yaml", &diags);
	int fd = memfd_create("head", 0);
	struct recorder *recorder;
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!lab || recorder_open(&recorder, path, lab, "fuzz", 1000, NULL) ||
	    recorder_close(recorder, 0, &totals, NULL))
		abort();
	len = pread(fd, head, sizeof(head), 0);
	if (len <= END_CHUNK)
		abort();
	head_len = len - END_CHUNK;
	close(fd);
	lab_free(lab);
	diags_free(&diags);
	null = fopen("/dev/null", "w");
}

static int print_record(const struct vl_stack *record, void *arg)
{
	const struct lab *lab = arg;
	struct event_layout layout = event_layout_for(lab, 1000);
	const struct vl_event *packet = &record->at.packet;
	struct drop drop = {.record = record->at};
	struct act act = {.record = *record, .leg = event_leg(packet)};

	if (record_is_drop(record)) {
		drop.node = lab->nodes[record->at.node];
		drop_print(&layout, &drop, lab, null);
	} else if (!record_is_event(record)) {
		act.node = lab->nodes[record->at.node];
		act_print(&layout, &act, null);
		act_write_json(&act, "vethlab.trace-stack/1", null);
	} else {
		event_print(&layout, packet, lab_end(lab, packet->end), null);
	}
	return 0;
}

static void check(const struct itinerary *itinerary)
{
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];

		/* A cause stands before what it caused, in place and in time. */
		if (hop->from >= (int)i ||
		    (hop->from >= 0 && itinerary->hops[hop->from].at_ns > hop->at_ns))
			abort();
	}
	itinerary_print_title(itinerary, 1000, null);
	itinerary_print(itinerary, null);
	itinerary_print_all(itinerary, null);
	itinerary_print_fate(itinerary, null);
	json_decref(itinerary_json(itinerary));
}

static void compare(struct run_diff *diff)
{
	if (comparison_judge(&diff->comparison))
		abort();
	run_diff_print(diff, null);
	json_decref(run_diff_json(diff));
	comparison_free(&diff->comparison);
}

/* What is sent again has one verdict each, and no packet arrives that was not sent. */
static void check_flow(const struct flow *flow)
{
	uint64_t again = flow->ways[0].retransmitted + flow->ways[1].retransmitted, told = 0;

	for (size_t i = 0; i < flow->n_tallies; i++)
		told += flow->tallies[i].n;
	if (told != flow->n_repairs ||
	    (flow->protocol == PROTO_TCP && told + flow->repairs_left_out != again))
		abort();
	for (unsigned side = 0; side < 2; side++)
		if (flow->ways[side].arrived > flow->ways[side].packets)
			abort();
}

/* Few are kept, so that some have to leave. */
static void tell_flows(struct recording *recording)
{
	const struct lab *lab = recording_lab(recording);
	struct flows *flows = flows_new(lab, 4);
	cleanup_flow_source struct flow_source source = {
		.flows = flows, .names = recording_drop_names, .names_arg = recording};

	if (flow_source_read(&source, recording, 0, NULL) >= 0 && !flows_judge(flows)) {
		for (const struct flow *flow = NULL; (flow = flows_next(flows, flow));)
			check_flow(flow);
		flows_print(flows, lab, true, false, null);
		json_decref(flows_as_json(flows, lab, 1000));
	}
	flows_free(flows);
}

static void tell(struct recording *recording)
{
	struct run_diff diff = {.file = {"a", "b"},
				.lab = {recording_name(recording), recording_name(recording)},
				.comparison = {.with_times = true, .threshold = 0.1}};
	int side = SIDE_A;
	const struct lab *lab = recording_lab(recording);
	struct story *story = story_new(lab);
	const struct itinerary *itinerary;
	struct record_queue queue = {0};
	char reason[48], function[48];
	struct vl_stack record;
	int ret;

	while ((ret = recording_next(recording, &record, NULL)) == RECORDED_EVENT ||
	       ret == RECORDED_DROP || ret == RECORDED_STACK) {
		record_queue_add(&queue, &record);
		if (ret == RECORDED_EVENT) {
			story_add(story, &record.at.packet);
			continue;
		}
		recording_drop_names(&record.at, reason, function, recording);
		if (ret == RECORDED_DROP)
			story_add_drop(story, &record.at, reason, function);
		else
			story_add_stack(story, &record, reason, function);
	}
	record_queue_flush(&queue, UINT64_MAX, print_record, (void *)lab);
	while ((itinerary = story_quiet(story, UINT64_MAX))) {
		check(itinerary);
		if (!itinerary->protocol) { /* as `vethlab diff` chooses */
			if (comparison_add(&diff.comparison, side, itinerary))
				abort();
			diff.echoes[side]++;
			side = !side;
		}
		story_forget(story, itinerary);
	}
	compare(&diff);
	record_queue_free(&queue);
	story_free(story);
}

static void read_by(void (*teller)(struct recording *recording), uint8_t *bytes, size_t size)
{
	FILE *file = size ? fmemopen(bytes, size, "r") : NULL;
	struct recording *recording;

	if (file && !recording_from(&recording, file, "fuzz.rec", NULL)) {
		teller(recording);
		recording_close(recording);
	}
}

/* Takes bytes. */
static void read_bytes(uint8_t *bytes, size_t size)
{
	read_by(tell, bytes, size);
	read_by(tell_flows, bytes, size);
	free(bytes);
}

/* Whatever is read beyond it is found: a copy that is no longer than the input. */
static uint8_t *copy(const uint8_t *before, size_t len, const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(len + size + !(len + size));

	if (!bytes)
		abort();
	memcpy(bytes, before, len);
	if (size)
		memcpy(bytes + len, data, size);
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!head_len)
		make_head();
	read_bytes(copy(head, 0, data, size), size);
	read_bytes(copy(head, head_len, data, size), head_len + size);
	return 0;
}
