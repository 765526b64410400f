/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probe.h - echoes from a node with the records that they cause: what `ping` and `traceroute` send
 * with and look through.
 */
#ifndef VETHLAB_USER_TRACE_PROBE_H
#define VETHLAB_USER_TRACE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "user/path/target.h"
#include "user/lab/lab.h"
#include "user/trace/echo.h"
#include "user/story/story.h"
#include "user/watch/node_trace.h"

/* By what a node may send to an address. */
struct probe_way_out {
	const char *device; /* it may leave by this one alone; borrowed; NULL: as the routes say */
	bool local;	    /* the address is the node's own */
};

/*
 * From a namespace that we did not make, a packet may leave only by an end of the lab: the host's
 * other interfaces lead to machines that nobody asked to probe. ERR_FAILED: it would leave by one
 * of those.
 */
int probe_find_way_out(struct probe_way_out *out, const struct running *run,
		       const struct node *from, const struct ip_addr *to, struct err *err);

struct probe_config {
	struct running *run;
	const struct node *from;
	struct target target;
	uint16_t size;		     /* payload bytes */
	uint8_t ttl;		     /* 0: the node's default */
	enum node_trace_depth depth; /* of what the stacks do */
};

struct probe {
	struct probe_config config;
	struct echo_sender *sender;
	struct watch *watch;
	struct watch_session *session; /* NULL: nothing watches the lab */
	struct node_tracer *stack;     /* NULL: drops inside the nodes are not seen */
	char no_stack[256];	       /* why not; it went to stderr */
	struct story *story;
	size_t blind; /* record_stream_count_blind() at looked_ns, CLOCK_MONOTONIC; 0: never */
	uint64_t looked_ns;
	unsigned paused; /* ms that were waited for who took requests */
	uint64_t token;	 /* first payload bytes of each echo */
	uint16_t id;
	bool local;	/* the target is an address of `from` itself */
	bool no_memory; /* in a callback */
};

/* Watches first, then opens the socket, so that no record of an echo is missed. */
int probe_open(struct probe *probe, const struct probe_config *config, struct err *err);
void probe_close(struct probe *probe);
/* As in cleanup.h: cleanup_probe struct probe probe = {0}; */
#define cleanup_probe __attribute__((cleanup(probe_close)))
/* Take the records that have come by now. */
int probe_drain(struct probe *probe, struct err *err);
/* Records that the kernel side could not deliver. */
uint64_t probe_lost(const struct probe *probe);
/* NULL: no record of that echo. */
const struct itinerary *probe_itinerary(struct probe *probe, uint16_t seq);
void probe_forget(struct probe *probe, uint16_t seq);

#endif
