// SPDX-License-Identifier: GPL-2.0-only
/* itinerary_text.c - the way of one echo, as lines and as an object. */
#include <inttypes.h>
#include <string.h>

#include "user/base/hook_word.h"
#include "user/render/act_text.h"
#include "user/render/drop_text.h"
#include "user/render/event_text.h"
#include "user/render/itinerary_text.h"
#include "user/ledger/ledger.h"
#include "user/output/output.h"

enum { REMARK_SIZE = 512, LEAD_SIZE = 2 * END_NAME_SIZE + 64, CHANGE_SIZE = 2 * IP_TEXT_SIZE + 32 };

const char *leg_name(enum leg leg)
{
	static const char *const names[LEGS] = {"request", "reply", "error"};

	return names[leg];
}

const char *event_leg_name(const struct vl_event *event, enum leg leg)
{
	return event->flags & VL_EV_OTHER ? "packet" : leg_name(leg);
}

const char *fate_name(enum fate fate)
{
	static const char *const names[] = {
		[FATE_UNSEEN] = "unseen",   [FATE_ANSWERED] = "answered",
		[FATE_REFUSED] = "refused", [FATE_LOST] = "lost",
		[FATE_DROPPED] = "dropped", [FATE_DELIVERED] = "delivered",
		[FATE_WAITING] = "waiting"};

	return names[fate];
}

static const char *step_name(enum step step)
{
	static const char *const names[] = {
		[STEP_FIRST] = "first", [STEP_END] = "end",   [STEP_LINK] = "link",
		[STEP_NODE] = "node",	[STEP_TURN] = "turn", [STEP_GAP] = "gap"};

	return names[step];
}

/* Whether an answered echo spent most of its time on waiting for this neighbor, and that was long.
 */
static bool is_long_wait(const struct itinerary *itinerary, const struct act *act)
{
	const uint64_t long_ns = 10000000;

	return itinerary->answered && act->record.at.kind == VL_STACK_NEIGHBOR &&
	       act->record.what == VL_NEIGHBOR_ANSWERED && !act->before &&
	       act->took_ns >= long_ns && act->took_ns > itinerary->round_trip_ns / 2;
}

/* Whether an act is worth a line where only the way is told: it stopped an echo, or held it up. */
static bool is_told(const struct itinerary *itinerary, const struct act *act, bool all)
{
	return all || (act->bad && !itinerary->answered) || is_long_wait(itinerary, act);
}

static int end_width(const struct itinerary *itinerary, bool all)
{
	int width = 0;

	for (size_t i = 0; i < itinerary->n_hops; i++) {
		int columns = output_columns(itinerary->hops[i].end->name);

		if (columns > width)
			width = columns;
	}
	for (size_t i = 0; i < itinerary->n_drops; i++) {
		int columns = output_columns(itinerary->drops[i].node->name);

		if (columns > width && !itinerary->drops[i].harmless)
			width = columns;
	}
	for (size_t i = 0; i < itinerary->n_acts; i++) {
		int columns = output_columns(itinerary->acts[i].node->name);

		if (columns > width && is_told(itinerary, &itinerary->acts[i], all))
			width = columns;
	}
	return width;
}

/* The time of a step in words that never are a negative number. */
static const char *step_time(const struct hop *hop, char buf[REMARK_SIZE])
{
	char number[OUTPUT_NUMBER_SIZE];

	snprintf(buf, REMARK_SIZE, "%s%s", output_duration(hop->step_ns, number),
		 hop->skewed ? " (clocks of 2 CPUs)" : "");
	return buf;
}

/* What the step to a hop was: "crossed the link in 1.4 us". */
static void step_remark(const struct hop *hop, const struct hop *from, char buf[REMARK_SIZE])
{
	const char *node = hop->end->node->name;
	const struct vl_event *e = &hop->event;
	char time[REMARK_SIZE], text[ICMP_TEXT_SIZE];

	buf[0] = 0;
	step_time(hop, time);
	switch (hop->step) {
	case STEP_FIRST:
		if (hop->leg == LEG_ERROR)
			snprintf(buf, REMARK_SIZE, "%s: %s", node, event_icmp_text(e, text));
		else if (hop->again)
			snprintf(buf, REMARK_SIZE, "sent again");
		break;
	case STEP_END:
		break;
	case STEP_LINK:
		snprintf(buf, REMARK_SIZE, "crossed the link in %.60s", time);
		break;
	case STEP_NODE:
		snprintf(buf, REMARK_SIZE, "%s passed it on in %.60s", node, time);
		break;
	case STEP_TURN:
		if (hop->leg == LEG_ERROR)
			snprintf(buf, REMARK_SIZE, "%s: %s, made in %.60s", node,
				 event_icmp_text(e, text), time);
		else if (hop->maker)
			snprintf(buf, REMARK_SIZE, "%s answered, by its %s behind %s, in %.60s",
				 hop->maker->name, hop->maker_dev, hop->end->name, time);
		else
			snprintf(buf, REMARK_SIZE, "%s answered in %.60s", node, time);
		break;
	case STEP_GAP:
		if (from)
			snprintf(buf, REMARK_SIZE, "after %.60s; what lies between was not seen",
				 time);
		else
			snprintf(buf, REMARK_SIZE, "where it came from was not seen");
		break;
	}
}

