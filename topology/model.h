/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * model.h - what a lab is: nodes, links, ends. Pure data; knows no kernel. The reader fills it, the
 * rules check it, the builder and the watcher read it.
 *
 * Ownership: a struct lab owns everything that hangs below it; lab_free() frees all. Pointers
 * between nodes, links and ends stay valid as long as the lab.
 */
#ifndef VETHLAB_TOPOLOGY_MODEL_H
#define VETHLAB_TOPOLOGY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/ip.h"
#include "topology/names.h"
#include "user/base/err.h"

struct address {
	struct ip_prefix prefix;
	struct where where;
};

enum route_kind { ROUTE_UNICAST, ROUTE_BLACKHOLE, ROUTE_UNREACHABLE, ROUTE_PROHIBIT };

enum { ROUTE_HOPS_MAX = 256 }; /* a limit of ours: such a route fits one rtnetlink request */

struct nexthop {
	struct ip_addr via;	  /* family 0: none, dev only */
	char dev[IFNAME_MAX + 1]; /* "": the kernel finds it by via */
	unsigned weight;	  /* from 1 */
};

/*
 * A route as a kernel has it, where the other fields of struct route do not say all of it: the body
 * of its rtnetlink message (struct rtmsg and attributes).
 */
struct route_body {
	/* It has more of a key than destination and metric: a TOS, a source, a table but main. */
	bool apart;
	bool listable;	 /* it is in the main table, and enum route_kind has its type */
	uint32_t object; /* id of its nexthop object (ip-nexthop(8)), which has its hops; 0: none */
	char words[160]; /* what the fields do not say: "src 10.0.0.1 mtu 1400" */
	size_t size;
	unsigned char bytes[];
};

struct route {
	enum route_kind kind;
	struct ip_prefix to; /* default: len 0, of the gateway's family */
	struct nexthop *hops;
	size_t n_hops;	 /* 0 unless ROUTE_UNICAST; above 1: multipath; at most ROUTE_HOPS_MAX */
	uint32_t metric; /* 0: the kernel's default */
	bool computed;	 /* by `routing: static`, not written in the file */
	struct route_body *body; /* of a running lab; NULL: the fields say all. Not in the file */
	struct where where;
};

/* Copies hops and body too, which route_clear() frees. -ENOMEM: *copy is as it was. */
int route_copy(struct route *copy, const struct route *route);
void route_clear(struct route *route); /* the contents */

struct neighbor {
	struct ip_addr addr;
	uint8_t mac[6];
	char dev[IFNAME_MAX + 1];
	struct where where;
};

struct sysctl {
	char *key, *value; /* key as in sysctl(8): net.ipv4.ip_forward */
	struct where where;
};

struct command {
	char *line; /* run by /bin/sh -c inside the node */
	struct where where;
};

enum netns_kind {
	NETNS_NEW,  /* made by us, deleted by us */
	NETNS_HOST, /* the one vethlab was started in */
	NETNS_PATH, /* an existing one, by path */
	NETNS_PID,  /* an existing one, by process */
};

enum node_kind { NODE_PLAIN, NODE_BRIDGE };

struct bridge_options {
	char dev[IFNAME_MAX + 1]; /* name of the bridge interface: br0 */
	bool stp, vlan_filtering;
	uint32_t ageing_s; /* seconds; 0 keeps the kernel's 300 */
	bool has_ageing;
};

/* A tristate for what the kernel decides when the file is silent. */
enum setting { SETTING_DEFAULT, SETTING_OFF, SETTING_ON };

struct end;

struct node {
	unsigned index; /* place in lab->nodes */
	char name[NODE_NAME_MAX + 1];
	enum node_kind kind;
	enum netns_kind netns;
	char *netns_path; /* NETNS_PATH */
	int netns_pid;	  /* NETNS_PID */
	bool lo_up;
	struct address *lo_addresses;
	size_t n_lo_addresses;
	bool forward_v4, forward_v6;
	bool inherits; /* settings that a new namespace copies are kept: see user/net/devconf.h */
	struct bridge_options bridge;	  /* NODE_BRIDGE */
	struct address *bridge_addresses; /* of the bridge interface itself */
	size_t n_bridge_addresses;
	struct sysctl *sysctls;
	size_t n_sysctls;
	struct route *routes;
	size_t n_routes;
	struct neighbor *neighbors;
	size_t n_neighbors;
	struct command *exec;
	size_t n_exec;
	char *nft; /* rules text; NULL: none */
	struct where nft_where;
	bool gone;	   /* of a running lab: its namespace is. Not in the file */
	struct end **ends; /* this node's ends, in the order of the file */
	size_t n_ends;
	struct where where;
};

