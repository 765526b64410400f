// SPDX-License-Identifier: GPL-2.0-only
/* ping_tally.c - the sums over the echoes of one ping. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/trace/ping_tally.h"

static int add_rtt(struct ping_tally *tally, uint64_t rtt_ns)
{
	if (!tally->n_timed++ || rtt_ns < tally->min_ns)
		tally->min_ns = rtt_ns;
	if (rtt_ns > tally->max_ns)
		tally->max_ns = rtt_ns;
	/* A flood may go on for days: then each is kept with the same chance. */
	if (tally->n_rtts == PING_RTTS) {
		uint64_t at = ((uint64_t)random() << 31 | random()) % tally->n_timed;

		if (at < PING_RTTS)
			tally->rtts[at] = rtt_ns;
		return 0;
	}
	if (tally->n_rtts == tally->room) {
		size_t room = tally->room ? 2 * tally->room : 64;
		uint64_t *rtts = realloc(tally->rtts, room * sizeof(*rtts));

		if (!rtts)
			return -ENOMEM;
		tally->rtts = rtts;
		tally->room = room;
	}
	tally->rtts[tally->n_rtts++] = rtt_ns;
	return 0;
}

static bool same_loss(const struct ping_loss *a, const struct ping_loss *b)
{
	if (a->dropped || b->dropped)
		return a->dropped && b->dropped && a->drop.node == b->drop.node &&
		       a->drop.leg == b->drop.leg && !strcmp(a->drop.reason, b->drop.reason);
	return a->end == b->end && a->hook == b->hook && a->leg == b->leg && a->fate == b->fate &&
	       !strcmp(a->text, b->text);
}

static void add_loss(struct ping_tally *tally, const struct itinerary *itinerary,
		     const char *end_text)
{
	struct ping_loss loss = {.count = 1};

	/* An ICMP error tells of a drop, which says more than it does. */
	if (itinerary && itinerary->death >= 0) {
		loss.dropped = true;
		loss.drop = itinerary->drops[itinerary->death];
	} else if (itinerary && itinerary->last >= 0) {
		const struct hop *last = &itinerary->hops[itinerary->last];

		loss.fate = itinerary->fate;
		snprintf(loss.text, sizeof(loss.text), "%s", end_text);
		loss.end = last->end;
		loss.hook = last->event.hook;
		loss.leg = last->leg;
	} else if (itinerary && itinerary->fate == FATE_WAITING) {
		loss.fate = itinerary->fate;
		snprintf(loss.text, sizeof(loss.text), "%s", end_text);
	}
	for (size_t i = 0; i < tally->n_losses; i++) {
		struct ping_loss *l = &tally->losses[i];

		if (same_loss(l, &loss)) {
			l->count++;
			return;
		}
	}
	if (tally->n_losses < PING_LOSSES)
		tally->losses[tally->n_losses++] = loss;
}

static void add_step(struct ping_tally *tally, const struct hop *hop, const struct hop *from)
{
	struct ping_step *step = tally->steps;
	size_t i;

	for (i = 0; i < tally->n_steps; i++, step++)
		if (step->end == hop->end && step->from == from->end && step->leg == hop->leg &&
		    step->step == hop->step)
			break;
	if (i == PING_STEPS)
		return;
	if (i == tally->n_steps) {
		*step = (struct ping_step){
			.end = hop->end, .from = from->end, .leg = hop->leg, .step = hop->step};
		tally->n_steps++;
	}
	step->count++;
	step->sum_ns += hop->step_ns;
	if (hop->step_ns > step->max_ns)
		step->max_ns = hop->step_ns;
}

static void add_steps(struct ping_tally *tally, const struct itinerary *itinerary)
{
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];

		if (hop->step == STEP_LINK || hop->step == STEP_NODE || hop->step == STEP_TURN)
			add_step(tally, hop, &itinerary->hops[hop->from]);
	}
}

int ping_count(struct ping *ping, const struct echo_state *state, const struct itinerary *itinerary,
	       const char *end_text)
{
	struct ping_tally *tally = &ping->tally;

	if (itinerary)
		add_steps(tally, itinerary);
	switch (state->result) {
	case ECHO_ANSWERED:
		tally->answered++;
		tally->corrupt += state->answer.corrupt;
		return state->answer.rtt_ns ? add_rtt(tally, state->answer.rtt_ns) : 0;
	case ECHO_REFUSED:
		tally->refused++;
		break;
	case ECHO_NOT_SENT:
		tally->not_sent++;
		return 0; /* it was nowhere */
	default:
		tally->unanswered++;
		break;
	}
	add_loss(tally, itinerary, end_text);
	return 0;
}

const struct ping_step *ping_slowest(const struct ping_tally *tally)
{
	const struct ping_step *slowest = NULL;

	for (size_t i = 0; i < tally->n_steps; i++) {
		const struct ping_step *step = &tally->steps[i];

		if (!slowest ||
		    (double)step->sum_ns / step->count > (double)slowest->sum_ns / slowest->count)
			slowest = step;
	}
	return slowest;
}
