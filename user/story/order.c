// SPDX-License-Identifier: GPL-2.0-only
/*
 * order.c - the hops of one echo in order of cause and time.
 *
 * Stamps of two CPUs are no total order, so time alone can put a packet at B before it left A. Each
 * hop therefore gets the hop that caused it (`from`), and is placed no earlier than that one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/story/story.h"

/* How far the clocks of two CPUs are believed to be apart at most. */
static const uint64_t skew_max_ns = 1000000;

/* A packet passes the hooks of a link in the order of enum vl_hook. */
static int hop_compare(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;

	if (x->event.time_ns != y->event.time_ns)
		return x->event.time_ns < y->event.time_ns ? -1 : 1;
	if (x->leg != y->leg)
		return (int)x->leg - (int)y->leg;
	if (x->event.hook != y->event.hook)
		return (int)x->event.hook - (int)y->event.hook;
	return memcmp(&x->event, &y->event, sizeof(x->event));
}

/* A record that was delivered twice is one hop: equal to the nanosecond, on the same CPU. */
static void drop_duplicates(struct itinerary *itinerary)
{
	struct hop *hops = itinerary->hops;
	size_t n = 0;

	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (!n || memcmp(&hops[i].event, &hops[n - 1].event, sizeof(hops[i].event)))
			hops[n++] = hops[i];
	itinerary->n_hops = n;
}

static bool is_arrival(const struct hop *hop)
{
	return hop->event.hook != VL_HOOK_OUT;
}

static bool packet_key_same(const struct hop *a, const struct hop *b)
{
	return a->leg == b->leg && a->event.icmp_type == b->event.icmp_type &&
	       a->event.id == b->event.id && !memcmp(a->event.src, b->event.src, 16) &&
	       !memcmp(a->event.dst, b->event.dst, 16);
}

static bool list_has(const struct address *list, size_t n, const struct ip_addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (ip_equal(&list[i].prefix.addr, addr))
			return true;
	return false;
}

/*
 * Whether a node may have made this reply or error: it has the source address, or nobody of the lab
 * does. A trace that sees only some ends must not take a node that passes a reply on for its maker.
 */
static bool may_have_made(const struct lab *lab, const struct hop *hop)
{
	const struct node *node = hop->end->node;
	struct ip_addr from = event_source(&hop->event);
	struct node *owner;
	struct end *end;

	for (size_t i = 0; i < node->n_ends; i++)
		if (list_has(node->ends[i]->addresses, node->ends[i]->n_addresses, &from))
			return true;
	return list_has(node->lo_addresses, node->n_lo_addresses, &from) ||
	       list_has(node->bridge_addresses, node->n_bridge_addresses, &from) ||
	       !lab_find_address(lab, &from, &owner, &end);
}

/* Whether `hop` may have come from `cause` by this step, apart from time. */
static bool step_fits(enum step step, const struct hop *cause, const struct hop *hop)
{
	const struct vl_event *c = &cause->event, *h = &hop->event;

	switch (step) {
	case STEP_END:
		return cause->end == hop->end && c->hook == VL_HOOK_XDP && h->hook == VL_HOOK_IN &&
		       c->ttl == h->ttl && packet_key_same(cause, hop);
	case STEP_LINK:
		return cause->end == hop->end->peer && c->hook == VL_HOOK_OUT && is_arrival(hop) &&
		       c->ttl == h->ttl && packet_key_same(cause, hop);
	case STEP_NODE:
		return cause->end->node == hop->end->node && is_arrival(cause) &&
		       h->hook == VL_HOOK_OUT && cause->leg == hop->leg &&
		       c->icmp_type == h->icmp_type && (c->ttl == h->ttl || c->ttl == h->ttl + 1);
	case STEP_TURN:
		return cause->end->node == hop->end->node && is_arrival(cause) &&
		       h->hook == VL_HOOK_OUT && cause->leg < hop->leg;
	default:
		return false;
	}
}

/* Whether hop i stands among the causes of hop j, so that making j the cause of i closes a ring. */
static bool is_cause_of(const struct hop *hops, int i, int j)
{
	for (; j >= 0; j = hops[j].from)
		if (j == i)
			return true;
	return false;
}

/*
 * The best cause of hop i by one kind of step: the latest one before it, else the first after it
 * that another CPU stamped. With fresh, only a hop that led nowhere yet. -1: none.
 */
