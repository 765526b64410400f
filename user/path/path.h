/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * path.h - the way that a packet would take through a running lab, and what would stop it. It is
 * read from the kernel in each node (RTM_GETROUTE, link states, neighbours, sysctls); no packet is
 * sent.
 *
 * Functions that return int return 0, or -errno and fill *err, which means that the question could
 * not be asked: a packet that is stopped is an answer. Pointers to nodes and ends in the results
 * are borrowed from the lab of struct running, which has to live as long; nothing in them is to be
 * freed.
 */
#ifndef VETHLAB_USER_PATH_PATH_H
#define VETHLAB_USER_PATH_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "user/base/err.h"
#include "topology/model.h"
#include "user/lab/lab.h"
#include "user/net/lookup.h"

enum {
	PATH_HOPS_MAX = 256, /* more than a time to live of 255 allows */
	PATH_TEXT_SIZE = 400,
	PATH_WHAT_SIZE = 96,
	PATH_READINGS_MAX = 16, /* what path_note() is called for at one node is less */
	PATH_DOUBTS_MAX = 16,
	PATH_BRIDGES_MAX = 4,
};

/* How a walk ends. */
enum path_end {
	PATH_ARRIVES, /* at the node that has the address */
	PATH_STAYS,   /* it is the sender's own address: the packet stays on lo */
	PATH_NO_ROUTE,
	PATH_REFUSED,	  /* by a blackhole, unreachable or prohibit route */
	PATH_PROGRAM,	  /* nobody is known to take it, and a program of others meets it */
	PATH_LEAVES,	  /* by an interface that is no end of the lab */
	PATH_LINK_DOWN,	  /* the link that the route leads to is down at either end */
	PATH_LINK_GONE,	  /* the link that it should take was deleted since the lab was built */
	PATH_NO_NEIGHBOR, /* nobody on the link has the next hop's address */
	PATH_NOT_BRIDGED, /* a bridge on the way does not pass it on: path->at */
	PATH_WRONG_MAC,	  /* the neighbor table names a MAC that nobody on the link has */
	PATH_NO_FORWARD,  /* a node on the way does not forward */
	PATH_SPOOFED,	  /* a node on the way rejects its source address (rp_filter) */
	PATH_OWN_SOURCE,  /* a node on the way has the source address itself */
	PATH_LOCALNET,	  /* from or to 127.0.0.0/8 over a link, without route_localnet */
	PATH_SCOPE,	  /* its source is link-local (RFC 4291, 2.5.6): no node forwards it */
	PATH_NO_IPV6,	  /* a node takes no IPv6 by the interface that it comes in by */
	PATH_UNEXPLAINED, /* a node's kernel refuses it, and nothing that was read says why */
	PATH_TOO_BIG,	  /* longer than the MTU of an interface that sends or receives it */
	PATH_LOOP,	  /* the routes form a loop: it comes to one end twice, unchanged */
	PATH_TTL,	  /* more routers than its time to live (hop limit) allows */
	PATH_IGNORED,	  /* it arrives, but the node is told not to answer echo requests */
	PATH_TO_MANY,	  /* a broadcast or multicast address: receivers need not answer */
};

/* A bridge that is crossed from one of its ports to another. */
struct path_bridge {
	const struct end *in, *out;
};

/* One node of the way. */
struct path_hop {
	const struct node *node;
	const struct end *in;  /* where the packet comes in; NULL: it is made here */
	const struct end *out; /* where it leaves; NULL: at no end of the lab */
	/* The device of this node that takes the packet from the end `in`, which may be another
	 * node's (a macvlan upon it); ifindex 0: the end itself takes it. */
	uint32_t in_ifindex;
	char in_dev[IFNAME_MAX + 1];
	/* The packet leaves by `dev`, a device upon the end `out`, which may be another node's. */
	bool out_is_lower;
	char dev[IFNAME_MAX + 1]; /* the interface that the route names; "": none */
	char kind[16];		  /* of that, if it is no end: "vxlan"; "": none, or an end */
	struct ip_addr next;	  /* the next hop, whose MAC address is needed; family 0: none */
	struct ip_addr from, to;  /* as it comes here */
	struct route_answer route;
	bool nat; /* rules of the node rewrite the source of packets that it forwards */
	struct path_bridge bridges[PATH_BRIDGES_MAX]; /* to the next hop, the last one first */
	size_t n_bridges;			      /* may be more than there is room for */
	const struct end *also; /* by which the next node answers for `next` as well; NULL: none */
	bool asks; /* it has no MAC address of the next hop, and asks for it (ARP, ND) */
};

