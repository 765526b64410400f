/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * echo_entries.h - the table of echoes that are followed: where the entry of an echo is, which
 * entry makes way for a new one, and the counters of those that had to.
 *
 * One entry of `echoes` is a request on one link, or a packet on its way through one node; what its
 * fields say is in vethlab.h, what changes them in echo_times.h.
 */
#ifndef VETHLAB_BPF_ECHO_ENTRIES_H
#define VETHLAB_BPF_ECHO_ENTRIES_H

#include "vmlinux/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/vethlab.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* as the counters */
	__type(key, __u32);
	__type(value, struct vl_echo_counters);
} echo_count SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, VL_ECHOES);
	__type(key, __u32);
	__type(value, struct vl_echo);
} echoes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vl_settings);
} settings SEC(".maps");

/* An echo, or the echo that an ICMP error quotes, at a hook. */
struct sight {
	__u64 flow; /* hash of the request's addresses and id; the same for its reply */
	__u64 now;
	__u32 end;
	__u16 id, seq;
	__u8 hook;
	bool reply;
};

/* Every bit of the result depends on every bit of both (the finalizer of MurmurHash3, twice). */
static __always_inline __u64 mix(__u64 a, __u64 b)
{
	a = (a ^ a >> 33) * 0xff51afd7ed558ccdull;
	a = (a ^ b ^ a >> 33) * 0xc4ceb9fe1a85ec53ull;
	return a ^ a >> 33;
}

static __always_inline __u64 echo_tag(const struct sight *s, enum vl_echo_kind kind, __u32 place,
				      __u16 seq)
{
	__u64 tag;

	if (kind == VL_ECHO_NODE_REPLY)
		kind = VL_ECHO_NODE_REQUEST; /* a reply takes the entry of its request */
	tag = s->flow ^ (((__u64)kind << 32 | place) + 1) * 0x9e3779b97f4a7c15ull;

	tag = (tag ^ tag >> 32) * 0xc4ceb9fe1a85ec53ull;
	tag ^= tag >> 33 ^ seq;
	return tag ? tag : 1; /* 0 is a free place */
}

/*
 * An echo has a place of its own. All those of one ping, at all places, are in one page of the
 * table: memory of maps is mapped page by page, and a look-up in another page costs more than the
 * rest of it. If an echo that waits is there, it goes to another entry of its set in that page, or
 * to a far set. So the table needs no lock and no memory at run time; what has to make way is
 * counted.
 */
enum { ECHO_WAYS = 4, ECHO_PAGE = 128 };

/* First entry of the near set. */
static __always_inline __u32 echo_near(__u64 flow, __u64 tag)
{
	return (flow >> 32) % (VL_ECHOES / ECHO_PAGE) * ECHO_PAGE +
	       tag % (ECHO_PAGE / ECHO_WAYS) * ECHO_WAYS;
}

/* Consecutive numbers of one ping have each a place in turn. */
static __always_inline __u32 echo_own(__u64 flow, __u64 tag)
{
	return echo_near(flow, tag) + tag / (ECHO_PAGE / ECHO_WAYS) % ECHO_WAYS;
}

static __always_inline __u32 echo_far(__u64 tag)
{
	return (tag * 0x9e3779b97f4a7c15ull >> 40) % (VL_ECHOES / ECHO_WAYS) * ECHO_WAYS;
}

static __always_inline struct vl_echo *echo_at(__u32 place)
{
	return bpf_map_lookup_elem(&echoes, &place);
}

/* The place of tag in the set that starts at first, or -1. */
static __always_inline int set_search(__u32 first, __u64 tag)
{
	for (__u32 i = 0; i < ECHO_WAYS; i++) {
		struct vl_echo *e = echo_at(first + i);

		if (e && e->tag == tag)
			return first + i;
	}
	return -1;
}

/* The place of tag, not its own, or -1. A global function: the verifier goes through it once. */
__noinline int echo_search(__u64 flow, __u64 tag)
{
	int place = set_search(echo_near(flow, tag), tag);

	return place < 0 ? set_search(echo_far(tag), tag) : place;
}

static __always_inline struct vl_echo *echo_find(__u64 flow, __u64 tag)
{
	struct vl_echo *e = echo_at(echo_own(flow, tag));
	int place;

	if (!e || e->tag == tag)
		return e;
	if (!e->displaced)
		return NULL;
	place = echo_search(flow, tag);
	return place < 0 ? NULL : echo_at(place);
}

static __always_inline struct vl_echo_counters *echo_counters(__u32 end)
{
	return bpf_map_lookup_elem(&echo_count, &end);
}

