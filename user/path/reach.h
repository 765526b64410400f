/* SPDX-License-Identifier: GPL-2.0-only */
/* reach.h - the ends that a frame comes to, through bridges. */
#ifndef VETHLAB_USER_PATH_REACH_H
#define VETHLAB_USER_PATH_REACH_H

#include "user/path/asking.h"

enum { REACH_SENDER = -1 };

/* An end by which a frame enters a node. */
struct reached {
	const struct end *in;
	ssize_t from; /* of the list: the end by which it entered the bridge before, or REACH_SENDER
		       */
	uint16_t tag; /* VLAN; 0: none */
};

struct reach {
	struct reached *list; /* owned */
	size_t n;
	/* The first port that it left by and that is no end of the lab: what is behind it was not
	 * looked at. NULL: there is none. */
	const struct node *stray;
	char stray_text[128]; /* "h:v0, veth, a port of br0" */
};

/* Each end once. Returns 0, or -ENOMEM. */
int reach_add(struct reach *reach, const struct end *in, ssize_t from, uint16_t tag);

/* A frame at a bridge. */
struct bridged {
	struct path_asking *asking; /* at the node of the bridge */
	const struct node *node;
	const struct link_info *bridge;
	const struct link_info *in; /* the port; NULL: the bridge itself sends it */
	uint16_t tag;		    /* as it comes in */
	ssize_t from;		    /* of the list */
	const struct end *stopped;  /* a port that does not take it or does not send it: */
	char why[64];		    /* "its STP state is blocking" */
};

/* Whether the bridge takes it for itself, or passes it on to the node's own IP: returns 1 if so. */
int bridged_to_node(struct bridged *frame, struct err *err);
/* Add what is behind each port that sends it on. -ENOMEM: err stays clear. */
int bridged_to_ports(struct bridged *frame, struct reach *reach, struct err *err);

/* Whether a device upon the end takes the frame: asking->upper is it. uppers were read. */
int path_visit_uppers(struct path_asking *asking, const struct ip_addr *next,
		      const struct reached *reached, bool *takes, struct err *err);
/* Devices beside the hop's own way out, upon the same end: those that may take it are doubts. */
int path_visit_siblings(struct path_asking *asking, const struct path_hop *hop, struct err *err);

/*
 * Whether the node of `there` answers (ARP, ND) the one of `asking` by this interface for addr,
 * which is its own: returns 1 if so; 0 and what was read, or -errno.
 */
int path_answers_own(struct path_asking *asking, struct path_asking *there,
		     const struct link_info *taker, const struct ip_addr *addr,
		     char why[ANSWER_WHY_SIZE], struct err *err);

/*
 * An address of its own that is not unique is sent to as that of a neighbor, but an advertisement
 * of it counts for nothing (ndisc_recv_na in net/ipv6/ndisc.c): sets asking->own_next.
 */
int path_read_own_next(struct path_asking *asking, const struct path_hop *hop, struct err *err);

/* A frame that crosses a bridge. */
struct fdb_crossing {
	const struct link_info *bridge;
	uint32_t in, out; /* ifindexes of ports */
	const uint8_t *mac;
	uint16_t tag; /* VLAN, as it comes in; 0: none */
	bool known;   /* the sender has the MAC: the owner need not have sent anything before */
};

/*
 * Returns 1 if the table of the bridge, in the node of `there`, leads elsewhere than to the port
 * at->out, and how; 0; or -errno. at->mac and at->known are set as asking says.
 */
int path_look_up(struct path_asking *asking, struct path_asking *there, struct fdb_crossing *at,
		 char why[64], struct err *err);

#endif