/* Where an XDP program sits. XDP_MODE_DEFAULT: as the lab or the command line says. */
enum xdp_mode { XDP_MODE_DEFAULT, XDP_MODE_OFF, XDP_MODE_GENERIC, XDP_MODE_NATIVE };

/* Which tc hooks watch an end; HOOKS_DEFAULT: as the lab or the command line says. */
enum hooks { HOOKS_DEFAULT = 0, HOOKS_NONE = 1, HOOKS_IN = 2, HOOKS_OUT = 4 };

struct link;

struct end {
	unsigned number;	  /* place in the lab's counters: 2 * link + side for a new lab */
	char name[END_NAME_SIZE]; /* "blue:veth1" */
	char ifname[IFNAME_MAX + 1];
	struct node *node;
	struct link *link;
	struct end *peer;
	struct address *addresses;
	size_t n_addresses;
	bool up;   /* administrative state wanted; default true */
	bool gone; /* of a running lab: deleted since it was built. Not in the file */
	char bridge[IFNAME_MAX +
		    1]; /* of an observed lab: whose port it is; "": none. Not in the file */
	bool no_port; /* of a node that is a bridge, but not a port of it: an interface beside it */
	bool has_mac;
	uint8_t mac[6];
	uint32_t mtu; /* 0: the link's */
	struct where where;
};

struct link {
	unsigned index; /* place in lab->links */
	struct end *ends[2];
	uint32_t mtu;	     /* bytes; 0: the kernel's default */
	uint32_t txqueuelen; /* packets; 0 with has_txqueuelen false: the kernel's default */
	bool has_txqueuelen;
	unsigned queues; /* tx and rx queues of both ends; 0: the kernel's default */
	enum setting tx_checksum, tso, gro;
	enum xdp_mode xdp;
	unsigned hooks; /* enum hooks, or-ed */
	struct where where;
};

struct lab {
	char name[LAB_NAME_MAX + 1];
	char *about; /* NULL: none */
	char *path;  /* of the lab file, as it was given */
	char *text;  /* the lab file itself, kept for a running lab's state */
	struct node **nodes;
	size_t n_nodes;
	struct link **links;
	size_t n_links;
	enum xdp_mode xdp;
	unsigned hooks;
	struct where where;	 /* of `lab:` */
	struct lab_index *index; /* for the look-ups; NULL: they search one by one */
};

/* Number of ends: two a link. */
static inline size_t lab_n_ends(const struct lab *lab)
{
	return 2 * lab->n_links;
}

/* The end in place i of the lab (0 <= i < lab_n_ends): side i % 2 of link i / 2. */
static inline struct end *lab_end(const struct lab *lab, size_t i)
{
	return lab->links[i / 2]->ends[i % 2];
}

void lab_free(struct lab *lab); /* NULL is allowed */

/*
 * Read a lab file; every finding goes to diags (errors and warnings, of the rules too). Returns
 * a lab that the caller frees, or NULL if there was an error; then diags->errors > 0.
 */
struct lab *lab_read_file(const char *path, struct diags *diags);
/* The same from memory; path is what the findings call it. */
struct lab *lab_read_text(const char *text, size_t len, const char *path, struct diags *diags);

/*
 * Make the look-ups below fast: once nodes, links, addresses and numbers are as they stay. The
 * reader does it; call it again after a change. Returns 0 or -ENOMEM; without it the look-ups work
 * all the same.
 */
int lab_index(struct lab *lab);
/* Look-ups by name; NULL: there is none. name of an end: "node:interface". */
struct node *lab_find_node(const struct lab *lab, const char *name);
struct end *lab_find_end(const struct lab *lab, const char *name);
/* The end whose counters have that number, as records name it; NULL: there is none. */
struct end *lab_find_number(const struct lab *lab, unsigned number);
/* Whether one of n addresses is addr, whatever its prefix length. */
bool addresses_have(const struct address *list, size_t n, const struct ip_addr *addr);
/* The end, lo or bridge of the lab that owns addr: sets *node, *end (NULL for lo/bridge). */
bool lab_find_address(const struct lab *lab, const struct ip_addr *addr, struct node **node,
		      struct end **end);

/* ---- effective settings -------------------------------------------------------------------- */

/*
 * What holds for an end or a link once the defaults of the link, the lab and the kernel are taken
 * in. asked: what the command line said for all links; XDP_MODE_DEFAULT or HOOKS_DEFAULT: nothing.
 */
uint32_t end_mtu(const struct end *end); /* bytes */
enum xdp_mode link_xdp(const struct lab *lab, const struct link *link, enum xdp_mode asked);
unsigned link_hooks(const struct lab *lab, const struct link *link, unsigned asked);

/* The sysctls that a node's forward_v4 and forward_v6 stand for. */
extern const struct sysctl forward_v4, forward_v6;

#endif
