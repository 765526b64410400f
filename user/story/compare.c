// SPDX-License-Identifier: GPL-2.0-only
/* compare.c - two runs side by side. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/story/compare.h"

enum { WAY_SIZE = 4096 };

static bool same_name(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* The addresses that the echo was made with: those of its first request, else turned round. */
static bool addresses_of(const struct itinerary *it, struct ip_addr *from, struct ip_addr *to)
{
	const struct vl_event *event;
	enum leg leg;

	if (it->n_hops) {
		event = &it->hops[0].event;
		leg = it->hops[0].leg;
	} else if (it->n_drops) {
		event = &it->drops[0].record.packet;
		leg = it->drops[0].leg;
	} else if (it->n_queued) {
		event = &it->queued[0].record.at.packet;
		leg = it->queued[0].leg;
	} else {
		return false;
	}
	*from = leg == LEG_REQUEST ? event_source(event) : event_destination(event);
	*to = leg == LEG_REQUEST ? event_destination(event) : event_source(event);
	return true;
}

static struct compared_flow *find_flow(struct comparison *comparison, const struct ip_addr *from,
				       const struct ip_addr *to, const char *origin)
{
	struct compared_flow *flow;

	for (size_t i = 0; i < comparison->n_flows; i++) {
		flow = &comparison->flows[i];
		if (ip_equal(&flow->from, from) && ip_equal(&flow->to, to) &&
		    same_name(flow->origin, origin))
			return flow;
	}
	if (array_reserve_one(&comparison->flows, comparison->n_flows, sizeof(*flow)))
		return NULL;
	flow = &comparison->flows[comparison->n_flows++];
	*flow = (struct compared_flow){.from = *from, .to = *to, .origin = origin};
	return flow;
}

/* ---- ways ------------------------------------------------------------------------------------ */

/* The hops that led to the last one, first to last. Returns how many. */
static int chain_of(const struct itinerary *it, int chain[ITINERARY_HOPS_MAX])
{
	int n = 0, i = it->last;

	/* A refusal is a way there and one back; its `last` is where the request died. */
	if (it->arrival >= 0)
		i = it->arrival;
	for (; i >= 0; i = it->hops[i].from)
		chain[n++] = i;
	for (int a = 0, b = n - 1; a < b; a++, b--) {
		int swap = chain[a];

		chain[a] = chain[b];
		chain[b] = swap;
	}
	return n;
}

static void spell_way(const struct itinerary *it, const int *chain, int n, bool back,
		      char text[WAY_SIZE])
{
	size_t used = 0;

	text[0] = 0;
	for (int i = 0; i < n && used < WAY_SIZE; i++) {
		const struct hop *hop = &it->hops[chain[i]];

		if ((hop->leg != LEG_REQUEST) != back || hop->step == STEP_END)
			continue;
		used += snprintf(text + used, WAY_SIZE - used, "%s%s",
				 !used			  ? ""
				 : hop->step == STEP_LINK ? " > "
				 : hop->step == STEP_GAP  ? " ... "
							  : ", ",
				 hop->end->name);
	}
}

static int add_way(struct compared_flow *flow, int side, bool back, const char *text)
{
	struct compared_way *way;

	if (!*text)
		return 0;
	for (size_t i = 0; i < flow->n_ways; i++) {
		way = &flow->ways[i];
		if (way->back == back && !strcmp(way->text, text)) {
			way->n[side]++;
			return 0;
		}
	}
	if (array_reserve_one(&flow->ways, flow->n_ways, sizeof(*way)))
		return -ENOMEM;
	way = &flow->ways[flow->n_ways];
	*way = (struct compared_way){.back = back, .text = strdup(text)};
	if (!way->text)
		return -ENOMEM;
	way->n[side] = 1;
	flow->n_ways++;
	return 0;
}

/* ---- fates ----------------------------------------------------------------------------------- */

static struct compared_fate fate_of(const struct itinerary *it)
{
	struct compared_fate fate = {.fate = it->fate, .family = it->family};
	const struct hop *last = it->last >= 0 ? &it->hops[it->last] : NULL;

