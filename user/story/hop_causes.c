// SPDX-License-Identifier: GPL-2.0-only
/*
 * hop_causes.c - which hop of an itinerary, of an echo or of another packet, caused which.
 *
 * step_fits() says which hop may have caused which. An index narrows down what it is asked about:
 * each hop has an entry for each kind of step that may lead on from it, under a key that is a hash
 * of what step_fits() compares. So n hops take about n log n steps, and a wrong match of two hashes
 * costs time only.
 */
#include "user/base/array.h"
#include "user/story/hop_causes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/hash.h"
#include "user/story/hop_maker.h"
#include "user/story/packets.h"

/* How far the clocks of two CPUs are believed to be apart at most. */
static const uint64_t skew_max_ns = 1000000;

/* A hop has an entry for STEP_NODE and STEP_TURN, or for STEP_LINK; at xdp for STEP_END, too. */
enum { ENTRIES_PER_HOP = 3, KEYS_PER_SEARCH = 2 };

/* A hop that may be the cause of another one. */
struct entry {
	uint64_t key;
	int hop; /* its place in the itinerary; -1: the first and the last entry, which are none */
};

struct causes {
	const struct lab *lab;
	struct hop *hops;
	int n_hops;
	int first_request; /* the first hop of LEG_REQUEST; n_hops: there is none */
	uint64_t *packets; /* by hop: hash of what hop_same_packet() compares */
	int *followers;	   /* by hop: how many hops it caused */
	int *above;	   /* by hop: a hop on the way to the root of its tree; itself: the root */
	struct entry *entries; /* by key, then by hop; [0] and [n_entries + 1] are none */
	int n_entries;
	int *unused_before; /* by entry: towards the last one up to it whose hop led nowhere yet */
	int *unused_after;  /* the same for the first one from it on */
	int *cpu_end;	    /* by entry: the first one after it with another key or CPU */
};

bool hop_same_packet(const struct hop *a, const struct hop *b)
{
	if (a->event.flags & VL_EV_OTHER && (a->event.other.from_port != b->event.other.from_port ||
					     a->event.other.to_port != b->event.other.to_port))
		return false;
	return a->leg == b->leg && a->event.icmp_type == b->event.icmp_type &&
	       a->event.id == b->event.id && !memcmp(a->event.src, b->event.src, 16) &&
	       !memcmp(a->event.dst, b->event.dst, 16);
}

/* Whether `hop` may have come from `cause` by this step, apart from time. */
static bool step_fits(enum step step, const struct hop *cause, const struct hop *hop)
{
	const struct vl_event *c = &cause->event, *h = &hop->event;

	if (packet_is_range(c) && packet_is_range(h) && !packet_ranges_overlap(c, h))
		return false; /* another part of it */
	switch (step) {
	case STEP_END:
		return cause->end == hop->end && c->hook == VL_HOOK_XDP && h->hook == VL_HOOK_IN &&
		       c->ttl == h->ttl && hop_same_packet(cause, hop);
	case STEP_LINK:
		return cause->end == hop->end->peer && c->hook == VL_HOOK_OUT &&
		       hop_is_arrival(hop) && c->ttl == h->ttl && hop_same_packet(cause, hop);
	case STEP_NODE:
		return cause->end->node == hop->end->node && hop_is_arrival(cause) &&
		       h->hook == VL_HOOK_OUT && cause->leg == hop->leg &&
		       c->icmp_type == h->icmp_type && (c->ttl == h->ttl || c->ttl == h->ttl + 1);
	case STEP_TURN:
		return cause->end->node == hop->end->node && hop_is_arrival(cause) &&
		       h->hook == VL_HOOK_OUT && cause->leg < hop->leg;
	default:
		return false;
	}
}

/* ---- the index ------------------------------------------------------------------------------- */

static uint64_t packet_hash(const struct hop *hop)
{
	const struct vl_event *event = &hop->event;
	uint64_t hash = hash_mix(HASH_START, (uint64_t)hop->leg << 24 |
						     (uint64_t)event->icmp_type << 16 | event->id);

	hash = hash_bytes(hash, event->src, sizeof(event->src));
	return hash_bytes(hash, event->dst, sizeof(event->dst));
}

