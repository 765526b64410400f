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

struct node_trace_node {
	uint32_t inode; /* of the namespace */
	uint32_t index; /* of the node in the lab */
};

/* What a tracer makes records of: each depth has those of the depth before it, but for FRAMES. */
enum node_trace_depth {
	NODE_TRACE_FRAMES, /* drops of any protocol, for node_tracer_poll_frames(); nothing else */
	NODE_TRACE_DROPS,
	/* also the route look-up before a drop, neighbours, drops of questions for them, and ICMP
	 * errors that are made */
	NODE_TRACE_REASONS,
	NODE_TRACE_ALL, /* also what succeeds: each look-up, each delivery */
};

struct node_trace_config {
	const struct node_trace_node *nodes;
	size_t n_nodes;
	uint32_t ifindex_base, n_ends;
	const char *observed;	 /* name of the lab, if vethlab did not build it; NULL: it did */
	struct vl_filter filter; /* which packets; its places do not count */
	enum node_trace_depth depth;
	uint32_t from;	   /* of one ping: index of the node that asks, */
	struct ip_addr to; /* and whom; family 0: of any */
};

struct node_tracer;

/*
 * Needs CAP_BPF and CAP_PERFMON; the kernel needs BTF. Returns 0, or -errno with *err filled. The
 * caller closes *tracer.
 */
int node_tracer_open(struct node_tracer **tracer, const struct node_trace_config *config,
		     struct err *err);
void node_tracer_close(struct node_tracer *tracer); /* NULL is allowed */
/*
 * Call fn for each record that is there now; it does not wait. Returns how many there were, or
 * -errno. Of a drop only record->at is filled.
 */
int node_tracer_poll(struct node_tracer *tracer,
		     void (*fn)(const struct vl_stack *record, void *arg), void *arg,
		     struct err *err);
/* The same for a tracer of NODE_TRACE_FRAMES. */
int node_tracer_poll_frames(struct node_tracer *tracer,
			    void (*fn)(const struct vl_frame_drop *drop, void *arg), void *arg,
			    struct err *err);
/* Records that the ring buffer had no room for, and packets that could not be read. */
uint64_t node_tracer_lost(const struct node_tracer *tracer);
/*
 * Which events of its depth this kernel has no tracepoint for ("ICMP errors, bridge learning"); "":
 * it has all. Owned by the tracer.
 */
const char *node_tracer_missing(const struct node_tracer *tracer);

enum { NODE_TRACE_MISSING_SIZE = 256 };
/* The same of NODE_TRACE_ALL, without loading anything. Returns how many tracepoints there are. */
size_t node_trace_probe(char missing[NODE_TRACE_MISSING_SIZE]);

enum { SYMBOL_NAME_SIZE = 48 };
/* "NETFILTER_DROP" by the running kernel's BTF, or "reason 77". */
void symbols_reason(uint32_t reason, char name[SYMBOL_NAME_SIZE]);
/*
 * The function that an address lies in, by /proc/kallsyms, without a compiler's suffix ("ip_rcv",
 * not "ip_rcv.isra.0"); "" if the kernel hides it.
 */
void symbols_function(uint64_t address, char name[SYMBOL_NAME_SIZE]);

#endif
