// SPDX-License-Identifier: GPL-2.0-only
/* ping_tally.c - the sums over the echoes of one ping. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/base/drop_causes.h"
#include "user/trace/ping_tally.h"

/* What took less of a round trip is no news, whoever waited. */
static const uint64_t long_ns = 10000000;

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

static void add_step(struct ping_tally *tally, struct ping_step key, uint64_t ns)
{
	struct ping_step *step = tally->steps;
	size_t i;

	for (i = 0; i < tally->n_steps; i++, step++)
		if (step->end == key.end && step->from == key.from && step->leg == key.leg &&
		    step->step == key.step && step->node == key.node)
			break;
	if (i == PING_STEPS)
		return;
	if (i == tally->n_steps) {
		*step = key;
		tally->n_steps++;
	}
	step->count++;
	step->sum_ns += ns;
	if (ns > step->max_ns)
		step->max_ns = ns;
}

struct ping_rest ping_rest_of(const struct echo_state *state, const struct itinerary *itinerary)
{
	struct ping_rest rest = {0};
	uint64_t seen, first;

	if (!itinerary || itinerary->arrival < 0 || itinerary->hops[0].leg != LEG_REQUEST)
		return rest;
	if (itinerary->hops[0].step != STEP_FIRST)
		return rest; /* it was somewhere else before */
	seen = itinerary->round_trip_ns;
	first = itinerary->hops[0].event.time_ns;
	if (first > state->sent_ns)
		rest.before_ns = first - state->sent_ns;
	if (state->answer.rtt_ns > rest.before_ns + seen)
		rest.after_ns = state->answer.rtt_ns - rest.before_ns - seen;
	rest.before_long = rest.before_ns >= long_ns && rest.before_ns > seen;
	rest.after_long = rest.after_ns >= long_ns && rest.after_ns > seen;
	return rest;
}

static void add_rest(struct ping_tally *tally, const struct ping_rest *rest,
		     const struct itinerary *itinerary)
{
	struct ping_step key;

	if (rest->before_long) {
		key = (struct ping_step){.end = itinerary->hops[0].end,
					 .node = itinerary->origin,
					 .step = STEP_FIRST};
		key.from = key.end;
		add_step(tally, key, rest->before_ns);
	}
	if (rest->after_long) {
		key = (struct ping_step){.end = itinerary->hops[itinerary->arrival].end,
					 .node = itinerary->origin,
					 .leg = itinerary->hops[itinerary->arrival].leg,
					 .step = STEP_GAP};
		key.from = key.end;
		add_step(tally, key, rest->after_ns);
	}
}

static void add_steps(struct ping_tally *tally, const struct itinerary *itinerary)
{
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];

		if (hop->step == STEP_LINK || hop->step == STEP_NODE || hop->step == STEP_TURN)
			add_step(tally,
				 (struct ping_step){.end = hop->end,
						    .from = itinerary->hops[hop->from].end,
						    .node = hop_maker(hop),
						    .leg = hop->leg,
						    .step = hop->step},
				 hop->step_ns);
	}
}

/* Whether an ICMP error about it was seen, or its drop. */
static bool any_error(const struct itinerary *itinerary)
{
	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (itinerary->hops[i].leg == LEG_ERROR &&
		    !event_is_redirect(&itinerary->hops[i].event))
			return true;
	for (size_t i = 0; i < itinerary->n_drops; i++)
		if (itinerary->drops[i].leg == LEG_ERROR)
			return true;
	return false;
}

static void add_silent(struct ping_tally *tally, const struct itinerary *itinerary)
{
	const struct drop *death =
		itinerary && itinerary->death >= 0 ? &itinerary->drops[itinerary->death] : NULL;
	size_t i = 0;

	if (!death || any_error(itinerary) ||
	    !(drop_classify(death->reason, death->function).traits & DROP_TOLD))
		return;
	while (i < tally->n_silent && tally->silent[i].node != death->node)
		i++;
	if (i == PING_SILENT)
		return;
	if (i == tally->n_silent)
		tally->silent[tally->n_silent++] = (struct ping_silent){.node = death->node};
	tally->silent[i].count++;
}

