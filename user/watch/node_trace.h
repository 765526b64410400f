/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * node_trace.h - what happens to ICMP packets inside the nodes: route look-ups, neighbours, ICMP
 * errors, deliveries, drops. Each tracer loads and attaches programs of its own; they go with the
 * tracer.
 */
#ifndef VETHLAB_USER_WATCH_NODE_TRACE_H
#define VETHLAB_USER_WATCH_NODE_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "user/base/err.h"
#include "topology/model.h"

struct stack_node {
	uint32_t inode; /* of the namespace */
	uint32_t index; /* of the node in the lab */
};

/* How much of it. */
enum stack_depth {
	STACK_FRAMES, /* drops of any protocol, for stack_watch_poll_frames(); nothing else */
	STACK_DROPS,
	STACK_REASONS, /* and the look-up before a drop, neighbours, ICMP errors being made */
	STACK_ALL,     /* and what goes well: each look-up, each delivery */
};

struct stack_config {
	const struct stack_node *nodes;
	size_t n_nodes;
	uint32_t ifindex_base, n_ends;
	const char *observed;	 /* name of the lab, if vethlab did not build it; NULL: it did */
	struct vl_filter filter; /* which packets; its places do not count */
	enum stack_depth depth;
	uint32_t from;	   /* of one ping: index of the node that asks, */
	struct ip_addr to; /* and whom; family 0: of any */
};

struct stack_watch;

/* Needs CAP_BPF and CAP_PERFMON; the kernel needs BTF. */
int stack_watch_open(struct stack_watch **watch, const struct stack_config *config,
		     struct err *err);
void stack_watch_close(struct stack_watch *watch); /* NULL is allowed */
/* Deliver what is there now; returns how many, or -errno. Of drops only record->at is filled. */
int stack_watch_poll(struct stack_watch *watch,
		     void (*fn)(const struct vl_stack *record, void *arg), void *arg,
		     struct err *err);
/* The same of a watch of STACK_FRAMES. */
int stack_watch_poll_frames(struct stack_watch *watch,
			    void (*fn)(const struct vl_frame_drop *drop, void *arg), void *arg,
			    struct err *err);
uint64_t stack_watch_lost(const struct stack_watch *watch);
/* What of that this kernel does not tell ("ICMP errors, bridge learning"); "": all is told. */
const char *stack_watch_missing(const struct stack_watch *watch);

enum { STACK_MISSING_SIZE = 256 };
/* The same, without loading anything. Returns how many kinds of events the kernel tells. */
size_t stack_probe(char missing[STACK_MISSING_SIZE]);

enum { STACK_NAME_SIZE = 48 };
/* "NETFILTER_DROP" by the running kernel's BTF, or "reason 77". */
void stack_reason_name(uint32_t reason, char name[STACK_NAME_SIZE]);
/* The function that an address lies in, by /proc/kallsyms; "" if that is hidden. */
void stack_function_name(uint64_t address, char name[STACK_NAME_SIZE]);

#endif