/* Never 0, which is the key of no entry. */
static uint64_t make_key(enum step step, unsigned place, unsigned detail, uint64_t packet)
{
	return hash_mix(hash_mix(packet, (uint64_t)place << 32 | detail), step) | 1;
}

static uint64_t node_key(const struct hop *hop, unsigned ttl)
{
	return make_key(STEP_NODE, hop->end->node->index,
			ttl << 16 | (unsigned)hop->leg << 8 | hop->event.icmp_type, HASH_START);
}

static uint64_t turn_key(const struct hop *hop, enum leg leg)
{
	return make_key(STEP_TURN, hop->end->node->index, leg, HASH_START);
}

/* The keys of the hops that may have caused hop i by a step. Returns how many. */
static int search_keys(const struct causes *causes, int i, enum step step,
		       uint64_t keys[KEYS_PER_SEARCH])
{
	const struct hop *hop = &causes->hops[i];
	const struct vl_event *event = &hop->event;
	int n = 0;

	switch (step) {
	case STEP_END:
		if (event->hook == VL_HOOK_IN)
			keys[n++] =
				make_key(step, hop->end->number, event->ttl, causes->packets[i]);
		break;
	case STEP_LINK:
		keys[n++] = make_key(step, hop->end->peer->number, event->ttl, causes->packets[i]);
		break;
	case STEP_NODE: /* a bridge keeps the TTL, a router lowers it */
		keys[n++] = node_key(hop, event->ttl);
		keys[n++] = node_key(hop, event->ttl + 1);
		break;
	case STEP_TURN:
		for (int leg = LEG_REQUEST; leg < (int)hop->leg; leg++)
			keys[n++] = turn_key(hop, leg);
		break;
	default:
		break;
	}
	return n;
}

/* The keys under which hop i is found as a cause. Returns how many. */
static int own_keys(const struct causes *causes, int i, uint64_t keys[ENTRIES_PER_HOP])
{
	const struct hop *hop = &causes->hops[i];
	const struct vl_event *event = &hop->event;
	int n = 0;

	if (event->hook != VL_HOOK_IN)
		keys[n++] = make_key(event->hook == VL_HOOK_OUT ? STEP_LINK : STEP_END,
				     hop->end->number, event->ttl, causes->packets[i]);
	if (hop_is_arrival(hop)) {
		keys[n++] = node_key(hop, event->ttl);
		keys[n++] = turn_key(hop, hop->leg);
	}
	return n;
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->hop - y->hop;
}

static void causes_free(struct causes *causes)
{
	free(causes->packets);
	free(causes->followers);
	free(causes->above);
	free(causes->entries);
	free(causes->unused_before);
	free(causes->unused_after);
	free(causes->cpu_end);
}

#define cleanup_causes __attribute__((cleanup(causes_free)))

static int causes_allocate(struct causes *causes)
{
	size_t n = causes->n_hops, room = ENTRIES_PER_HOP * n + 2;

	causes->packets = calloc(n, sizeof(*causes->packets));
	causes->followers = calloc(n, sizeof(*causes->followers));
	causes->above = calloc(n, sizeof(*causes->above));
	causes->entries = calloc(room, sizeof(*causes->entries));
	causes->unused_before = calloc(room, sizeof(*causes->unused_before));
	causes->unused_after = calloc(room, sizeof(*causes->unused_after));
	causes->cpu_end = calloc(room, sizeof(*causes->cpu_end));
	return causes->packets && causes->followers && causes->above && causes->entries &&
			       causes->unused_before && causes->unused_after && causes->cpu_end
		       ? 0
		       : -ENOMEM;
}

