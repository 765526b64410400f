/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * asking.h - the state of a walk at the node that it has reached, and what the files of this room
 * share. Functions that return int return 0, or -errno with *err filled, unless they say otherwise.
 */
#ifndef VETHLAB_USER_PATH_ASKING_H
#define VETHLAB_USER_PATH_ASKING_H

#include <netinet/in.h>

#include "user/lab/end_state.h"
#include "user/net/ruleset.h"
#include "user/path/path.h"
#include "user/path/uppers.h"

struct policy_answer;

/* How a tunnel's own packets leave. */
enum path_tunnel_out {
	TUNNEL_OUT_UNKNOWN,   /* it could not be read */
	TUNNEL_OUT_DEVICE,    /* by an interface of the tunnel's node */
	TUNNEL_OUT_NO_ROUTE,  /* its kernel has no route for them */
	TUNNEL_OUT_ELSEWHERE, /* in the network namespace where the tunnel was made */
};

enum { ANSWER_WHY_SIZE = 160 };

/* The state of a walk, with the namespace of its last hop open. */
struct path_asking {
	const struct running *run;
	const struct path_question *question;
	struct path *path;
	struct nl *nl;
	int netns_fd;
	struct ruleset *ruleset; /* of that namespace, once it was read; owned */
	bool solicits;		 /* rules are looked at for neighbor solicitations and answers */
	bool source_nat;	 /* rules of that namespace rewrite the source */
	struct link_info in; /* what the packet comes in by; of a port, its bridge; ifindex 0: the
			      * node makes it */
	unsigned size;	     /* bytes of the packet's largest fragment so far; 0: not known */
	bool may_cut;	     /* routers may fragment the packet */
	unsigned ttl;	     /* as the sender sets it */
	const struct end
		*dead_port; /* a port of a bridge that is down, before the next hop; NULL: none */
	const struct end *port;	  /* a port of a bridge that stops the packet; NULL: none */
	char port_why[64];	  /* "its STP state is blocking" */
	bool by_fdb;		  /* its forwarding table is why */
	uint8_t mac[6];		  /* the frame's destination; zeros: not known */
	const struct end *silent; /* its node has the next hop's address, but does not answer ARP
				   * or ND for it by this end; NULL: none */
	char silent_why[ANSWER_WHY_SIZE]; /* "net.ipv4.conf.eth0.arp_ignore is 1" */
	const struct node *receiver;	  /* a broadcast's, whose settings were read; NULL: none */
	bool answers_broadcasts;	  /* by its settings the receiver answers broadcasts */
	const struct end *mute_proxy;	  /* does proxy ARP, but not for the next hop; NULL: none */
	struct neighbor_entry neighbor;	  /* what the hop's table has for its next hop */
	bool by_mac;	      /* the hop sends to the MAC of that entry, without asking for one */
	bool blocked;	      /* an interface on the way to the next hop is down or gone */
	const char *own_next; /* the next hop is an address of the interface that the packet leaves
			       * by, which is not usable: "dadfailed", "tentative"; NULL: not so */
	struct uppers uppers; /* of the whole lab, once they were needed; owned */
	const struct upper *upper; /* the device that takes the packet from the end that was found;
				    * NULL: the end's node does */
	const struct end *program_at; /* the first end that the packet comes to and that has a
				       * program of others; NULL: none */
	char program[PATH_PROGRAM_SIZE];
	struct ip_addr tunnel_to; /* as in struct link_info, of the way out */
	uint32_t tunnel_id;
	uint16_t tunnel_port;
	uint8_t tunnel_protocol;
	enum path_tunnel_out tunnel_out;
	char tunnel_dev[IFNAME_MAX + 1]; /* TUNNEL_OUT_DEVICE: that one */
	const struct upper *tap;	 /* the one that has the MAC of the next hop; NULL: none */
	bool stranger; /* by_mac, and nothing in the lab has that MAC or the next hop's address */
};