static void append(char buf[REMARK_SIZE], const char *text)
{
	size_t len = strlen(buf);

	snprintf(buf + len, REMARK_SIZE - len, "%s%s", len ? ", " : "", text);
}

/* In how many fragments it came here, where that is news. */
static void fragments_remark(const struct hop *hop, const struct hop *from, char buf[REMARK_SIZE])
{
	bool same = from && from->leg == hop->leg;
	char text[CHANGE_SIZE];

	if (hop->fragments == 1 && !hop->incomplete && !(same && from->fragments > 1))
		return;
	if (same && from->fragments == hop->fragments && from->incomplete == hop->incomplete)
		return;
	if (hop->fragments == 1 && !hop->incomplete)
		snprintf(text, sizeof(text), "put together");
	else if (hop->incomplete && same && from->fragments > hop->fragments)
		snprintf(text, sizeof(text), "only %u of %u parts", hop->fragments,
			 from->fragments);
	else
		snprintf(text, sizeof(text), "in %u part%s%s", hop->fragments,
			 hop->fragments == 1 ? "" : "s",
			 hop->incomplete ? ", others not seen" : "");
	append(buf, text);
}

/* Of a TCP segment: which bytes, where it was cut (GSO) or joined with others (GRO). */
static void part_remark(const struct hop *hop, const struct hop *from, char buf[REMARK_SIZE])
{
	const struct vl_other *other = &hop->event.other;
	char text[CHANGE_SIZE];

	if (!from || !hop_is_part(hop, from))
		return;
	snprintf(text, sizeof(text), "%s: seq %" PRIu32 " len %" PRIu32,
		 other->bytes < from->event.other.bytes ? "a part" : "joined with others",
		 other->seq, other->bytes);
	append(buf, text);
}

/* What changed since the hop before: TTL, addresses; and whether it is one of several copies. */
static void change_remark(const struct hop *hop, const struct hop *from, char buf[REMARK_SIZE])
{
	char text[CHANGE_SIZE], src[IP_TEXT_SIZE], dst[IP_TEXT_SIZE];
	char addresses[ADDRESSES_TEXT_SIZE];
	struct ip_addr s = event_source(&hop->event), d = event_destination(&hop->event);

	if (from && from->leg == hop->leg && from->event.ttl != hop->event.ttl) {
		snprintf(text, sizeof(text), "ttl %u -> %u", from->event.ttl, hop->event.ttl);
		append(buf, text);
	}
	if (hop->translated && hop->event.flags & VL_EV_OTHER) {
		snprintf(text, sizeof(text), "now %s", addresses_text(&hop->event, addresses));
		append(buf, text);
	} else if (hop->translated) {
		snprintf(text, sizeof(text), "now %s > %s id %u", ip_format(&s, src, sizeof(src)),
			 ip_format(&d, dst, sizeof(dst)), hop->event.id);
		append(buf, text);
	}
	if (hop->event.flags & VL_EV_OTHER) {
		part_remark(hop, from, buf);
		if (hop->event.flags & VL_EV_FRAGMENT && !from)
			append(buf, "a fragment");
	} else {
		fragments_remark(hop, from, buf);
	}
	if (hop->branch)
		append(buf, "one of several copies");
	else if (hop->again && hop->step != STEP_FIRST)
		append(buf, "was here before");
}

/* In lines that fit, broken where a remark ends if that is enough: "ttl 64 -> 63" stays whole. */
static void print_remarks(const char *lead, const char *remarks, FILE *f)
{
	size_t width = output_width(f), indent = output_columns(lead);
	char line[2 * REMARK_SIZE] = "", margin[LEAD_SIZE];

	snprintf(margin, sizeof(margin), "%*s", (int)indent, "");
	while (*remarks) {
		const char *end = strstr(remarks, ", ");
		size_t len = end ? (size_t)(end - remarks) + 1 : strlen(remarks);
		size_t used = strlen(line);
		char remark[REMARK_SIZE];

		snprintf(remark, sizeof(remark), "%.*s", (int)len, remarks);
		if (used && indent + output_columns(line) + 1 + output_columns(remark) > width) {
			output_wrap(lead, line, f);
			lead = margin;
			line[0] = 0;
			used = 0;
		}
		snprintf(line + used, sizeof(line) - used, "%s%s", used ? " " : "", remark);
		remarks += len + (end != NULL);
	}
	output_wrap(lead, line, f);
}