static void causes_index(struct causes *causes)
{
	struct entry *entries = causes->entries;
	uint64_t keys[ENTRIES_PER_HOP];
	int n = 0;

	causes->first_request = causes->n_hops;
	for (int i = 0; i < causes->n_hops; i++) {
		int n_keys;

		causes->above[i] = i;
		causes->packets[i] = packet_hash(&causes->hops[i]);
		if (causes->hops[i].leg == LEG_REQUEST && i < causes->first_request)
			causes->first_request = i;
		n_keys = own_keys(causes, i, keys);
		for (int k = 0; k < n_keys; k++)
			entries[++n] = (struct entry){keys[k], i};
	}
	qsort(entries + 1, n, sizeof(*entries), entry_compare);
	causes->n_entries = n;
	entries[0].hop = entries[n + 1].hop = -1;
	causes->unused_after[n + 1] = n + 1;
	for (int e = n; e > 0; e--) {
		const struct entry *next = &entries[e + 1];

		causes->unused_before[e] = causes->unused_after[e] = e;
		causes->cpu_end[e] = next->key == entries[e].key &&
						     causes->hops[next->hop].event.cpu ==
							     causes->hops[entries[e].hop].event.cpu
					     ? causes->cpu_end[e + 1]
					     : e + 1;
	}
}

static bool entry_is_before(const void *element, const void *key)
{
	return entry_compare(element, key) < 0;
}

/* The first entry with this key whose hop stands after hop i; else the place where it would be. */
static int lower_bound(const struct causes *causes, uint64_t key, int i)
{
	const struct entry wanted = {key, i};

	return 1 + array_lower_bound(causes->entries + 1, causes->n_entries,
				     sizeof(*causes->entries), &wanted, entry_is_before);
}

/* Where the links from i end; they are shortened on the way (path halving, Tarjan 1984). */
static int follow(int *links, int i)
{
	while (links[i] != i) {
		links[i] = links[links[i]];
		i = links[i];
	}
	return i;
}

/* Hop `cause` led somewhere: its entries are not unused any more. */
static void set_used(struct causes *causes, int cause)
{
	uint64_t keys[ENTRIES_PER_HOP];
	int n = own_keys(causes, cause, keys);

	for (int k = 0; k < n; k++) {
		int e = lower_bound(causes, keys[k], cause);

		causes->unused_before[e] = e - 1;
		causes->unused_after[e] = e + 1;
	}
}

/* ---- the search ------------------------------------------------------------------------------ */

/*
 * Whether hop i, which has no cause yet, stands among the causes of hop j, so that making j the
 * cause of i closes a ring.
 */
static bool is_cause_of(const struct causes *causes, int i, int j)
{
	return causes->followers[i] && follow(causes->above, j) == i;
}

/* The last hop before hop i under a key that may have caused it. -1: none. */
static int find_before(const struct causes *causes, int i, enum step step, uint64_t key,
		       bool unused)
{
	int e = lower_bound(causes, key, i) - 1;

	for (;; e--) {
		int j;

		if (unused)
			e = follow(causes->unused_before, e);
		if (causes->entries[e].key != key)
			return -1;
		j = causes->entries[e].hop;
		if (step_fits(step, &causes->hops[j], &causes->hops[i]) &&
		    !is_cause_of(causes, i, j))
			return j;
	}
}

/* The first one after it that another CPU stamped, or this one at the same time. -1: none. */
static int find_after(const struct causes *causes, int i, enum step step, uint64_t key, bool unused)
{
	const struct vl_event *event = &causes->hops[i].event;
	int e = lower_bound(causes, key, i);

	for (;;) {
		const struct vl_event *other;
		int j;

		if (unused)
			e = follow(causes->unused_after, e);
		if (causes->entries[e].key != key)
			return -1;
		j = causes->entries[e].hop;
		other = &causes->hops[j].event;
		if (other->time_ns - event->time_ns > skew_max_ns)
			return -1;
		if (other->cpu == event->cpu && other->time_ns != event->time_ns)
			e = causes->cpu_end[e];
		else if (step_fits(step, &causes->hops[j], &causes->hops[i]))
			return j; /* it has no cause yet: no ring */
		else
			e++;
	}
}