/* Of an echo to an address. */
static inline uint8_t path_protocol(const struct ip_addr *to)
{
	return to->family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

/* Open a node's namespace and a socket there, and close both. */
int path_ask_open(struct path_asking *asking, const struct node *node, struct err *err);
void path_ask_close(struct path_asking *asking);

/* The end with that ifindex; NULL: none of the lab. */
const struct end *path_end_of(const struct running *run, const struct node *node, uint32_t ifindex);

/* The state of an end and its MTU, which is left alone if the end is gone or unseen. */
int path_end_state(const struct running *run, const struct end *end, enum end_state *state,
		   uint32_t *mtu, struct err *err);

enum { PATH_VLAN_TAG = 4 /* bytes that an interface takes beyond its MTU */ };
/*
 * Whether the packet fits. The sender cuts what is too long for its own interface. A router cuts
 * IPv4 only, and of that only what may be cut: the kernel forbids it for requests that fit the
 * sender's MTU (path MTU discovery), but not for answers to echoes. A veth drops what its other end
 * could not receive, up to a VLAN tag more than the MTU (is_skb_forwardable in net/core/dev.c).
 * *culprit: the end that does not take it.
 */
bool path_fits(struct path_asking *asking, const struct path_hop *hop, uint32_t mtu,
	       uint32_t peer_mtu, const struct end **culprit);
/*
 * Look at the ends behind the bridges that hop leads through: note the least MTU in the path, and
 * cut asking->size where a bridge does. *narrow: the first end that does not take the packet.
 */
int path_pass_bridges(struct path_asking *asking, const struct path_hop *hop,
		      const struct end **narrow, struct err *err);

/* The name of the bridge that an end is a port of; NULL: it is no port. */
const char *path_bridge_of(const struct end *end);

/*
 * A frame for hop->next leaves hop by its way out, whose bridges go to hop->bridges: *found is the
 * end by which it enters the node that takes it; NULL: none does. asking: at hop.
 */
int path_find_neighbor(struct path_asking *asking, struct path_hop *hop, const struct end **found,
		       struct err *err);

/* The interface by which a hop's packet comes in: the end, or a device upon it. */
uint32_t path_in_ifindex(const struct path_asking *asking, const struct path_hop *hop);
/* Where the packets of a tunnel go, and by which interface of its node. */
void path_read_tunnel(struct path_asking *asking, const struct link_info *info);
/*
 * If the interface that the packet leaves by is a tunnel: say where its own packets go, as the
 * verdict. False: it is no tunnel.
 */
bool path_say_tunnel(struct path_asking *asking, const struct path_hop *hop);
/* Keep the first end where the packet comes and meets a program of others. */
void path_find_program(struct path_asking *asking, const struct end *in);
/* upper: the device upon hop->in that takes the packet to its node; NULL: none. */
void path_come_in_by(struct path_hop *hop, const struct upper *upper);
/* If the way out is a macvlan or an ipvlan upon an end, hop->out becomes that end. */
int path_find_lower(struct path_asking *asking, struct path_hop *hop, struct err *err);
/*
 * An ipvlan has the MAC address of its end, and takes what is for an IP address of its own before
 * the end's node sees it (ipvlan_handle_frame in drivers/net/ipvlan). Returns 1 if one does: the
 * hop is at its node then.
 */
int path_change_to_ipvlan(struct path_asking *asking, struct path_hop *hop, struct err *err);
/* What a packet meets at an end of another node, upon which a device stands that it crosses. */
int path_doubt_lower(struct path_asking *asking, const struct end *lower, bool egress,
		     struct err *err);

/* The kernel of the last hop refuses the packet (hop->route.error): read why, and say it. */
int path_refuse(struct path_asking *asking, const struct path_hop *hop, struct err *err);

/* Whether rp_filter (the larger of all and IF) refuses a source that has come by an interface.
 * back: what the policy look-up for the way back to it has found. */
bool path_fails_rp_filter(const struct policy_answer *back, int filter, uint32_t ifindex);

/* PATH_TTL: the packet's time to live or hop limit is used up at the hop. */
void path_say_ttl(struct path_asking *asking, const struct path_hop *hop, const char *to);

/* Whether IPv6 that comes by asking->in is forwarded, and the verdict if it is not. */
bool path_forwards_ipv6(struct path_asking *asking);
int path_refuse_ipv6_forward(struct path_asking *asking, const struct path_hop *hop);

/* The name of an interface's sysctl as sysctl(8) takes it. fmt: with %s where the interface is. */
void path_sysctl_key(char key[PATH_WHAT_SIZE], const char *fmt, const char *ifname);
/* A number that a sysctl of the node has; `otherwise` if it cannot be read. fmt: with one %s. */
int path_sysctl(struct path_asking *asking, int otherwise, const char *fmt, const char *ifname);
/* The same, kept as a reading. */
int path_sysctl_noted(struct path_asking *asking, int otherwise, const char *fmt,
		      const char *ifname);
/* Keep what was read at the last hop. */
__attribute__((format(printf, 3, 4))) void path_note(struct path *path, const char *what,
						     const char *fmt, ...);

/* Where a packet crosses a hook: the node, and the names of interfaces as struct ruleset_packet. */
struct path_crossing {
	const struct node *node;
	const char *in, *out;
};

/* Keep what was not evaluated, once each. */
__attribute__((format(printf, 4, 5))) void path_doubt(struct path *path, const struct node *node,
						      const char *what, const char *fmt, ...);
/*
 * Keep as doubts the nft rules in asking's node that may decide about a packet of the path: those
 * of IP (_ip), those of the node's own bridge (_bridge), those of a bridge that it crosses, and of
 * IP by br_netfilter (_bridged), those of a device, and programs of others there (_device), and
 * those for what asks for a neighbor's address (_neighbor).
 */
int path_doubt_ip(struct path_asking *asking, struct path *path, const struct path_crossing *at,
		  enum ruleset_hook hook, struct err *err);
int path_doubt_bridge(struct path_asking *asking, struct path *path, const struct path_crossing *at,
		      enum ruleset_hook hook, struct err *err);
int path_doubt_bridged(struct path_asking *asking, struct path *path, const struct node *node,
		       const char *bridge, struct err *err);
int path_doubt_device(struct path_asking *asking, struct path *path, const struct path_crossing *at,
		      uint32_t ifindex, bool egress, struct err *err);
int path_doubt_neighbor(struct path_asking *asking, struct path *path, const struct node *node,
			struct err *err);

/* path_doubt_*() for a hop: before the route of a packet that came in is looked up; */
int path_meet_rules_in(struct path_asking *asking, const struct path_hop *hop, struct err *err);
/* where it leaves, which also sets asking->source_nat; */
int path_meet_rules_out(struct path_asking *asking, const struct path_hop *hop, struct err *err);
/* where it arrives. */
int path_meet_rules_at_end(struct path_asking *asking, const struct path_hop *hop, struct err *err);

/*
 * Say it if the interface to which the lab file gives hop->next does not have it now, or IPv6 is
 * off at the other end of hop's link. False: neither is so.
 */
bool path_say_missing(struct path_asking *asking, const struct path_hop *hop);
/* The same if IPv6 is off at an end of hop's node by which the destination would be reached. */
bool path_say_no_ipv6(struct path_asking *asking, const struct path_hop *hop);
/* Whether IPv6 is off at asking->in, by which a packet of IPv6 comes in. */
bool path_is_ipv6_off(struct path_asking *asking, const struct path_hop *hop);
/* PATH_NO_IPV6, with its sentence, where that is so. */
void path_refuse_no_ipv6(struct path_asking *asking, const struct path_hop *hop);

/* Fill path->text and path->hint for path->end at the last hop. culprit: an end, or NULL. */
void path_verdict_text(struct path_asking *asking, const struct end *culprit);
__attribute__((format(printf, 2, 3))) void path_say(struct path *path, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void path_suggest(struct path *path, const char *fmt, ...);

/* The setting that makes the node at its end answer no echoes. */
static inline const char *path_ignore_key(const struct path *path)
{
	return path->to.family == AF_INET6 ? "net.ipv6.icmp.echo_ignore_all"
					   : "net.ipv4.icmp_echo_ignore_all";
}

#endif