int ping_count(struct ping *ping, const struct echo_state *state, const struct itinerary *itinerary,
	       const char *end_text)
{
	struct ping_tally *tally = &ping->tally;
	struct ping_rest rest = ping_rest_of(state, itinerary);

	tally->incomplete += !!state->lost;
	if (itinerary) {
		add_steps(tally, itinerary);
		add_rest(tally, &rest, itinerary);
	}
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
		add_silent(tally, itinerary);
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

/* ---- ICMP errors that were held back ----------------------------------------------------------
 */

/* More nodes than that would make a ping wait for its start. */
enum { HELD_NODES_MAX = 128 };

static int read_held(const struct ping *ping, const struct node *node, struct icmp_held_back *out)
{
	cleanup_close int netns_fd = running_open_netns(ping->trip.run, node, NULL);

	return netns_fd < 0 ? netns_fd
			    : icmp_held_back_read(netns_fd,
						  ping->trip.target.addr.family == AF_INET6 ? 6 : 4,
						  out, NULL);
}

void ping_read_held_before(struct ping *ping)
{
	const struct lab *lab = ping->trip.run->lab;

	if (lab->n_nodes > HELD_NODES_MAX)
		return;
	ping->held_before = calloc(lab->n_nodes, sizeof(*ping->held_before));
	for (size_t i = 0; ping->held_before && i < lab->n_nodes; i++)
		(void)read_held(ping, lab->nodes[i], &ping->held_before[i]);
}

void ping_read_held_back(struct ping *ping)
{
	for (size_t i = 0; i < ping->tally.n_silent; i++) {
		struct ping_silent *silent = &ping->tally.silent[i];
		const struct icmp_held_back *before =
			ping->held_before ? &ping->held_before[silent->node->index] : NULL;

		silent->known = before && !read_held(ping, silent->node, &silent->by);
		if (!silent->known)
			continue;
		silent->by.host -= before->host;
		silent->by.global -= before->global;
	}
}

/* ---- a cause that an echo refutes --------------------------------------------------------------
 */

/* A packet that left by a hop is lost on the link, or at either end of it. */
static bool may_end_at(const struct hop *last, const struct node *node)
{
	return last->end->node == node ||
	       (last->event.hook == VL_HOOK_OUT && last->end->peer->node == node);
}

/*
 * Whether the kernel may have dropped a packet for that reason where the tables end its way like
 * that. The tables are read after the echo, and may be others than those that it met: a drop's own
 * reason outranks them. A reason that is not listed may have any cause.
 */
static bool may_be_for(const char *reason, enum path_end end)
{
	static const struct {
		const char *reason;
		enum path_end ends[5]; /* PATH_ARRIVES: no more */
	} rows[] = {
		{"NETFILTER_DROP", {0}},
		{"XDP", {0}},
		{"TC_INGRESS", {0}},
		{"TC_EGRESS", {0}},
		{"ICMP_CSUM", {0}},
		{"IP_CSUM", {0}},
		{"IP_RPFILTER", {PATH_SPOOFED, PATH_UNEXPLAINED}},
		{"IP_LOCALNET", {PATH_LOCALNET, PATH_UNEXPLAINED}},
		{"IP_LOCAL_SOURCE", {PATH_OWN_SOURCE, PATH_UNEXPLAINED}},
		{"OTHERHOST", {PATH_WRONG_MAC, PATH_NO_NEIGHBOR, PATH_NOT_BRIDGED, PATH_LEAVES}},
		{"PKT_TOO_BIG", {PATH_TOO_BIG}},
		{"NEIGH_FAILED",
		 {PATH_NO_NEIGHBOR, PATH_NOT_BRIDGED, PATH_LINK_DOWN, PATH_LINK_GONE, PATH_LEAVES}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(rows[i].reason, reason) != 0)
			continue;
		for (size_t k = 0; k < 5 && rows[i].ends[k]; k++)
			if (rows[i].ends[k] == end)
				return true;
		return false;
	}
	return true;
}

/* Whether the node where the walk ends has no MAC address of its next hop. */
static bool is_without_neighbor(const struct itinerary *itinerary, const struct drop *death,
				const struct path *why)
{
	const struct node *sender = why->hops[why->n_hops - 1].node;

	if (death)
		return death->node == sender && !strcmp(death->reason, "NEIGH_FAILED");
	return itinerary->fate == FATE_WAITING &&
	       itinerary->acts[itinerary->waits_for].node == sender;
}

bool ping_refutes_why(const struct ping *ping, const struct itinerary *itinerary)
{
	const struct path *why = &ping->why;
	const struct drop *death =
		itinerary && itinerary->death >= 0 ? &itinerary->drops[itinerary->death] : NULL;
	bool limited = itinerary && itinerary->not_seen && itinerary->not_seen[0];
	const struct hop *last;

	if (!ping->has_why || !itinerary || path_is_good(why) || why->end == PATH_LOOP ||
	    why->end == PATH_TTL)
		return false;
	/* Who gets it drops what an entry of the sender's neighbor table gave another's MAC, or
	 * what a bridge sent to the wrong port. */
	if (death && (why->end == PATH_WRONG_MAC || why->end == PATH_NOT_BRIDGED) &&
	    !strcmp(death->reason, "OTHERHOST"))
		return false;
	/* The sender gets no answer because a program behind the link took its question. */
	if (why->end == PATH_PROGRAM && is_without_neighbor(itinerary, death, why))
		return false;
	if (death)
		return death->node != why->at || !may_be_for(death->reason, why->end);
	if (itinerary->fate == FATE_WAITING)
		return itinerary->acts[itinerary->waits_for].node != why->at;
	/* Everybody behind an end may get what is for all, or for a MAC that nobody has. */
	if (limited || itinerary->last < 0 || why->end == PATH_WRONG_MAC ||
	    why->end == PATH_TO_MANY ||
	    (itinerary->fate != FATE_LOST && itinerary->fate != FATE_DELIVERED))
		return false;
	last = &itinerary->hops[itinerary->last];
	return !last->incomplete && !may_end_at(last, why->at);
}