/* Whether an entry is a request on a link without a reply. */
static __always_inline bool echo_open(const struct vl_echo *e)
{
	return e->tag && e->kind == VL_ECHO_ON_LINK && e->flags & VL_ECHO_REQUESTED &&
	       !(e->flags & (VL_ECHO_ANSWERED | VL_ECHO_FAILED));
}

/* Whether it is a request in a node that neither went on nor was answered or refused there. */
static __always_inline bool echo_inside(const struct vl_echo *e)
{
	return e->tag && e->kind == VL_ECHO_NODE_REQUEST &&
	       !(e->flags & (VL_ECHO_LEFT | VL_ECHO_ANSWERED | VL_ECHO_FAILED));
}

/* Whether what is missing may come yet: a reply, or the error that a node makes about it. */
static __always_inline bool echo_waits(const struct vl_echo *e, __u64 now, __u64 timeout)
{
	return (echo_open(e) || echo_inside(e)) && now - e->ns < timeout;
}

static __always_inline __u64 echo_timeout(void)
{
	struct vl_settings *set;
	__u32 zero = 0;

	set = bpf_map_lookup_elem(&settings, &zero);
	return set && set->echo_timeout_ns ? set->echo_timeout_ns : VL_ECHO_TIMEOUT_NS;
}

/*
 * Whether an entry keeps its own place: a request without a reply, on a link or in a node, a flow
 * whose replies still come, or what the packet that needs the place has made itself a moment ago.
 */
static __always_inline bool echo_stays(const struct vl_echo *e, __u64 now)
{
	if (!e->tag)
		return false;
	return echo_open(e) || echo_inside(e) || e->ns == now ||
	       (e->kind == VL_ECHO_FLOW && now - e->ns < VL_ECHO_TIMEOUT_NS);
}

/*
 * The entry of a set that makes way: a free one, else one whose fate is known, else the oldest. A
 * global function: the verifier goes through it once.
 */
__noinline int set_choose(__u32 first, __u64 now, __u64 timeout)
{
	__u64 yields, most = 0;
	int place = first;

	for (__u32 i = 0; i < ECHO_WAYS; i++) {
		struct vl_echo *e = echo_at(first + i);

		if (!e)
			continue;
		yields = ~0ull;
		if (e->tag) {
			yields = (now - e->ns) >> 2;
			/* What was made now is of the packet that needs the place. */
			if (e->ns != now && !echo_waits(e, now, timeout))
				yields |= 1ull << 62;
		}
		if (yields > most) {
			most = yields;
			place = first + i;
		}
	}
	return place;
}

/* A place for tag, where an entry that stays is in its own. */
__noinline int echo_choose(__u64 flow, __u64 tag, __u64 now)
{
	__u64 timeout = echo_timeout();
	int place = echo_search(flow, tag);
	struct vl_echo *e;

	if (place >= 0)
		return place;
	place = set_choose(echo_near(flow, tag), now, timeout);
	e = echo_at(place);
	if (!e || !echo_waits(e, now, timeout))
		return place;
	return set_choose(echo_far(tag), now, timeout);
}

/* Take entry e for tag. What waits there is forgotten. NULL: another CPU was faster. */
static __always_inline struct vl_echo *echo_claim(struct vl_echo *e, __u64 tag, __u64 now)
{
	__u64 old = e->tag;
	struct vl_echo_counters *count;

	if ((echo_open(e) || echo_inside(e)) && now - e->ns < echo_timeout()) {
		count = echo_counters(e->end);
		if (count) {
			count->forgotten += e->kind == VL_ECHO_ON_LINK;
			count->crowded += old != tag;
		}
	}
	if (old != tag && __sync_val_compare_and_swap(&e->tag, old, tag) != old)
		return NULL;
	return e;
}

/* A place for tag: its own, unless an entry that stays is there. */
static __always_inline struct vl_echo *echo_take(__u64 flow, __u64 tag, __u64 now)
{
	struct vl_echo *e = echo_at(echo_own(flow, tag));

	if (e && e->tag != tag && echo_stays(e, now)) {
		e->displaced = 1;
		e = echo_at(echo_choose(flow, tag, now));
	}
	return e ? echo_claim(e, tag, now) : NULL;
}

static __always_inline struct vl_echo *echo_start(const struct sight *s, enum vl_echo_kind kind,
						  __u32 place, __u16 seq, __u32 end, __u8 flags)
{
	struct vl_echo *e = echo_take(s->flow, echo_tag(s, kind, place, seq), s->now);

	if (!e)
		return NULL;
	e->ns = s->now;
	e->replied_after = 0;
	e->end = end;
	e->id = s->id;
	e->seq = seq;
	e->kind = kind;
	e->flags = flags;
	return e;
}

#endif