	if (it->answerer)
		fate.node = it->answerer->name;
	if (it->fate == FATE_DROPPED) {
		fate.drop = it->drops[it->death];
		fate.node = fate.drop.node->name;
		fate.leg = fate.drop.leg;
	} else if (it->fate == FATE_REFUSED) {
		const struct vl_event *error = &it->hops[it->arrival].event;

		fate.icmp_type = error->icmp_type;
		fate.icmp_code = error->icmp_code;
		fate.icmp_info = error->info;
	} else if (it->fate == FATE_WAITING) {
		fate.node = it->acts[it->waits_for].node->name;
		fate.leg = it->waiter;
	} else if ((it->fate == FATE_LOST || it->fate == FATE_DELIVERED) && last) {
		fate.end = last->end->name;
		fate.hook = last->event.hook;
		fate.leg = last->leg;
	}
	return fate;
}

static bool same_fate(const struct compared_fate *a, const struct compared_fate *b)
{
	return a->fate == b->fate && same_name(a->node, b->node) && a->leg == b->leg &&
	       a->icmp_type == b->icmp_type && a->icmp_code == b->icmp_code &&
	       same_name(a->end, b->end) && a->hook == b->hook &&
	       !strcmp(a->drop.reason, b->drop.reason) &&
	       !strcmp(a->drop.function, b->drop.function);
}

static int add_fate(struct compared_flow *flow, int side, const struct itinerary *it)
{
	const struct compared_fate fate = fate_of(it);
	struct compared_fate *entry;

	for (size_t i = 0; i < flow->n_fates; i++) {
		if (same_fate(&flow->fates[i], &fate)) {
			flow->fates[i].n[side]++;
			return 0;
		}
	}
	if (array_reserve_one(&flow->fates, flow->n_fates, sizeof(*entry)))
		return -ENOMEM;
	entry = &flow->fates[flow->n_fates++];
	*entry = fate;
	entry->n[side] = 1;
	return 0;
}

/* ---- times ----------------------------------------------------------------------------------- */

static int add_time(struct compared_flow *flow, int side, const struct compared_time *key,
		    uint64_t ns)
{
	struct compared_time *time = NULL;

	for (size_t i = 0; !time && i < flow->n_times; i++) {
		struct compared_time *t = &flow->times[i];

		if (t->leg == key->leg && t->step == key->step && same_name(t->from, key->from) &&
		    same_name(t->to, key->to))
			time = t;
	}
	if (!time) {
		if (array_reserve_one(&flow->times, flow->n_times, sizeof(*time)))
			return -ENOMEM;
		time = &flow->times[flow->n_times++];
		*time = *key;
	}
	if (array_reserve(&time->values[side], &time->room[side], time->n[side] + 1,
			  sizeof(*time->values[side])))
		return -ENOMEM;
	time->values[side][time->n[side]++] = ns;
	return 0;
}

/* Steps over links and through nodes; what two clocks say of a step is no time of it. */
static int add_times(struct compared_flow *flow, int side, const struct itinerary *it,
		     const int *chain, int n)
{
	const struct compared_time whole = {.step = STEP_FIRST};

	if (it->answered && it->round_trip_ns && add_time(flow, side, &whole, it->round_trip_ns))
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		const struct hop *hop = &it->hops[chain[i]];
		struct compared_time key = {
			.leg = hop->leg, .step = hop->step, .to = hop->end->name};

		if (hop->skewed ||
		    (hop->step != STEP_LINK && hop->step != STEP_NODE && hop->step != STEP_TURN))
			continue;
		key.from = it->hops[hop->from].end->name;
		if (add_time(flow, side, &key, hop->step_ns))
			return -ENOMEM;
	}
	return 0;
}

