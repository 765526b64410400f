/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lookup.h - look-ups of one entry: the route of a packet, a neighbor, a MAC address in a bridge's
 * forwarding table, a sysctl. Contract as net.h: 0, or -errno with *err filled; nl is a socket of
 * the namespace that is asked.
 */
#ifndef VETHLAB_USER_LOOKUP_H
#define VETHLAB_USER_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/err.h"
#include "topology/model.h"
#include "user/net/net.h"

/* The kernel's answer to "how would you send this?" (RTM_GETROUTE). */
struct route_answer {
	int error; /* positive errno of the look-up: ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL; 0 */
	uint8_t type; /* RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST; RTN_UNSPEC: error */
	uint32_t ifindex;	    /* 0: none */
	struct ip_addr via, source; /* family 0: none */
	uint32_t table;
	uint32_t mtu;	    /* of the route, where it has one of its own; 0: the interface's */
	uint32_t hop_limit; /* likewise; 0: the namespace's */
};

struct route_question {
	struct ip_addr to;
	struct ip_addr from;  /* family 0: the kernel chooses */
	uint32_t in_ifindex;  /* as if it had come by this interface (forwarding); 0: sent by us */
	uint32_t out_ifindex; /* bound to this interface; 0: any */
	uint8_t protocol;     /* IPPROTO_*, which rules may ask for; 0: none */
};

/* That the kernel has no route, or refuses, is an answer (answer->error), not a failure. */
int route_get(struct nl *nl, const struct route_question *question, struct route_answer *answer,
	      struct err *err);

struct neighbor_entry {
	uint16_t state; /* NUD_* of <linux/neighbour.h>; 0 (NUD_NONE): the kernel knows none */
	uint8_t mac[6];
	bool has_mac;
};

/* What the neighbor table has for an address. That it has nothing is an answer: NUD_NONE. */
int neighbor_get(struct nl *nl, uint32_t ifindex, const struct ip_addr *addr,
		 struct neighbor_entry *entry, struct err *err);
/* All static neighbors (NUD_PERMANENT) that have a MAC address. cb returns false to stop. */
int neighbor_list(struct nl *nl,
		  bool (*cb)(uint32_t ifindex, const struct ip_addr *addr, const uint8_t mac[6],
			     void *arg),
		  void *arg, struct err *err);
/* Whether the node answers for addr on that interface by an entry of its own (ip neigh add proxy).
 */
int neighbor_is_proxied(struct nl *nl, uint32_t ifindex, const struct ip_addr *addr, bool *proxied,
			struct err *err);

struct fdb_entry {
	uint16_t state; /* NUD_PERMANENT: the bridge's own; NUD_NOARP: static; NUD_NONE: none */
	uint32_t port;	/* ifindex */
	bool sticky;	/* it stays, though the MAC is seen at another port */
};

/*
 * What a bridge's forwarding table has for a MAC in a VLAN (0: the bridge does not filter VLANs).
 * That it has nothing is an answer: NUD_NONE.
 */
int fdb_get(struct nl *nl, uint32_t bridge, const uint8_t mac[6], uint16_t vid,
	    struct fdb_entry *entry, struct err *err);

/*
 * Value of a sysctl (net.ipv4.ip_forward) in a namespace, without its line end. Dots of interface
 * names are written as '/'. -ENOENT: there is none (err stays clear).
 */
int sysctl_read(int netns_fd, const char *key, char *value, size_t size, struct err *err);

#endif
