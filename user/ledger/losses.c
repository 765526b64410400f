// SPDX-License-Identifier: GPL-2.0-only
/* losses.c - drops by end, stage, reason and place: copied, subtracted, as JSON and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/drop_causes.h"
#include "user/ledger/losses.h"
#include "user/output/output.h"

static const char *const stage_names[] = {
	[WATCH_DROP_BEFORE_OUT] = "before_out",
	[WATCH_DROP_ON_LINK] = "on_link",
	[WATCH_DROP_AFTER_IN] = "after_in",
};
enum { STAGES = sizeof(stage_names) / sizeof(*stage_names) };

const char *losses_stage_name(enum watch_drop_stage stage)
{
	return stage_names[stage];
}

void losses_free(struct losses *losses)
{
	free(losses->list);
	*losses = (struct losses){0};
}

int losses_copy(struct losses *copy, const struct losses *losses)
{
	struct watch_drop *list = calloc(losses->n + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	memcpy(list, losses->list, losses->n * sizeof(*list));
	*copy = *losses;
	copy->list = list;
	copy->room = losses->n;
	return 0;
}

static struct watch_drop *find(const struct losses *losses, const struct watch_drop *like)
{
	for (size_t i = 0; i < losses->n; i++) {
		struct watch_drop *drop = &losses->list[i];

		if (drop->end == like->end && drop->stage == like->stage &&
		    !strcmp(drop->reason, like->reason) && !strcmp(drop->place, like->place))
			return drop;
	}
	return NULL;
}

static void take(__u64 *from, __u64 what)
{
	*from = *from > what ? *from - what : 0;
}

void losses_subtract(struct losses *now, const struct losses *since)
{
	size_t left = 0;

	for (size_t i = 0; i < now->n; i++) {
		struct watch_drop *drop = &now->list[i];
		const struct watch_drop *before = find(since, drop);

		if (before) {
			take(&drop->count.packets, before->count.packets);
			take(&drop->count.bytes, before->count.bytes);
			take(&drop->count.segments, before->count.segments);
		}
		if (drop->count.packets)
			now->list[left++] = *drop;
	}
	now->n = left;
	now->missed = now->missed > since->missed ? now->missed - since->missed : 0;
}

static int add_drop(struct losses *losses, const struct watch_drop *drop)
{
	struct watch_drop *there = find(losses, drop);

	if (there) {
		there->count.packets += drop->count.packets;
		there->count.bytes += drop->count.bytes;
		there->count.segments += drop->count.segments;
		return 0;
	}
	if (array_reserve(&losses->list, &losses->room, losses->n + 1, sizeof(*losses->list)))
		return -ENOMEM;
	losses->list[losses->n++] = *drop;
	return 0;
}

int losses_add(struct losses *sum, const struct losses *more)
{
	int rc = 0;

	for (size_t i = 0; i < more->n && !rc; i++)
		rc = add_drop(sum, &more->list[i]);
	sum->missed += more->missed;
	return rc;
}

bool losses_of(const struct watch_drop *drop, const struct end *from)
{
	const struct end *at = drop->stage == WATCH_DROP_AFTER_IN ? from->peer : from;

	return drop->end == at->number;
}

uint64_t losses_on_link(const struct losses *losses, const struct end *from)
{
	uint64_t segments = 0;

	for (size_t i = 0; i < losses->n; i++)
		if (losses->list[i].stage == WATCH_DROP_ON_LINK &&
		    losses_of(&losses->list[i], from))
			segments += losses->list[i].count.segments;
	return segments;
}

bool losses_is_ordinary(const struct watch_drop *drop)
{
	return drop->stage == WATCH_DROP_AFTER_IN &&
	       drop_classify(drop->reason, drop->place).traits & DROP_ORDINARY;
}

const char *losses_cause(const struct watch_drop *drop, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", drop->reason, *drop->place ? " at " : "", drop->place);
	return buf;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

json_t *losses_to_json(const struct losses *losses, const struct end *from)
{
	json_t *array = json_array();

	for (size_t i = 0; i < losses->n; i++) {
		const struct watch_drop *drop = &losses->list[i];
		const struct end *at = drop->stage == WATCH_DROP_AFTER_IN ? from->peer : from;

		if (losses_of(drop, from))
			output_json_append(
				array,
				output_json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "stage",
						 losses_stage_name(drop->stage), "end", at->name,
						 "reason", drop->reason, "place", drop->place,
						 "packets", (json_int_t)drop->count.packets,
						 "bytes", (json_int_t)drop->count.bytes, "segments",
						 (json_int_t)drop->count.segments));
	}
	return array;
}

static bool drop_from_json(struct watch_drop *drop, const struct lab *lab, const json_t *json)
{
	const char *stage, *name, *reason, *place;
	json_int_t packets, bytes, segments;
	const struct end *end;
	int which = 0;

	if (json_unpack((json_t *)json, "{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "stage", &stage,
			"end", &name, "reason", &reason, "place", &place, "packets", &packets,
			"bytes", &bytes, "segments", &segments))
		return false;
	while (which < STAGES && strcmp(stage, stage_names[which]))
		which++;
	if (which == STAGES || packets < 0 || bytes < 0 || segments < 0)
		return false;
	end = lab_find_end(lab, name);
	/* One that the lab does not have any more: it matches nothing. */
	*drop = (struct watch_drop){.end = end ? end->number : UINT32_MAX, .stage = which};
	snprintf(drop->reason, sizeof(drop->reason), "%s", reason);
	snprintf(drop->place, sizeof(drop->place), "%s", place);
	drop->count.packets = (uint64_t)packets;
	drop->count.bytes = (uint64_t)bytes;
	drop->count.segments = (uint64_t)segments;
	return true;
}

int losses_from_json(struct losses *losses, const struct lab *lab, const json_t *json)
{
	struct watch_drop drop;
	const json_t *one;
	size_t i;
	int rc;

	json_array_foreach(json, i, one) {
		if (!drop_from_json(&drop, lab, one))
			return -EINVAL;
		rc = add_drop(losses, &drop);
		if (rc)
			return rc;
	}
	return json_is_array(json) ? 0 : -EINVAL;
}
