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

static const char *const missed_names[VL_DROP_MISSED_CAUSES] = {
	[VL_DROP_MISSED_FULL] = "full",
	[VL_DROP_MISSED_NO_MEMORY] = "no_memory",
	[VL_DROP_MISSED_BUSY] = "busy",
};

const char *losses_missed_name(enum vl_drop_missed cause)
{
	return missed_names[cause];
}

uint64_t losses_missed(const struct losses *losses)
{
	uint64_t sum = 0;

	for (int cause = 0; cause < VL_DROP_MISSED_CAUSES; cause++)
		sum += losses->missed.of[cause];
	return sum;
}

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

/* Whether a drop is of an end or a stage before those of another one. */
static bool is_before(const void *element, const void *key)
{
	const struct watch_drop *drop = element, *like = key;

	return drop->end < like->end || (drop->end == like->end && drop->stage < like->stage);
}

/* The first drop that is not before that end and stage. */
static size_t first_at(const struct losses *losses, uint32_t end, enum watch_drop_stage stage)
{
	const struct watch_drop like = {.end = end, .stage = stage};

	return array_lower_bound(losses->list, losses->n, sizeof(*losses->list), &like, is_before);
}

static const struct watch_drop *find(const struct losses *losses, const struct watch_drop *like)
{
	size_t i = first_at(losses, like->end, like->stage);

	for (; i < losses->n && losses->list[i].end == like->end &&
	       losses->list[i].stage == like->stage;
	     i++)
		if (!watch_compare_drops(&losses->list[i], like))
			return &losses->list[i];
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
	losses_settle(now);
	for (int cause = 0; cause < VL_DROP_MISSED_CAUSES; cause++)
		take(&now->missed.of[cause], since->missed.of[cause]);
	take(&now->missed.interrupted, since->missed.interrupted);
}

static int append(struct losses *losses, const struct watch_drop *drop)
{
	if (array_reserve(&losses->list, &losses->room, losses->n + 1, sizeof(*losses->list)))
		return -ENOMEM;
	losses->list[losses->n++] = *drop;
	return 0;
}

void losses_settle(struct losses *losses)
{
	if (losses->n)
		losses->n = watch_join_drops(losses->list, losses->n);
}

int losses_add(struct losses *sum, const struct losses *more)
{
	for (size_t i = 0; i < more->n; i++) {
		int ret = append(sum, &more->list[i]);

		if (ret)
			return ret;
	}
	losses_settle(sum);
	for (int cause = 0; cause < VL_DROP_MISSED_CAUSES; cause++)
		sum->missed.of[cause] += more->missed.of[cause];
	sum->missed.interrupted += more->missed.interrupted;
	return 0;
}

bool losses_of(const struct watch_drop *drop, const struct end *from)
{
	const struct end *at = drop->stage == WATCH_DROP_AFTER_IN ? from->peer : from;

	return drop->end == at->number;
}

const struct watch_drop *losses_next(const struct losses *losses, const struct end *from,
				     size_t *place)
{
	uint32_t a = from->number, b = from->peer->number, low = a < b ? a : b;
	uint32_t high = low == a ? b : a;
	size_t i = *place ? *place : first_at(losses, low, 0);

	while (i < losses->n && losses->list[i].end <= high) {
		const struct watch_drop *drop = &losses->list[i];

		if (drop->end > low && drop->end < high) {
			i = first_at(losses, high, 0);
			continue;
		}
		i++;
		if (losses_of(drop, from)) {
			*place = i;
			return drop;
		}
	}
	return NULL;
}

uint64_t losses_on_link(const struct losses *losses, const struct end *from)
{
	const struct watch_drop *drop;
	uint64_t segments = 0;
	size_t place = 0;

	while ((drop = losses_next(losses, from, &place)))
		if (drop->stage == WATCH_DROP_ON_LINK)
			segments += drop->count.segments;
	return segments;
}

static struct drop_cause classify(const struct watch_drop *drop)
{
	return drop->to_multicast ? drop_classify_multicast(drop->reason, drop->place)
				  : drop_classify(drop->reason, drop->place);
}

bool losses_is_ordinary(const struct watch_drop *drop)
{
	return drop->stage == WATCH_DROP_AFTER_IN && classify(drop).traits & DROP_ORDINARY;
}

const char *losses_meaning(const struct watch_drop *drop)
{
	return classify(drop).meaning;
}

const char *losses_cause(const struct watch_drop *drop, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", drop->reason, *drop->place ? " at " : "", drop->place);
	return buf;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *drop_to_json(const struct watch_drop *drop, const struct end *from)
{
	const struct end *at = drop->stage == WATCH_DROP_AFTER_IN ? from->peer : from;
	json_t *json = output_json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "stage", losses_stage_name(drop->stage),
		"end", at->name, "reason", drop->reason, "place", drop->place, "packets",
		(json_int_t)drop->count.packets, "bytes", (json_int_t)drop->count.bytes, "segments",
		(json_int_t)drop->count.segments);

	if (drop->to_multicast)
		output_json_set(json, "to_multicast", json_true());
	return json;
}

json_t *losses_to_json(const struct losses *losses, const struct end *from)
{
	const struct watch_drop *drop;
	json_t *array = json_array();
	size_t place = 0;

	while ((drop = losses_next(losses, from, &place)))
		output_json_append(array, drop_to_json(drop, from));
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
	drop->to_multicast = json_is_true(json_object_get(json, "to_multicast"));
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
		rc = append(losses, &drop);
		if (rc)
			return rc;
	}
	return json_is_array(json) ? 0 : -EINVAL;
}

void losses_set_missed(const struct losses *losses, json_t *document)
{
	const struct watch_missed *missed = &losses->missed;
	json_t *causes = json_object();

	for (int cause = 0; cause < VL_DROP_MISSED_CAUSES; cause++)
		output_json_set(causes, missed_names[cause],
				json_integer((json_int_t)missed->of[cause]));
	output_json_set(document, "drops_missed", json_integer((json_int_t)losses_missed(losses)));
	output_json_set(document, "drops_missed_causes", causes);
	output_json_set(document, "drops_room", json_integer((json_int_t)missed->room));
	output_json_set(document, "drops_interrupted",
			missed->interrupted_known ? json_integer((json_int_t)missed->interrupted)
						  : json_null());
}

static uint64_t count_of(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

void losses_read_missed(struct losses *losses, const json_t *document)
{
	const json_t *causes = json_object_get(document, "drops_missed_causes");
	struct watch_missed *missed = &losses->missed;

	for (int cause = 0; cause < VL_DROP_MISSED_CAUSES; cause++)
		missed->of[cause] = count_of(causes, missed_names[cause]);
	if (!causes) /* of a vethlab that knew one cause */
		missed->of[VL_DROP_MISSED_FULL] = count_of(document, "drops_missed");
	missed->interrupted = count_of(document, "drops_interrupted");
}