int comparison_add(struct comparison *comparison, int side, const struct itinerary *it)
{
	const char *origin = it->origin ? it->origin->name : NULL;
	int chain[ITINERARY_HOPS_MAX], n;
	struct compared_flow *flow;
	struct ip_addr from, to;
	char text[WAY_SIZE];

	if (!addresses_of(it, &from, &to))
		return 0;
	flow = find_flow(comparison, &from, &to, origin);
	if (!flow)
		return -ENOMEM;
	flow->echoes[side]++;
	if (add_fate(flow, side, it))
		return -ENOMEM;
	n = chain_of(it, chain);
	for (int back = 0; back < 2; back++) {
		spell_way(it, chain, n, back, text);
		if (add_way(flow, side, back, text))
			return -ENOMEM;
	}
	return comparison->with_times ? add_times(flow, side, it, chain, n) : 0;
}

/* ---- judgement ------------------------------------------------------------------------------- */

static double log_choose(double n, double k)
{
	return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* Fisher's exact test, two-sided: a of n_a and b of n_b. */
static double fisher(uint64_t a, uint64_t n_a, uint64_t b, uint64_t n_b)
{
	double hits = a + b, all = log_choose(n_a + n_b, hits);
	double seen = log_choose(n_a, a) + log_choose(n_b, b) - all, p = 0;
	uint64_t first = hits > n_b ? hits - n_b : 0, last = hits < n_a ? hits : n_a;

	for (uint64_t k = first; k <= last; k++) {
		double one = log_choose(n_a, k) + log_choose(n_b, hits - k) - all;

		if (one <= seen + 1e-9)
			p += exp(one);
	}
	return p < 1 ? p : 1;
}

static int judge_time(struct compared_time *time, double threshold)
{
	const struct statistics *a = &time->stats[SIDE_A], *b = &time->stats[SIDE_B];

	for (int side = 0; side < SIDES; side++)
		if (!statistics_of(&time->stats[side], time->values[side], time->n[side]))
			return -ENOMEM;
	time->too_few = a->n < COMPARE_TIMES_MIN || b->n < COMPARE_TIMES_MIN;
	time->differs = !time->too_few && (a->high < b->low || b->high < a->low) &&
			fabs(a->median - b->median) >
				threshold * (a->median < b->median ? a->median : b->median);
	return 0;
}

static int judge_flow(struct compared_flow *flow, double threshold)
{
	uint64_t a = flow->echoes[SIDE_A], b = flow->echoes[SIDE_B];

	flow->differs = !a || !b;
	for (size_t i = 0; i < flow->n_ways; i++) {
		struct compared_way *way = &flow->ways[i];

		way->differs = !way->n[SIDE_A] || !way->n[SIDE_B];
		flow->differs |= way->differs;
	}
	for (size_t i = 0; i < flow->n_fates; i++) {
		struct compared_fate *fate = &flow->fates[i];

		fate->p = fisher(fate->n[SIDE_A], a, fate->n[SIDE_B], b);
		fate->differs = !fate->n[SIDE_A] || !fate->n[SIDE_B] || fate->p < COMPARE_P;
		flow->differs |= fate->differs;
	}
	for (size_t i = 0; i < flow->n_times; i++) {
		if (judge_time(&flow->times[i], threshold))
			return -ENOMEM;
		flow->differs |= flow->times[i].differs;
	}
	return 0;
}

int comparison_judge(struct comparison *comparison)
{
	comparison->differs = false;
	for (size_t i = 0; i < comparison->n_flows; i++) {
		if (judge_flow(&comparison->flows[i], comparison->threshold))
			return -ENOMEM;
		comparison->differs |= comparison->flows[i].differs;
	}
	return 0;
}

void comparison_free(struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->n_flows; i++) {
		struct compared_flow *flow = &comparison->flows[i];

		for (size_t k = 0; k < flow->n_ways; k++)
			free(flow->ways[k].text);
		for (size_t k = 0; k < flow->n_times; k++)
			for (int side = 0; side < SIDES; side++)
				free(flow->times[k].values[side]);
		free(flow->ways);
		free(flow->fates);
		free(flow->times);
	}
	free(comparison->flows);
	*comparison = (struct comparison){0};
}
