/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * echo_entries.h - the table of echoes that are followed: where the entry of an echo is, which
 * entry a new one replaces, and the counters of entries that were replaced too early.
 *
 * One entry of `echoes` is a request on one link, or a packet on its way through one node. Its
 * fields are described in vethlab.h; echo_times.h changes them.
 */
#ifndef VETHLAB_BPF_ECHO_ENTRIES_H
#define VETHLAB_BPF_ECHO_ENTRIES_H

#include "vmlinux/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/vethlab.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* set before load: as many as the maps of counters */
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

/* An echo at a hook; of an ICMP error, the echo request that it quotes. */
struct sight {
	__u64 flow; /* hash of the request's addresses and id; the same for its reply */
	__u64 now;
	__u32 end;
	__u16 id, seq;
	__u8 hook;
	bool reply;
};

/* A hash in which each bit depends on all bits of a and b (MurmurHash3's finalizer, twice). */
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
	return tag ? tag : 1; /* 0 marks a free entry */
}

/*
 * The tag of an echo says which entry is its own. The own entries of all echoes of one ping are in
 * one page of the table, at whatever ends and nodes they are: memory of maps is mapped page by
 * page, and to touch another page costs more than the rest of a look-up. If an echo that still
 * waits has that entry, the new one goes to another entry of the same set of ECHO_WAYS (the near
 * set, in that page), or of a second set anywhere in the table (the far set). So the table needs
 * neither a lock nor memory at run time. Entries that are replaced while they wait are counted.
 */
enum { ECHO_WAYS = 4, ECHO_PAGE = 128 };

/* First entry of the near set. */
static __always_inline __u32 echo_near(__u64 flow, __u64 tag)
{
	return (flow >> 32) % (VL_ECHOES / ECHO_PAGE) * ECHO_PAGE +
	       tag % (ECHO_PAGE / ECHO_WAYS) * ECHO_WAYS;
}

/* The own entry. Echoes of one ping with consecutive sequence numbers get different ones. */
static __always_inline __u32 echo_own(__u64 flow, __u64 tag)
{
	return echo_near(flow, tag) + tag / (ECHO_PAGE / ECHO_WAYS) % ECHO_WAYS;
}

/* First entry of the far set. */
static __always_inline __u32 echo_far(__u64 tag)
{
	return (tag * 0x9e3779b97f4a7c15ull >> 40) % (VL_ECHOES / ECHO_WAYS) * ECHO_WAYS;
}

static __always_inline struct vl_echo *echo_at(__u32 place)
{
	return bpf_map_lookup_elem(&echoes, &place);
}

/* The entry with this tag in the set that starts at first, or -1. */
static __always_inline int set_search(__u32 first, __u64 tag)
{
	for (__u32 i = 0; i < ECHO_WAYS; i++) {
		struct vl_echo *e = echo_at(first + i);

		if (e && e->tag == tag)
			return first + i;
	}
	return -1;
}

/*
 * The entry with this tag if that is not its own, or -1. A global function: the verifier checks it
 * once, and not once for each caller.
 */
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

/* Whether the reply, or the error that a node may make about the request, can still come. */
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
 * Whether an entry must not be replaced by an echo whose own entry it is: a request without a
 * reply, on a link or in a node; a flow whose replies still come; or an entry that the same packet
 * has made just now (e->ns is now).
 */
static __always_inline bool echo_stays(const struct vl_echo *e, __u64 now)
{
	if (!e->tag)
		return false;
	return echo_open(e) || echo_inside(e) || e->ns == now ||
	       (e->kind == VL_ECHO_FLOW && now - e->ns < VL_ECHO_TIMEOUT_NS);
}

/*
 * The entry of a set that a new echo replaces: a free one, else one whose fate is known, else the
 * oldest. A global function: the verifier checks it once.
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
			/* If e->ns is now, the same packet has made the entry. */
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

/* The entry for tag, if its own must not be replaced (echo_stays). */
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

/* Give entry e to tag. An echo that waits there is forgotten. NULL: another CPU took it first. */
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

/* The entry for tag: its own, unless that must not be replaced. */
static __always_inline struct vl_echo *echo_take(__u64 flow, __u64 tag, __u64 now)
{
	struct vl_echo *e = echo_at(echo_own(flow, tag));

	if (e && e->tag != tag && echo_stays(e, now)) {
		e->displaced = 1;
		e = echo_at(echo_choose(flow, tag, now));
	}
	return e ? echo_claim(e, tag, now) : NULL;
}

/* Make the entry of an echo; NULL: none could be had. place: number of the end or of the node. */
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