static void print_hop(const struct itinerary *itinerary, const struct hop *hop, bool new_leg,
		      int width, FILE *f)
{
	const struct hop *from = hop->from >= 0 ? &itinerary->hops[hop->from] : NULL;
	char at[OUTPUT_NUMBER_SIZE], remark[REMARK_SIZE], lead[LEAD_SIZE];

	step_remark(hop, from, remark);
	change_remark(hop, from, remark);
	snprintf(lead, sizeof(lead), "  %-7s %8s  %s%*s  %s",
		 new_leg ? event_leg_name(&hop->event, hop->leg) : "",
		 output_duration(hop->at_ns, at), hop->end->name,
		 width - (int)output_columns(hop->end->name), "", hook_word(hop->event.hook));
	if (!remark[0]) {
		fprintf(f, "%s\n", lead);
		return;
	}
	snprintf(lead + strlen(lead), sizeof(lead) - strlen(lead), "%*s",
		 5 - (int)strlen(hook_word(hop->event.hook)), "");
	print_remarks(lead, remark, f);
}

static void print_drop(const struct drop *drop, int width, FILE *f)
{
	char at[OUTPUT_NUMBER_SIZE], lead[LEAD_SIZE], text[REMARK_SIZE];

	snprintf(lead, sizeof(lead), "  dropped %8s  %s%*s       ",
		 output_duration(drop->at_ns, at), drop->node->name,
		 width - (int)output_columns(drop->node->name), "");
	snprintf(text, sizeof(text), "%s%s%s%s", drop->reason, drop->function[0] ? ", in " : "",
		 drop->function,
		 event_is_redirect(&drop->record.packet) ? " (the redirect)"
		 : drop->leg == LEG_ERROR		 ? " (the ICMP error)"
							 : "");
	output_wrap(lead, text, f);
}

static void print_act(const struct act *act, int width, FILE *f)
{
	char at[OUTPUT_NUMBER_SIZE] = "", lead[REMARK_SIZE], text[ACT_TEXT_SIZE];
	int pad = width - (int)output_columns(act->node->name);

	if (!act->before)
		output_duration(act->at_ns, at);
	snprintf(lead, sizeof(lead), "  %-7s %8s  %s%*s  ", "", at, act->node->name,
		 pad > 0 ? pad : 0, "");
	output_wrap(lead, act_text(act, text), f);
}

/* Drops and acts up to a time, in order of it. Returns whether there were any. */
static bool print_between(const struct itinerary *itinerary, uint64_t until_ns, bool last,
			  size_t *n_drops, size_t *n_acts, int width, bool all, FILE *f)
{
	bool any = false;

	for (;;) {
		const struct drop *drop =
			*n_drops < itinerary->n_drops ? &itinerary->drops[*n_drops] : NULL;
		const struct act *act =
			*n_acts < itinerary->n_acts ? &itinerary->acts[*n_acts] : NULL;

		if (drop && !last && drop->at_ns >= until_ns)
			drop = NULL;
		if (act && !last && !act->before && act->at_ns >= until_ns)
			act = NULL;
		if (act && (!drop || act->before || act->at_ns <= drop->at_ns)) {
			if (is_told(itinerary, act, all))
				print_act(act, width, f);
			++*n_acts;
		} else if (drop) {
			if (!drop->harmless) {
				print_drop(drop, width, f);
				any = true;
			}
			++*n_drops;
		} else {
			return any;
		}
	}
}

static void print(const struct itinerary *itinerary, bool all, FILE *f)
{
	int width = end_width(itinerary, all);
	size_t n_drops = 0, n_acts = 0;
	int leg = -1;

	for (size_t i = 0; i <= itinerary->n_hops; i++) {
		const struct hop *hop = i < itinerary->n_hops ? &itinerary->hops[i] : NULL;

		if (print_between(itinerary, hop ? hop->at_ns : 0, !hop, &n_drops, &n_acts, width,
				  all, f))
			leg = -1; /* what follows says again whose it is */
		if (!hop)
			break;
		print_hop(itinerary, hop, (int)hop->leg != leg, width, f);
		leg = hop->leg;
	}
	if (itinerary->asymmetric)
		fputs("  the answer came back by other links than the request took\n", f);
	if (itinerary->alike)
		fprintf(f,
			"  %u packets have this content: which record is of which cannot be told\n",
			itinerary->alike + 1);
	if (itinerary->left_out)
		fprintf(f, "  %zu more records of this %s were not kept\n", itinerary->left_out,
			itinerary->is_packet ? "packet" : "echo");
}

void itinerary_print(const struct itinerary *itinerary, FILE *f)
{
	print(itinerary, false, f);
}

