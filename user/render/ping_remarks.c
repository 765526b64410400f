// SPDX-License-Identifier: GPL-2.0-only
/* ping_remarks.c - what `vethlab ping` says beside the ways of echoes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/output/output.h"
#include "user/path/redirect.h"
#include "user/render/act_text.h"
#include "user/render/ping_remarks.h"

enum { TEXT_SIZE = 512 };

/* Whom the node that asked waited for before the packet left; NULL: for nobody that is known. */
static const struct act *waited_for(const struct itinerary *itinerary)
{
	const struct act *best = NULL;

	for (size_t i = 0; i < itinerary->n_acts; i++) {
		const struct act *act = &itinerary->acts[i];

		if (act->record.at.kind == VL_STACK_NEIGHBOR &&
		    act->record.what == VL_NEIGHBOR_ANSWERED && act->node == itinerary->origin &&
		    act->since_ns < itinerary->hops[0].event.time_ns &&
		    (!best || act->took_ns > best->took_ns))
			best = act;
	}
	return best;
}

static void print_before(const struct ping_rest *rest, const struct itinerary *itinerary)
{
	const struct act *act = waited_for(itinerary);
	char time[OUTPUT_NUMBER_SIZE], text[TEXT_SIZE], addr[IP_TEXT_SIZE];
	size_t len;

	len = snprintf(text, sizeof(text), "%s passed in %s before the first hook",
		       output_duration(rest->before_ns, time), itinerary->origin->name);
	if (act)
		snprintf(text + len, sizeof(text) - len,
			 ": it waited for the neighbor %s, which answered after %s",
			 act_next(&act->record, addr), output_duration(act->took_ns, time));
	output_wrap("  ", text, stdout);
}

void ping_print_remarks(const struct echo_state *state, const struct itinerary *itinerary)
{
	struct ping_rest rest = ping_rest_of(state, itinerary);
	char time[OUTPUT_NUMBER_SIZE], text[TEXT_SIZE];

	if (rest.before_long)
		print_before(&rest, itinerary);
	if (rest.after_long) {
		snprintf(text, sizeof(text), "%s passed in %s between the last hook and the socket",
			 output_duration(rest.after_ns, time), itinerary->origin->name);
		output_wrap("  ", text, stdout);
	}
	if (state->lost) {
		snprintf(text, sizeof(text), "%" PRIu64 " records were lost meanwhile: %s",
			 state->lost,
			 itinerary ? "this may be incomplete" : "some of them may be its own");
		output_wrap("  ", text, stdout);
	}
}

void ping_put_remarks(json_t *line, const struct echo_state *state,
		      const struct itinerary *itinerary)
{
	struct ping_rest rest = ping_rest_of(state, itinerary);

	if (rest.before_ns)
		output_json_set(line, "before_ns", json_integer(rest.before_ns));
	if (rest.after_ns)
		output_json_set(line, "after_ns", json_integer(rest.after_ns));
	output_json_set(line, "incomplete", json_boolean(state->lost));
	if (state->lost)
		output_json_set(line, "lost_records", json_integer(state->lost));
}

/* The next hop from i on by which a redirect comes to the sender that refuses it; n_hops: none. */
static size_t next_ignored(const struct running *run, const struct itinerary *itinerary, size_t i,
			   char why[REDIRECT_WHY_SIZE])
{
	for (; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];

		if (event_is_redirect(&hop->event) && hop->event.hook == VL_HOOK_IN &&
		    hop->end->node == itinerary->origin &&
		    redirect_is_ignored(run, hop->end, hop->event.family, why))
			break;
	}
	return i;
}

void ping_print_redirects(const struct running *run, const struct itinerary *itinerary)
{
	char why[REDIRECT_WHY_SIZE], text[TEXT_SIZE];

	for (size_t i = 0; (i = next_ignored(run, itinerary, i, why)) < itinerary->n_hops; i++) {
		snprintf(text, sizeof(text), "%.64s ignores the redirect: %s",
			 itinerary->hops[i].end->node->name, why);
		output_wrap("  ", text, stdout);
	}
}

void ping_put_redirects(json_t *line, const struct running *run, const struct itinerary *itinerary)
{
	json_t *list = json_array();
	char why[REDIRECT_WHY_SIZE];

	for (size_t i = 0; (i = next_ignored(run, itinerary, i, why)) < itinerary->n_hops; i++)
		output_json_append(list,
				   output_json_pack("{s:s, s:s, s:s}", "node",
						    itinerary->hops[i].end->node->name, "end",
						    itinerary->hops[i].end->name, "why", why));
	if (json_array_size(list))
		output_json_set(line, "ignored_redirects", list);
	else
		json_decref(list);
}

static void say_held(const struct ping_silent *silent, char *buf, size_t size)
{
	const struct icmp_held_back *by = &silent->by;
	size_t len;

	if (!silent->known) {
		snprintf(buf, size, "its rate limits were not looked at");
	} else if (!by->has_host && !by->has_global) {
		snprintf(buf, size, "this kernel does not count what its rate limits hold back");
	} else if (!by->host && !by->global) {
		snprintf(buf, size, "its rate limits held none back");
	} else {
		len = snprintf(buf, size,
			       "its rate limits held back %" PRIu64 " (OutRateLimitHost)",
			       by->host);
		if (by->global)
			snprintf(buf + len, size - len, " and %" PRIu64 " (OutRateLimitGlobal)",
				 by->global);
	}
}

void ping_print_silent(const struct ping_tally *tally)
{
	for (size_t i = 0; i < tally->n_silent; i++) {
		const struct ping_silent *silent = &tally->silent[i];
		char text[TEXT_SIZE], held[TEXT_SIZE / 2];

		say_held(silent, held, sizeof(held));
		snprintf(text, sizeof(text),
			 "%.64s made no ICMP error about %" PRIu64 " of them; meanwhile %s",
			 silent->node->name, silent->count, held);
		output_wrap("", text, stdout);
	}
}

json_t *ping_silent_json(const struct ping_tally *tally)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tally->n_silent; i++) {
		const struct ping_silent *silent = &tally->silent[i];
		json_t *item = output_json_pack("{s:s, s:I}", "node", silent->node->name, "echoes",
						(json_int_t)silent->count);

		if (silent->known && silent->by.has_host)
			output_json_set(item, "held_back_host", json_integer(silent->by.host));
		if (silent->known && silent->by.has_global)
			output_json_set(item, "held_back_global", json_integer(silent->by.global));
		output_json_append(list, item);
	}
	return list;
}