/*
 * The best cause of hop i by one kind of step: the latest one before it, else the first after it
 * that another CPU stamped. With unused, only a hop that led nowhere yet. -1: none.
 */
static int find_cause(const struct causes *causes, int i, enum step step, bool unused)
{
	uint64_t keys[KEYS_PER_SEARCH];
	int n = search_keys(causes, i, step, keys), best = -1;

	for (int k = 0; k < n; k++) {
		int j = find_before(causes, i, step, keys[k], unused);

		if (j > best)
			best = j;
	}
	for (int k = 0, before = best; before < 0 && k < n; k++) {
		int j = find_after(causes, i, step, keys[k], unused);

		if (j >= 0 && (best < 0 || j < best))
			best = j;
	}
	return best;
}

/*
 * The last hop of the same packet before hop i, or of the packet that brought it about. -1: none.
 */
static int find_before_gap(const struct causes *causes, int i)
{
	const struct hop *hops = causes->hops;
	int other = -1;

	for (int j = i - 1; j >= 0; j--) {
		if (is_cause_of(causes, i, j))
			continue;
		if (hops[j].leg == hops[i].leg)
			return j;
		if (other < 0 && hops[j].leg < hops[i].leg)
			other = j;
	}
	return other;
}

/* Whether a hop that nothing caused is where its packet was made. */
static bool is_first(const struct causes *causes, const struct itinerary *itinerary, int i)
{
	const struct hop *hops = causes->hops;

	if (itinerary->protocol) /* nothing before the error can be seen */
		return hops[i].leg == LEG_ERROR && hops[i].event.hook == VL_HOOK_OUT &&
		       hop_may_be_made_here(itinerary, &hops[i], causes->lab);
	if (hops[i].leg != LEG_REQUEST || hops[i].event.hook != VL_HOOK_OUT)
		return false;
	for (int j = causes->first_request; j < i; j++) {
		if (hops[j].leg != LEG_REQUEST || is_cause_of(causes, i, j))
			continue;
		/* Sent again, if at all. */
		return hops[j].step == STEP_FIRST && hops[j].end->node == hops[i].end->node;
	}
	return hop_maker_before(itinerary, &hops[i], hops[i].end->node, causes->lab) ==
	       hops[i].end->node;
}

static void set_cause(struct causes *causes, const struct itinerary *itinerary, int i)
{
	static const enum step arriving[] = {STEP_END, STEP_LINK},
			       leaving[] = {STEP_NODE, STEP_TURN};
	struct hop *hop = &causes->hops[i];
	const enum step *steps = hop_is_arrival(hop) ? arriving : leaving;
	int cause = -1;

	for (int k = 0; cause < 0 && k < 2; k++) {
		if (steps[k] == STEP_TURN &&
		    (hop->leg == LEG_REQUEST || !hop_may_be_made_here(itinerary, hop, causes->lab)))
			continue;
		/* Unused first: of two like packets on a link, each arrives once. */
		cause = find_cause(causes, i, steps[k], true);
		if (cause < 0)
			cause = find_cause(causes, i, steps[k], false);
		hop->step = steps[k];
	}
	if (cause < 0 && is_first(causes, itinerary, i)) {
		hop->step = STEP_FIRST;
	} else if (cause < 0) {
		hop->step = STEP_GAP;
		cause = find_before_gap(causes, i);
	}
	hop->from = cause;
	if (cause < 0)
		return;
	causes->above[i] = cause;
	if (!causes->followers[cause]++)
		set_used(causes, cause);
}

int itinerary_find_causes(struct itinerary *itinerary, const struct lab *lab)
{
	cleanup_causes struct causes causes = {
		.lab = lab, .hops = itinerary->hops, .n_hops = itinerary->n_hops};

	if (causes_allocate(&causes))
		return -ENOMEM;
	causes_index(&causes);
	for (int i = 0; i < causes.n_hops; i++)
		set_cause(&causes, itinerary, i);
	return 0;
}