void itinerary_print_all(const struct itinerary *itinerary, FILE *f)
{
	print(itinerary, true, f);
}

static json_t *hop_json(const struct hop *hop)
{
	json_t *object = event_json(&hop->event, hop->end);
	json_t *more = output_json_pack("{s:s, s:s, s:I, s:I, s:b, s:b, s:b, s:b}", "leg",
					event_leg_name(&hop->event, hop->leg), "step",
					step_name(hop->step), "at_ns", (json_int_t)hop->at_ns,
					"step_ns", (json_int_t)hop->step_ns, "clocks_differ",
					hop->skewed, "translated", hop->translated, "branch",
					hop->branch, "again", hop->again);

	if (hop->from >= 0)
		output_json_set(more, "from", json_integer(hop->from));
	if (hop->maker) {
		output_json_set(more, "maker", output_json_text(hop->maker->name));
		output_json_set(more, "maker_device", output_json_text(hop->maker_dev));
	}
	if (hop->event.flags & VL_EV_FRAGMENT) {
		output_json_set(more, "parts", json_integer(hop->fragments));
		output_json_set(more, "incomplete", json_boolean(hop->incomplete));
		output_json_set(more, "parts_ns", json_integer(hop->fragments_ns));
	}
	output_json_merge(object, more);
	return object;
}

/* Whom it waits for, and where what was asked died. */
static json_t *waiting_json(const struct itinerary *itinerary)
{
	const struct act *act = &itinerary->acts[itinerary->waits_for];
	const struct act *question = itinerary_question(itinerary, act);
	char addr[IP_TEXT_SIZE];
	json_t *object =
		output_json_pack("{s:s, s:s, s:s, s:s, s:I}", "leg", leg_name(itinerary->waiter),
				 "node", act->node->name, "neighbor", act_next(&act->record, addr),
				 "device", act->record.name, "asked", (json_int_t)act->asked);

	if (question)
		output_json_set(object, "question", act_json(question));
	return object;
}

json_t *itinerary_json(const struct itinerary *itinerary)
{
	json_t *hops = json_array();
	char cause[FATE_TEXT_SIZE];
	json_t *object;

	for (size_t i = 0; i < itinerary->n_hops; i++)
		output_json_append(hops, hop_json(&itinerary->hops[i]));
	object = output_json_pack(
		"{s:i, s:i, s:i, s:s, s:s?, s:s?, s:b, s:b, s:I, s:o}", "family", itinerary->family,
		"id", itinerary->id, "seq", itinerary->seq, "fate", fate_name(itinerary->fate),
		"origin", itinerary->origin ? itinerary->origin->name : NULL, "answerer",
		itinerary->answerer ? itinerary->answerer->name : NULL, "delivered",
		itinerary->delivered, "asymmetric", itinerary->asymmetric, "round_trip_ns",
		(json_int_t)itinerary->round_trip_ns, "hops", hops);
	if (itinerary->is_packet)
		output_json_set(object, "packet", other_json(&itinerary->packet));
	if (itinerary->alike)
		output_json_set(object, "alike", json_integer(itinerary->alike));
	if (itinerary->protocol)
		output_json_set(
			object, "about",
			flow_json(itinerary->protocol, itinerary->from_port, itinerary->to_port));
	if (itinerary_cause(itinerary, cause, sizeof(cause)))
		output_json_set(object, "cause", output_json_text(cause));
	if (itinerary->fate == FATE_WAITING)
		output_json_set(object, "waiting", waiting_json(itinerary));
	if (itinerary->not_seen && itinerary->not_seen[0])
		output_json_set(object, "not_seen", output_json_text(itinerary->not_seen));
	if (itinerary->last >= 0) {
		const struct hop *last = &itinerary->hops[itinerary->last];

		output_json_set(object, "last_seen",
				output_json_pack("{s:s, s:s, s:s}", "end", last->end->name, "hook",
						 hook_word(last->event.hook), "leg",
						 event_leg_name(&last->event, last->leg)));
	}
	if (itinerary->n_drops) {
		json_t *drops = json_array();

		for (size_t i = 0; i < itinerary->n_drops; i++)
			output_json_append(drops, drop_json(&itinerary->drops[i]));
		output_json_set(object, "drops", drops);
		if (itinerary->death >= 0)
			output_json_set(object, "death", json_integer(itinerary->death));
	}
	if (itinerary->n_acts) {
		json_t *acts = json_array();

		for (size_t i = 0; i < itinerary->n_acts; i++)
			output_json_append(acts, act_json(&itinerary->acts[i]));
		output_json_set(object, "stack", acts);
	}
	if (itinerary->left_out)
		output_json_set(object, "left_out", json_integer(itinerary->left_out));
	return object;
}