/* What was read in a node's kernel to explain how a walk ends. */
struct path_reading {
	const struct node *node;
	char what[PATH_WHAT_SIZE], value[96]; /* "net.ipv4.conf.eth0.forwarding", "0" */
};

/* What may decide about the packet and was not evaluated. */
struct path_doubt {
	const struct node *node;
	char what[64];	 /* "nft rules at forward" */
	char where[128]; /* "table ip t, chain c" */
};

struct path {
	struct ip_addr to, from; /* from: as the first node chooses it */
	struct path_hop hops[PATH_HOPS_MAX];
	size_t n_hops;
	const struct node *nat;	 /* the first node that rewrites the source; NULL: none does */
	struct ip_addr original; /* the source before it is rewritten; from: afterwards */
	unsigned mtu;		 /* bytes: the least of the links on the way; 0: there is no link */
	char narrow[END_NAME_SIZE]; /* the first end with that MTU, or node:interface */
	bool widest_first; /* no MTU is below that of the first link: the sender cuts to fit all */
	enum path_end end;
	const struct node *at; /* where it ends: the last hop's, or a bridge after it */
	struct path_reading readings[PATH_READINGS_MAX];
	size_t n_readings;
	struct path_doubt doubts[PATH_DOUBTS_MAX];
	size_t n_doubts;
	bool more_doubts;	   /* than there is room for */
	char text[PATH_TEXT_SIZE]; /* one sentence: what happens, and why */
	char hint[PATH_TEXT_SIZE]; /* what to do about it; "": nothing */
};

/* Which programs at an end: enum foreign_place of user/watch/foreign_programs.h. */
enum path_meets {
	PATH_MEETS_IN = 0,	   /* all that run for packets that come in */
	PATH_MEETS_BEFORE_IN = 2,  /* of these, those that run before vethlab's `in` */
	PATH_MEETS_BEHIND_OUT = 3, /* those that run behind vethlab's `out`, for what leaves */
};
/*
 * The first of these programs or filters that is of others: "XDP program 17 (theirs)" goes to text;
 * "" if there is none, or if the end's node cannot be looked at.
 */
enum { PATH_PROGRAM_SIZE = 64 };
void path_program_at(const struct running *run, const struct end *end, enum path_meets meets,
		     char text[PATH_PROGRAM_SIZE]);

struct path_question {
	const struct node *node; /* where the packet is made */
	struct ip_addr to;
	struct ip_addr from; /* family 0: the node chooses */
	unsigned len;	     /* bytes of the IP packet; 0: MTUs are not checked */
	bool reply;	     /* the packet is a reply: the sentences call it one */
	const struct path
		*there; /* of a reply: the way of the request, for NAT and neighbors; or NULL */
};

/*
 * Walk from node to node until the packet arrives or is stopped. Being stopped is an answer
 * (path->end), not a failure.
 */
int path_walk(const struct running *run, const struct path_question *question, struct path *path,
	      struct err *err);
/* The way of the reply to a packet that arrived by the path there. len: as in the question. */
int path_walk_back(const struct running *run, const struct path *there, unsigned len,
		   struct path *back, struct err *err);
/* Only the first hop: what the sender's routes say. Neighbours are not looked up. */
int path_first(const struct running *run, const struct path_question *question, struct path *path,
	       struct err *err);

/* Whether the packet reaches its destination. */
static inline bool path_is_good(const struct path *path)
{
	return path->end == PATH_ARRIVES || path->end == PATH_STAYS;
}

/* What follows from how it ends and from what was not evaluated on the way. */
enum path_verdict {
	PATH_GOOD,
	PATH_STOPPED,
	PATH_UNKNOWN, /* it cannot be known: path->doubts say why, or it leaves the lab */
};
enum path_verdict path_verdict(const struct path *path);
const char *path_verdict_word(enum path_verdict verdict);
/* path->doubts as a list: "nft rules at forward of r (table ip t, chain c)". Returns buf. */
const char *path_doubt_text(const struct path *path, char *buf, size_t size);
enum { PATH_DOUBT_TEXT_SIZE = PATH_DOUBTS_MAX * 240 };

/* Bytes of the IP and ICMP headers of an echo request to an address. */
static inline unsigned path_headers(const struct ip_addr *to)
{
	return to->family == AF_INET6 ? 48 : 28;
}

/*
 * The name of a node's bridge dev if ends of the lab are its ports; it is borrowed from the lab.
 * Else NULL: packets that are sent to dev leave the lab.
 */
const char *path_bridge(const struct node *node, const char *dev);

/* The end as JSON names it: "no-route", "link-down", ... */
const char *path_end_word(enum path_end end);

#endif
