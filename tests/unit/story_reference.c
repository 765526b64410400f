// SPDX-License-Identifier: GPL-2.0-only
/* story_reference.c - see story_reference.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/story_reference.h"

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

/* How many causes hop i has, one behind the other. */
static int depth_of(const struct hop *hops, int i)
{
	int depth = 0;

	for (int j = hops[i].from; j >= 0; j = hops[j].from)
		depth++;
	return depth;
}

static uint64_t set_time(struct hop *hops, int i)
{
	struct hop *hop = &hops[i];
	uint64_t cause;

	hop->at_ns = hop->event.time_ns;
	if (hop->from < 0)
		return hop->at_ns;
	cause = set_time(hops, hop->from);
	hop->skewed = hop->event.time_ns < hops[hop->from].event.time_ns;
	if (hop->at_ns < cause)
		hop->at_ns = cause;
	hop->step_ns = hop->skewed ? 0 : hop->at_ns - cause;
	return hop->at_ns;
}

static bool stands_before(const struct hop *hops, const int *depths, int i, int j)
{
	if (hops[i].at_ns != hops[j].at_ns)
		return hops[i].at_ns < hops[j].at_ns;
	if (depths[i] != depths[j])
		return depths[i] < depths[j];
	return i < j;
}

static void place(struct hop *hops, int n)
{
	struct hop *placed = calloc(n, sizeof(*placed));
	int *depths = calloc(n, sizeof(*depths)), *now = calloc(n, sizeof(*now));

	assert_true(placed && depths && now);
	for (int i = 0; i < n; i++) {
		set_time(hops, i);
		depths[i] = depth_of(hops, i);
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			now[i] += stands_before(hops, depths, j, i);
	for (int i = 0; i < n; i++) {
		placed[now[i]] = hops[i];
		if (hops[i].from >= 0)
			placed[now[i]].from = now[hops[i].from];
	}
	memcpy(hops, placed, n * sizeof(*hops));
	free(placed);
	free(depths);
	free(now);
}

static void mark(struct hop *hops, int n)
{
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

size_t reference_order(struct hop *hops, size_t n, const struct lab *lab)
{
	struct itinerary itinerary = {.hops = hops};
	int *followers = calloc(n + 1, sizeof(*followers));

	assert_non_null(followers);
	qsort(hops, n, sizeof(*hops), hop_compare);
	for (size_t i = 0; i < n; i++) {
		struct hop *to = &hops[itinerary.n_hops];

		if (i && !memcmp(&hops[i].event, &to[-1].event, sizeof(hops[i].event)))
			continue;
		*to = (struct hop){
			.event = hops[i].event, .end = hops[i].end, .leg = hops[i].leg, .from = -1};
		itinerary.n_hops++;
	}
	for (size_t i = 0; i < itinerary.n_hops; i++)
		set_cause(&itinerary, lab, i, followers);
	free(followers);
	place(hops, itinerary.n_hops);
	mark(hops, itinerary.n_hops);
	return itinerary.n_hops;
}

/*
 * Of a packet that comes by again (a loop), the fragments are told from those of the other passes
 * by their time: not before this pass, unless it is the first one, and not after the next one's
 * first hop.
 */
static void find_pass(const struct hop *hops, size_t n, const struct hop *hop, uint64_t *from,
		      uint64_t *until)
{
	for (size_t i = 0; i < n; i++) {
		const struct vl_event *other = &hops[i].event;

		if (&hops[i] == hop || other->end != hop->event.end ||
		    other->hook != hop->event.hook ||
		    event_packet(other) != event_packet(&hop->event))
			continue;
		if (other->time_ns < hop->event.time_ns)
			*from = hop->event.time_ns;
		else if (other->time_ns < *until)
			*until = other->time_ns;
	}
}

/* The fragments are in order of packet, hook and bytes. */
static void join(const struct itinerary *itinerary, const struct hop *hops, size_t n,
		 struct hop *hop)
{
	uint64_t packet = event_packet(&hop->event), from = 0, until = UINT64_MAX;
	uint32_t reached = hop->event.frag_len; /* bytes without a gap */
	bool more = hop->event.flags & VL_EV_MORE;
	const struct fragment *before = NULL;

	find_pass(hops, n, hop, &from, &until);
	for (size_t i = 0; i < itinerary->n_fragments; i++) {
		const struct fragment *fragment = &itinerary->fragments[i];

		if (fragment->packet != packet || fragment->end != hop->event.end ||
		    fragment->hook != hop->event.hook)
			continue;
		if (fragment->time_ns >= until || fragment->time_ns < from ||
		    (before && before->off == fragment->off))
			continue;
		before = fragment;
		hop->fragments++;
		if (fragment->off == reached) {
			reached += fragment->len;
			more = fragment->more;
		}
		if (fragment->time_ns > hop->event.time_ns + hop->fragments_ns)
			hop->fragments_ns = fragment->time_ns - hop->event.time_ns;
	}
	hop->incomplete = more;
}

void reference_join_fragments(const struct itinerary *itinerary, struct hop *hops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		hops[i].fragments = 1;
		if (hops[i].event.flags & VL_EV_FRAGMENT)
			join(itinerary, hops, n, &hops[i]);
	}
}

static bool is_at_home(const struct hop *hop, const struct lab *lab)
{
	struct ip_addr to = event_destination(&hop->event);
	struct node *node = NULL;
	struct end *end;

	lab_find_address(lab, &to, &node, &end);
	return is_arrival(hop) && node == hop->end->node;
}

/* Whether a hop is a copy that came to a node by flooding, and is for another one there. */
static bool is_stray(const struct itinerary *itinerary, const struct hop *hop)
{
	for (size_t i = 0; i < itinerary->n_drops; i++) {
		const struct drop *drop = &itinerary->drops[i];

		if (drop->node == hop->end->node && drop->leg == hop->leg &&
		    hop->event.hook != VL_HOOK_OUT && drop->harmless &&
		    !strcmp(drop->reason, "OTHERHOST"))
			return true;
	}
	return false;
}

/* Whether all that a hop led to are strays: then the packet itself got no further than before it.
 */
static bool leads_astray(const struct itinerary *itinerary, int i)
{
	bool any = false;

	if (is_stray(itinerary, &itinerary->hops[i]))
		return true;
	if (itinerary->hops[i].event.hook != VL_HOOK_OUT)
		return false;
	for (int j = i + 1; j < (int)itinerary->n_hops; j++) {
		if (itinerary->hops[j].from != i)
			continue;
		if (!leads_astray(itinerary, j))
			return false;
		any = true;
	}
	return any;
}

int reference_last(const struct itinerary *itinerary, const struct lab *lab)
{
	const struct hop *hops = itinerary->hops;
	enum leg newest = LEG_REQUEST;
	bool arrived = false;
	int last = -1;

	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (hops[i].leg > newest)
			newest = hops[i].leg;
	for (int i = 0; i < (int)itinerary->n_hops; i++) {
		bool here = is_at_home(&hops[i], lab);

		if (hops[i].leg != newest || (arrived && !here) || leads_astray(itinerary, i))
			continue;
		arrived = here;
		last = i;
	}
	return last;
}
