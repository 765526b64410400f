/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * port_evidence.h - what was seen of a probe of a port on its way: drops of its packets, what the
 * links on the way counted, accept queues that were full.
 */
#ifndef VETHLAB_USER_TRACE_PORT_EVIDENCE_H
#define VETHLAB_USER_TRACE_PORT_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/path/path.h"
#include "user/story/story.h"
#include "user/trace/port_packet.h"
#include "user/watch/node_trace.h"
#include "user/watch/watch.h"

enum { PORT_DROPS_MAX = 16, PORT_LINKS_MAX = 64 };

/* Drops of one kind by one node. */
struct port_drop {
	const struct node *node;
	const struct end *end; /* at which; NULL: at none of the lab */
	enum port_packet packet;
	char reason[SYMBOL_NAME_SIZE], function[SYMBOL_NAME_SIZE];
	uint64_t count;
};

struct port_drops {
	struct port_drop list[PORT_DROPS_MAX];
	size_t n;
	uint64_t more; /* drops of kinds that there was no room for */
};

/* Add a drop to those of its kind. */
void port_drops_add(struct port_drops *drops, const struct port_drop *drop);

/*
 * What one direction of a link counted meanwhile, of all flows: TCP segments with SYN, SYN-ACKs
 * among them, or UDP datagrams.
 */
struct port_link {
	const struct end *from;	    /* to is from->peer */
	bool back;		    /* on the way back */
	bool has_sent, has_arrived; /* a hook counts there */
	uint64_t sent, arrived;
};

struct port_evidence {
	struct port_drops drops; /* of this probe */
	struct port_link links[PORT_LINKS_MAX];
	size_t n_links;
	bool more_links; /* than there is room for */
	/*
	 * TCP: how often an accept queue was full meanwhile in the node that has the address, of
	 * all its sockets (ListenOverflows of /proc/net/netstat).
	 */
	uint64_t overflows;
	bool overflows_known;
	char not_seen[STORY_NOT_SEEN_SIZE]; /* what could not be; "": nothing */
};

struct port_watch {
	const struct running *run;
	const struct node *target; /* NULL: no node of the lab has the address */
	bool tcp;
	struct node_tracer *stack;	      /* NULL: drops are not seen */
	char no_stack[256];		      /* why not */
	struct watch *watch;		      /* NULL: nothing watches the lab */
	struct vl_counters *before[VL_HOOKS]; /* by number of the end; NULL: not counted */
	uint64_t overflows;
	bool overflows_known;
};

/*
 * Watch the lab's drops and counters. That drops cannot be seen, or nothing counts, is no failure.
 * 0 or -errno; closing is due in any case. run and target must live as long.
 */
int port_watch_open(struct port_watch *w, const struct running *run, const struct node *target,
		    bool tcp, struct err *err);
void port_watch_close(struct port_watch *w);
/* A probe is about to begin: evidence is what comes from now on. */
int port_watch_begin(struct port_watch *w, struct port_evidence *evidence, struct err *err);
/* Take the drops that have come by now, of that flow's packets. */
int port_watch_drain(struct port_watch *w, const struct port_flow *flow,
		     struct port_evidence *evidence, struct err *err);
/*
 * The probe has ended: fill the rest. there, back: the ways by the nodes' tables, whose links are
 * looked at; back: or NULL.
 */
int port_watch_end(struct port_watch *w, const struct path *there, const struct path *back,
		   struct port_evidence *evidence, struct err *err);

#endif
