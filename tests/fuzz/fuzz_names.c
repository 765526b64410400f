// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_names.c - any bytes as the names in a recording that is good otherwise (drop reason,
 * function, process, lab): what is printed of it may go to a terminal, and what is written as JSON
 * is JSON.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/plain_check.h"
#include "user/render/act_text.h"
#include "user/render/drop_text.h"
#include "user/render/itinerary_text.h"
#include "user/story/story.h"
#include "user/trace/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAME_REASON, NAME_FUNCTION, NAME_PROCESS, NAME_LAB, NAMES };
enum { NAME_SIZE = 64 };

static const char lab_text[] = "lab: fuzz\nnodes: {a: {}, b: {}}\nlinks:\n"
			       "  - endpoints: [{end: 'a:x', address: 10.0.1.1/24},"
			       " {end: 'b:y', address: 10.0.1.2/24}]\n";

static struct lab *lab;

/* The input has zero bytes between the names. */
static void split(const uint8_t *data, size_t size, char names[NAMES][NAME_SIZE])
{
	memset(names, 0, NAMES * NAME_SIZE);
	for (int i = 0; i < NAMES && size; i++) {
		size_t len = strnlen((const char *)data, size);

		memcpy(names[i], data, len < NAME_SIZE ? len : NAME_SIZE - 1);
		len += len < size;
		data += len;
		size -= len;
	}
}

static void record(const char *path, char names[NAMES][NAME_SIZE])
{
	struct vl_event request = {.time_ns = 1000,
				   .hook = VL_HOOK_OUT,
				   .family = 4,
				   .icmp_type = 8,
				   .src = {10, 0, 1, 1},
				   .dst = {10, 0, 1, 2},
				   .id = 7,
				   .seq = 1,
				   .ttl = 64};
	struct vl_stack delivered = {.at = {.packet = request,
					    .kind = VL_STACK_DELIVER,
					    .node = 1,
					    .reason = 7,
					    .location = 9},
				     .pid = 1};
	struct recording_totals totals;
	struct recorder *recorder;
	struct vl_drop drop;

	/* All bytes, no zero at the end: as somebody else may write it. */
	memcpy(delivered.name, names[NAME_PROCESS], sizeof(delivered.name));
	delivered.at.packet.time_ns = 1500;
	drop = delivered.at;
	drop.kind = VL_STACK_DROP;
	drop.packet.time_ns = 2000;
	if (recorder_open(&recorder, path, lab, names[NAME_LAB], 900, NULL))
		abort();
	recorder_event(recorder, &request);
	recorder_stack(recorder, &delivered, names[NAME_REASON], names[NAME_FUNCTION]);
	recorder_drop(recorder, &drop, names[NAME_REASON], names[NAME_FUNCTION]);
	if (recorder_close(recorder, 0, &totals, NULL))
		abort();
}

/* Takes text. */
static void check_json(char *text)
{
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;

	if (!json)
		abort();
	json_decref(json);
	free(text);
}

static void check_act(const struct act *act)
{
	char *line = NULL;
	size_t len;
	FILE *f = open_memstream(&line, &len);

	if (!f)
		abort();
	act_write_json(act, "vethlab.trace-stack/1", f);
	fclose(f);
	check_json(line);
}

static void print(const struct itinerary *itinerary, FILE *f)
{
	struct event_layout layout = event_layout_for(lab, 900);

	itinerary_print_title(itinerary, 900, f);
	itinerary_print_all(itinerary, f);
	itinerary_print_fate(itinerary, f);
	for (size_t i = 0; i < itinerary->n_drops; i++)
		drop_print(&layout, &itinerary->drops[i], lab, f);
	for (size_t i = 0; i < itinerary->n_acts; i++) {
		act_print(&layout, &itinerary->acts[i], f);
		check_act(&itinerary->acts[i]);
	}
}

static void tell(struct story *story, FILE *f)
{
	const struct itinerary *itinerary = story_quiet(story, UINT64_MAX);
	json_t *json;

	if (!itinerary || !itinerary->n_drops)
		abort();
	print(itinerary, f);
	json = itinerary_json(itinerary);
	check_json(json_dumps(json, 0));
	json_decref(json);
}

static void add(struct story *story, struct recording *recording, int what,
		const struct vl_stack *record)
{
	char reason[48], function[48];

	recording_drop_names(&record->at, reason, function, recording);
	if (what == RECORDED_EVENT)
		story_add(story, &record->at.packet);
	else if (what == RECORDED_DROP)
		story_add_drop(story, &record->at, reason, function);
	else if (what == RECORDED_STACK)
		story_add_stack(story, record, reason, function);
	else
		abort();
}

static void read_again(const char *path)
{
	struct story *story = story_new(lab);
	struct recording *recording;
	char *text = NULL;
	struct vl_stack r;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int ret;

	if (!story || !f || recording_open(&recording, path, NULL))
		abort();
	while ((ret = recording_next(recording, &r, NULL)) != RECORDED_END)
		add(story, recording, ret, &r);
	tell(story, f);
	fprintf(f, "%s\n", recording_name(recording));
	fclose(f);
	plain_check(text, len);
	free(text);
	story_free(story);
	recording_close(recording);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char names[NAMES][NAME_SIZE], path[64];
	struct diags diags = {0};
	int fd = memfd_create("recording", 0);

	if (!lab)
		lab = lab_read_text(lab_text, sizeof(lab_text) - 1, "fuzz.yaml", &diags);
	if (!lab || fd < 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	split(data, size, names);
	record(path, names);
	read_again(path);
	close(fd);
	return 0;
}