static int find_cause(const struct itinerary *itinerary, int i, enum step step,
		      const int *followers, bool fresh)
{
	const struct hop *hops = itinerary->hops;
	int n = itinerary->n_hops;

	for (int j = i - 1; j >= 0; j--)
		if (step_fits(step, &hops[j], &hops[i]) && !(fresh && followers[j]) &&
		    !is_cause_of(hops, i, j))
			return j;
	for (int j = i + 1; j < n; j++) {
		if (hops[j].event.time_ns - hops[i].event.time_ns > skew_max_ns)
			break;
		if (step_fits(step, &hops[j], &hops[i]) && !(fresh && followers[j]) &&
		    (hops[j].event.cpu != hops[i].event.cpu ||
		     hops[j].event.time_ns == hops[i].event.time_ns) &&
		    !is_cause_of(hops, i, j))
			return j;
	}
	return -1;
}

/* The last hop of the same packet before hop i, or of the packet that brought it about. -1: none.
 */
static int find_before_gap(const struct itinerary *itinerary, int i)
{
	const struct hop *hops = itinerary->hops;
	int other = -1;

	for (int j = i - 1; j >= 0; j--) {
		if (is_cause_of(hops, i, j))
			continue;
		if (hops[j].leg == hops[i].leg)
			return j;
		if (other < 0 && hops[j].leg < hops[i].leg)
			other = j;
	}
	return other;
}

/* Whether a hop that nothing caused is where its packet was made. */
static bool is_first(const struct itinerary *itinerary, const struct lab *lab, int i)
{
	const struct hop *hops = itinerary->hops;

	if (itinerary->protocol) /* nothing before the error can be seen */
		return hops[i].leg == LEG_ERROR && hops[i].event.hook == VL_HOOK_OUT &&
		       may_have_made(lab, &hops[i]);
	if (hops[i].leg != LEG_REQUEST || hops[i].event.hook != VL_HOOK_OUT)
		return false;
	for (int j = 0; j < i; j++) {
		if (hops[j].leg != LEG_REQUEST || is_cause_of(hops, i, j))
			continue;
		/* Asked again, if at all. */
		return hops[j].step == STEP_FIRST && hops[j].end->node == hops[i].end->node;
	}
	return true;
}

static void set_cause(struct itinerary *itinerary, const struct lab *lab, int i, int *followers)
{
	static const enum step arriving[] = {STEP_END, STEP_LINK},
			       leaving[] = {STEP_NODE, STEP_TURN};
	struct hop *hop = &itinerary->hops[i];
	const enum step *steps = is_arrival(hop) ? arriving : leaving;
	int cause = -1;

	for (int k = 0; cause < 0 && k < 2; k++) {
		if (steps[k] == STEP_TURN && (hop->leg == LEG_REQUEST || !may_have_made(lab, hop)))
			continue;
		/* Fresh first: of two like packets on a link, each arrives once. */
		cause = find_cause(itinerary, i, steps[k], followers, true);
		if (cause < 0)
			cause = find_cause(itinerary, i, steps[k], followers, false);
		hop->step = steps[k];
	}
	if (cause < 0 && is_first(itinerary, lab, i)) {
		hop->step = STEP_FIRST;
	} else if (cause < 0) {
		hop->step = STEP_GAP;
		cause = find_before_gap(itinerary, i);
	}
	hop->from = cause;
	if (cause >= 0)
		followers[cause]++;
}

/* Time since the first hop; each hop no earlier than its cause. Causes may stand after i still. */
static uint64_t place(struct hop *hops, int i, bool *done)
{
	struct hop *hop = &hops[i];
	uint64_t floor, at = hop->event.time_ns;

	if (done[i])
		return hop->at_ns;
	done[i] = true;
	if (hop->from >= 0) {
		floor = place(hops, hop->from, done);
		hop->skewed = at < hops[hop->from].event.time_ns;
		if (at < floor)
			at = floor;
		hop->step_ns = hop->skewed ? 0 : at - floor;
	}
	hop->at_ns = at;
	return at;
}

struct placed {
	struct hop hop;
	int was, depth;
};

static int placed_compare(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->hop.at_ns != y->hop.at_ns)
		return x->hop.at_ns < y->hop.at_ns ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth - y->depth;
	return x->was - y->was;
}

