/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * path.h - where a packet would go by the tables of each node's kernel, and what would stop it.
 * Asks (RTM_GETROUTE, link states, sysctls), sends nothing.
 */
#ifndef VETHLAB_USER_PATH_H
#define VETHLAB_USER_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "user/base/err.h"
#include "topology/model.h"
#include "user/lab/lab.h"
#include "user/net/lookup.h"

enum { PATH_HOPS_MAX = 64, PATH_TEXT_SIZE = 400 };

/* How a walk ends. */
enum path_end {
	PATH_ARRIVES, /* at the node that has the address */
	PATH_STAYS,   /* it is the sender's own address: the packet stays on lo */
	PATH_NO_ROUTE,
	PATH_REFUSED,	  /* by a blackhole, unreachable or prohibit route */
	PATH_LEAVES,	  /* by an interface that is no end of the lab */
	PATH_LINK_DOWN,	  /* the link that the route leads to is down at either end */
	PATH_LINK_GONE,	  /* the link that it should take was deleted since the lab was built */
	PATH_NO_NEIGHBOR, /* nobody on the link has the next hop's address */
	PATH_NO_FORWARD,  /* a node on the way does not forward */
	PATH_SPOOFED,	  /* a node on the way takes its source for a forgery (rp_filter) */
	PATH_TOO_BIG,	  /* longer than the MTU of the way out, or of the end behind it */
	PATH_LOOP,	  /* the routes lead in a ring */
	PATH_IGNORED,	  /* it arrives, but the node is told not to answer echo requests */
	PATH_TO_MANY,	  /* a broadcast or multicast address: whoever gets it need not answer */
};

/* One node of the way. */
struct path_hop {
	const struct node *node;
	const struct end *in;	  /* by which it comes; NULL: made here */
	const struct end *out;	  /* by which it leaves; NULL: by none of the lab */
	char dev[IFNAME_MAX + 1]; /* the interface that the route names; "": none */
	struct ip_addr next;	  /* whose link-layer address is asked for; family 0: nobody's */
	struct route_answer route;
	bool nat; /* its rules rewrite the source of what it forwards */
};

struct path {
	struct ip_addr to, from; /* from: as the first node chooses it */
	struct path_hop hops[PATH_HOPS_MAX];
	size_t n_hops;
	const struct node *nat;	 /* the first node that rewrites the source; NULL: none does */
	struct ip_addr original; /* the source before that; from is the one after */
	unsigned mtu; /* the least of the links passed, and of one that stops it; 0: none */
	char narrow[END_NAME_SIZE]; /* where that is: the first such end, or node:interface */
	bool widest_first; /* no MTU is below that of the first link: the sender cuts to fit all */
	enum path_end end;
	char text[PATH_TEXT_SIZE]; /* one sentence: what happens, and why */
	char hint[PATH_TEXT_SIZE]; /* what to do about it; "": nothing to say */
};

struct path_question {
	const struct node *node; /* where the packet is made */
	struct ip_addr to;
	struct ip_addr from;	  /* family 0: the node chooses */
	unsigned len;		  /* bytes of the IP packet; 0: MTUs are not looked at */
	bool reply;		  /* it answers something: the sentences say so */
	const struct path *there; /* of a reply: the way of what it answers, for NAT; or NULL */
};

/*
 * Walk from node to node until the packet arrives or is stopped. Being stopped is an answer
 * (path->end), not a failure.
 */
int path_walk(const struct running *run, const struct path_question *question, struct path *path,
	      struct err *err);
/* The way back of an answer to what went `there`, which arrived. len as in the question. */
int path_walk_back(const struct running *run, const struct path *there, unsigned len,
		   struct path *back, struct err *err);
/* Only what the first node would do with it: one hop, whose neighbours are not asked. */
int path_first(const struct running *run, const struct path_question *question, struct path *path,
	       struct err *err);

/* Whether the packet gets where it should. */
static inline bool path_is_good(const struct path *path)
{
	return path->end == PATH_ARRIVES || path->end == PATH_STAYS;
}

/* Bytes of the headers of an echo to an address, IP and ICMP. */
static inline unsigned path_headers(const struct ip_addr *to)
{
	return to->family == AF_INET6 ? 48 : 28;
}

/*
 * The name of the bridge dev of a node, as long as the lab lives, if ends of the lab are its ports;
 * else NULL: what goes out by dev leaves the lab.
 */
const char *path_bridge(const struct node *node, const char *dev);

/* "no-route", "link-down", ...: for programs. */
const char *path_end_word(enum path_end end);

/* (walk.c, verdict.c) One hop's namespace, open while it is asked. */
struct path_asking {
	const struct running *run;
	const struct path_question *question;
	struct path *path;
	struct nl *nl;
	int netns_fd;
	unsigned size; /* of the largest piece of the packet so far, in bytes; 0: not known */
	bool may_cut;  /* routers may fragment it */
	const struct end
		*dead_port; /* on the way to the next hop, of a bridge that is down; NULL: none */
};
/* The bridge that an end is a port of: what comes by it came by the bridge. NULL: of none. */
const char *path_bridge_of(const struct end *end);
/* Fill path->text and path->hint for path->end at the last hop. culprit: an end, or NULL. */
void path_verdict_text(struct path_asking *asking, const struct end *culprit);

#endif