/* Sort hops by their place; `from` follows the hops to their new places. */
static int sort_placed(struct itinerary *itinerary)
{
	int n = itinerary->n_hops;
	struct placed *placed = calloc(n, sizeof(*placed));
	int *now = calloc(n, sizeof(*now));
	struct hop *hops = itinerary->hops;

	if (!placed || !now) {
		free(placed);
		free(now);
		return -ENOMEM;
	}
	for (int i = 0; i < n; i++) {
		placed[i].hop = hops[i];
		placed[i].was = i;
		for (int j = hops[i].from; j >= 0; j = hops[j].from)
			placed[i].depth++;
	}
	qsort(placed, n, sizeof(*placed), placed_compare);
	for (int i = 0; i < n; i++)
		now[placed[i].was] = i;
	for (int i = 0; i < n; i++) {
		hops[i] = placed[i].hop;
		if (hops[i].from >= 0)
			hops[i].from = now[hops[i].from];
	}
	free(placed);
	free(now);
	return 0;
}

/* What is known of each hop once its cause is: NAT, branches, repeats; times from the first. */
static void mark(struct itinerary *itinerary)
{
	struct hop *hops = itinerary->hops;
	int n = itinerary->n_hops;
	uint64_t first = hops[0].at_ns;

	for (int i = 0; i < n; i++) {
		struct hop *hop = &hops[i];

		hop->at_ns -= first;
		hop->translated = hop->from >= 0 && hop->leg == hops[hop->from].leg &&
				  !packet_key_same(hop, &hops[hop->from]);
		for (int j = 0; j < i; j++) {
			if (hops[j].from >= 0 && hops[j].from == hop->from &&
			    hops[j].leg == hop->leg)
				hops[j].branch = hop->branch = true;
			if (hops[j].end == hop->end && hops[j].event.hook == hop->event.hook &&
			    hops[j].leg == hop->leg)
				hop->again = true;
		}
	}
}

static int drop_compare(const void *a, const void *b)
{
	const struct drop *x = a, *y = b;
	uint64_t s = x->record.packet.time_ns, t = y->record.packet.time_ns;

	return s < t ? -1 : s > t;
}

/* As drop_duplicates(): records of one time may stand in any order. */
static void drop_duplicated_drops(struct itinerary *itinerary)
{
	struct drop *drops = itinerary->drops;
	size_t n = 0;

	for (size_t i = 0; i < itinerary->n_drops; i++) {
		size_t j = n;

		while (j && !drop_compare(&drops[j - 1], &drops[i]) &&
		       memcmp(&drops[j - 1].record, &drops[i].record, sizeof(drops[i].record)))
			j--;
		if (!j || drop_compare(&drops[j - 1], &drops[i]))
			drops[n++] = drops[i];
	}
	itinerary->n_drops = n;
}

static void order_drops(struct itinerary *itinerary)
{
	uint64_t first = itinerary->n_hops ? itinerary->hops[0].event.time_ns : 0;

	if (!itinerary->n_drops)
		return;
	qsort(itinerary->drops, itinerary->n_drops, sizeof(*itinerary->drops), drop_compare);
	drop_duplicated_drops(itinerary);
	if (!itinerary->n_hops)
		first = itinerary->drops[0].record.packet.time_ns;
	for (size_t i = 0; i < itinerary->n_drops; i++) {
		uint64_t at = itinerary->drops[i].record.packet.time_ns;

		itinerary->drops[i].at_ns = at > first ? at - first : 0;
	}
}

static int order_hops(struct itinerary *itinerary, const struct lab *lab)
{
	int n = itinerary->n_hops;
	int *followers;
	bool *done;
	int ret = -ENOMEM;

	if (!n)
		return 0;
	qsort(itinerary->hops, n, sizeof(*itinerary->hops), hop_compare);
	drop_duplicates(itinerary);
	n = itinerary->n_hops;
	followers = calloc(n, sizeof(*followers));
	done = calloc(n, sizeof(*done));
	if (followers && done) {
		for (int i = 0; i < n; i++) {
			struct hop *hop = &itinerary->hops[i];

			*hop = (struct hop){
				.event = hop->event, .end = hop->end, .leg = hop->leg, .from = -1};
		}
		for (int i = 0; i < n; i++)
			set_cause(itinerary, lab, i, followers);
		for (int i = 0; i < n; i++)
			place(itinerary->hops, i, done);
		ret = sort_placed(itinerary);
	}
	free(followers);
	free(done);
	if (!ret)
		mark(itinerary);
	return ret;
}

int itinerary_order(struct itinerary *itinerary, const struct lab *lab)
{
	int ret = order_hops(itinerary, lab);

	order_drops(itinerary);
	if (!ret)
		itinerary_join_parts(itinerary);
	return ret;
}
