/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * net.h - rtnetlink and network namespaces. Knows the kernel, knows no labs: callers give names
 * and numbers, and the words that an error shall use.
 *
 * Functions that return int return 0, or -errno and fill *err, unless they say otherwise. Those
 * that return a descriptor return one that is close-on-exec and the caller's to close. Addresses
 * and MACs are in network byte order, all other numbers in the machine's. A callback that returns
 * false ends the list, which is no failure.
 */
#ifndef VETHLAB_USER_NET_H
#define VETHLAB_USER_NET_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "user/base/err.h"
#include "topology/model.h"

struct nl;

/* ---- namespaces ---------------------------------------------------------------------------- */

#define NETNS_DIR "/run/netns"

/* Identifies a namespace: an inode is reused after a namespace was removed, a cookie is not. */
struct netns_id {
	uint64_t inode;
	uint64_t cookie; /* SO_NETNS_COOKIE (5.14); 0 if the kernel has none */
};

/*
 * Run fn(arg) on a short-lived thread inside the namespace netns_fd; the calling thread never
 * changes namespace. Sockets that fn opens stay in that namespace. Returns fn's value, or a
 * negative errno if the namespace cannot be entered (and *err says so).
 */
int netns_run(int netns_fd, int (*fn)(void *arg), void *arg, struct err *err);

/* The calling thread's own namespace. Returns a descriptor that the caller closes, or -errno. */
int netns_open_self(struct err *err);
/* That of the main thread, which never leaves the one that the program was started in. */
int netns_open_main(struct err *err);
/*
 * What the namespace of nl calls another one (an id as `ip netns list-id` has them): -1 if it has
 * no name for it. Asking gives it none.
 */
int netns_nsid(struct nl *nl, int netns_fd, int32_t *nsid, struct err *err);
/*
 * Every file that a network namespace is mounted on, as this process sees them; fn returns false to
 * stop. A path with blanks or the like is passed over.
 */
void netns_each_mount(bool (*fn)(const char *path, void *arg), void *arg);
/*
 * Every file below NETNS_DIR with what it contains, whether or not a namespace is mounted on it:
 * see netns_name(). Empty files, as those of ip(8), are passed over. fn returns false to stop. 0,
 * or -errno: files under mounts cannot be looked at here.
 */
enum { NETNS_MARK_SIZE = 128 };
int netns_each_mark(bool (*fn)(const char *name, const char *mark, void *arg), void *arg);
/* A descriptor if the file at path is that namespace, -ENOENT if not, or -errno if it cannot be
 * told. */
int netns_open_same(const char *path, const struct netns_id *id);
/* By name below NETNS_DIR or, with a '/', by path. Returns a descriptor, or -errno. */
int netns_open(const char *name, struct err *err);
int netns_open_pid(int pid, struct err *err);
int netns_identify(int netns_fd, struct netns_id *id, struct err *err);

/* Put the calling thread into a namespace, for good, and say which it is. */
int netns_enter(int netns_fd, struct netns_id *id, struct err *err);

/*
 * Give the calling process, which is about to execute a program in a network namespace, a /sys that
 * shows this namespace, as `ip netns exec` does: without it /sys/class/net has the interfaces of
 * whoever mounted it, and what is written there changes theirs. It is seen by the process and its
 * children alone; other mounts stay shared as they are. Async-signal-safe. 0 or -errno.
 */
int netns_mount_sysfs(void);

/*
 * Put the calling thread into a new network namespace, for good: call it on a thread that does
 * nothing else. Returns a descriptor of the namespace, or -errno. The namespace is nameless: it
 * is removed with the last descriptor, thread and mount.
 */
int netns_new(struct netns_id *id, struct err *err);
/* Raise the soft limit of open files: it is often 1024, too low for a descriptor a namespace. */
void netns_raise_file_limit(void);
/* Make NETNS_DIR as ip-netns does: a shared mount point, so that names reach other mount spaces. */
int netns_prepare_dir(struct err *err);
/*
 * Give a namespace the name NETNS_DIR/NAME. The file appears at once with mark as its content, so
 * that a crash before the mount leaves a file that tells whose it is. -EEXIST: the name is taken.
 */
int netns_name(int netns_fd, const char *name, const char *mark, struct err *err);
/*
 * Take the name away. What keeps the namespace alive otherwise (a process) stays. Only if the
 * namespace is still id, or the file is stale and carries mark: -ESTALE if the name is
 * somebody else's by now. 0 if there is no such name. netns_fd: an open descriptor of the
 * namespace id, which makes it quick, since its inode is nobody else's as long as that is open; or
 * -1.
 */
int netns_unname(const char *name, int netns_fd, const struct netns_id *id, const char *mark,
		 struct err *err);
/*
 * Find a namespace by its id: the calling thread's own, those in NETNS_DIR, those of processes
 * (/proc). Returns a descriptor; -ENOENT: it is not found; or another -errno: that cannot be told.
 */
int netns_find(const struct netns_id *id);
static inline bool netns_same(const struct netns_id *a, const struct netns_id *b)
{
	return a->inode == b->inode && a->cookie == b->cookie;
}

/*
 * What is at NETNS_DIR/NAME: nothing; a namespace; or a file that no namespace is mounted on, as a
 * crash leaves one (what it contains goes to mark, cut to mark_size - 1 bytes; "" otherwise).
 * Returns an enum netns_name_state, or -errno if that cannot be told.
 */
enum netns_name_state { NETNS_NAME_FREE, NETNS_NAME_MOUNTED, NETNS_NAME_STALE };
int netns_name_state(const char *name, char *mark, size_t mark_size, struct err *err);

/*
 * ICMP errors that a namespace did not send since it was made, by its rate limits for a host and
 * for all (net.ipv4.icmp_ratelimit, icmp_msgs_per_sec, net.ipv6.icmp.ratelimit): OutRateLimitHost
 * and OutRateLimitGlobal of /proc/net/snmp, Icmp6OutRateLimitHost of /proc/net/snmp6. Kernels from
 * 6.8 or so on count them; IPv6 has no counter for all.
 */
struct icmp_held_back {
	bool has_host, has_global; /* the kernel has that counter */
	uint64_t host, global;
};

/* family: 4 or 6. 0 or -errno. */
int icmp_held_back_read(int netns_fd, uint8_t family, struct icmp_held_back *out, struct err *err);

/*
 * A counter of the calling thread's namespace: `name` of `group` in /proc/net/snmp or
 * /proc/net/netstat (file: "snmp", "netstat"; Documentation/networking/snmp_counter.rst). -ENOENT:
 * the kernel has no such counter; or -errno. *value is then untouched.
 */
int snmp_counter(const char *file, const char *group, const char *name, uint64_t *value);

/*
 * Sysctls as the calling thread's namespace has them, by the key of sysctl(8). 0 or -errno: -ENOENT
 * if the kernel has no such key.
 */
/* The first line of a value; what is longer than size - 1 bytes is cut. */
int sysctl_get(const char *key, char *value, size_t size);
/* The whole value without its last newline; the caller frees it. -EFBIG: more than a megabyte. */
int sysctl_get_all(const char *key, char **value);
/* The permissions (st_mode) of a sysctl: a namespace may have it without being allowed to set it.
 */
int sysctl_mode(const char *key, mode_t *mode);
/*
 * Whether new interfaces copy it when they are made: net.ipv4.conf.default.rp_filter,
 * net.ipv6.neigh.default.gc_stale_time.
 */
bool sysctl_is_default(const char *key);
/* An empty value is written as a newline: the kernel ignores a write of no bytes. */
int sysctl_set(const char *key, const char *value);
/*
 * Set a sysctl to what sysctl_get_all() read earlier, and read it again. One that has the value is
 * not written. -ERANGE: the kernel took it but has another value.
 */
int sysctl_restore(const char *key, const char *value);
/*
 * Call fn with each other sysctl that the kernel may change when `key` is written, until fn returns
 * anything but 0, which is returned: net.ipv4.ip_forward changes the forwarding of all interfaces
 * and conf.all.accept_redirects. Those that change others themselves come last. Keys have slashes.
 */
int sysctl_each_dependent(const char *key, int (*fn)(const char *key, void *arg), void *arg);

/* ---- rtnetlink ----------------------------------------------------------------------------- */

/* One NETLINK_ROUTE socket in one namespace, with many requests in flight. Not thread-safe. */
struct nl;

/*
 * netns_fd -1: the calling thread's. The socket belongs to that namespace for good. *nl is the
 * caller's to close, and is not set by a failure.
 */
int nl_open(struct nl **nl, int netns_fd, struct err *err);
void nl_close(struct nl *nl); /* NULL is allowed */

/* As in cleanup.h: cleanup_nl struct nl *nl = NULL; */
static inline void cleanup_nl_fn(struct nl **nl)
{
	nl_close(*nl);
}
#define cleanup_nl __attribute__((cleanup(cleanup_nl_fn)))

/*
 * What a request is for, in words for its error: "<object>: cannot <action> (kernel: ...)".
 * The strings are copied when the request is committed.
 */
struct nl_what {
	const char *object; /* "blue:veth1" */
	const char *action; /* "add 10.1.1.1/24" */
	struct where where;
	int ignore; /* an errno (positive) that counts as success; 0: none */
	/* Whether a dump fails that changed each time while it was read; else the last is taken. */
	bool whole;
};

/*
 * Pipelining: nl_begin() gives a message in the socket's batch (type, NLM_F_REQUEST|NLM_F_ACK and
 * flags are set) with room for at least NL_ROOM bytes of attributes; fill it with
 * mnl_attr_put*(), then nl_commit() it. Batches are sent when they are full; acks are
 * read as they come. nl_flush() waits until every committed request is answered and
 * returns 0, or -errno of the first that failed (*err says which, with the kernel's words).
 */
enum { NL_ROOM = 9 * 1024 }; /* for a route of ROUTE_HOPS_MAX next hops */
struct nlmsghdr *nl_begin(struct nl *nl, uint16_t type, uint16_t flags);
int nl_commit(struct nl *nl, const struct nl_what *what, struct err *err);
int nl_flush(struct nl *nl, struct err *err);

/*
 * A dump (or a get): calls cb for each message of the answer. cb returns MNL_CB_OK/STOP/ERROR. A
 * dump that changes while it is read (NLM_F_DUMP_INTR) is read again before cb is called. No
 * request may be pending: nl_flush() first.
 */
int nl_dump(struct nl *nl, struct nlmsghdr *request, mnl_cb_t cb, void *arg,
	    const struct nl_what *what, struct err *err);

/* The first attribute of a type among those in size bytes; NULL: there is none. */
const struct nlattr *nl_find_attr(const void *attrs, size_t size, uint16_t type);

/* Join a multicast group of notifications (RTNLGRP_LINK, ...). */
int nl_listen(struct nl *nl, unsigned group, struct err *err);
/*
 * Let the groups also tell of every other namespace that the socket's namespace has an id for
 * (NETLINK_LISTEN_ALL_NSID). false: the kernel refuses it, for want of CAP_NET_BROADCAST.
 */
bool nl_listen_all_netns(struct nl *nl);
/*
 * Wait at most timeout_ms (-1: for ever) and call cb for the next notifications. 0, -ETIMEDOUT (err
 * stays clear), or another -errno, as -EINTR.
 */
int nl_event(struct nl *nl, int timeout_ms, mnl_cb_t cb, void *arg, struct err *err);
/*
 * For who waits for notifications together with other things, and wants only to know that there
 * were some: a descriptor that becomes readable (it stays the socket's), and the same emptied.
 */
int nl_fd(const struct nl *nl);
void nl_discard_events(struct nl *nl);

/* ---- links, addresses, routes: one request each, into the batch ------------------------------ */

/* One end of a veth pair that is to be made. */
struct veth_end {
	const char *ifname;
	int netns_fd;
	uint32_t ifindex;   /* requested; 0: the kernel's choice */
	uint32_t mtu;	    /* 0: default */
	uint32_t group;	    /* interface group: our mark where the namespace is not ours; 0: none */
	const uint8_t *mac; /* 6 bytes, or NULL */
	uint32_t txqueuelen;
	bool has_txqueuelen;
	unsigned queues; /* 0: default */
	bool up;	 /* only for ends[0]: the kernel refuses the peer (-ENOTCONN) */
};

/* Both ends by one request, each in its namespace. */
int link_add_veth(struct nl *nl, const struct veth_end ends[2], const struct nl_what *what,
		  struct err *err);
/* Set an interface up, or down. */
int link_set_up(struct nl *nl, uint32_t ifindex, bool up, const struct nl_what *what,
		struct err *err);

/* What can be changed of an interface while it carries packets; what is 0, NULL, false stays. */
struct link_settings {
	uint32_t mtu;	     /* bytes */
	const uint8_t *mac;  /* 6 bytes */
	uint32_t txqueuelen; /* packets */
	bool has_txqueuelen;
};

int link_set(struct nl *nl, uint32_t ifindex, const struct link_settings *settings,
	     const struct nl_what *what, struct err *err);
/* When the request is answered, the interface and its peer do not exist any more. */
int link_delete(struct nl *nl, uint32_t ifindex, const struct nl_what *what, struct err *err);
/* Move an interface to another namespace, where it is called name (-EEXIST: that is taken there).
 */
int link_move(struct nl *nl, uint32_t ifindex, int netns_fd, const char *name,
	      const struct nl_what *what, struct err *err);
/* Bytes of an address in a request: 16 of IPv6, 4 of IPv4. */
static inline size_t address_bytes(const struct ip_addr *addr)
{
	return addr->family == AF_INET6 ? 16 : 4;
}

/* EEXIST: the interface has the address already. */
int address_add(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix,
		const struct nl_what *what, struct err *err);
/* With a protocol (IFA_PROTO, 5.18) that address_is_marked() finds again: who made it. */
int address_add_marked(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix,
		       uint8_t protocol, const struct nl_what *what, struct err *err);
/* Flushes nothing. 1 if the interface has the address with that protocol, 0 if not, or -errno. */
int address_is_marked(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix,
		      uint8_t protocol, struct err *err);
/* EADDRNOTAVAIL: the interface does not have the address. */
int address_delete(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix,
		   const struct nl_what *what, struct err *err);

/*
 * Routes. protocol: who made it (RTPROT_*), by which route_delete() tells ours from others'.
 * ifindex gives the index of the interface that a hop names, with arg. A route with a body is given
 * to the kernel as that has it; its protocol and its hops are those of the body.
 */
enum {
	ROUTE_OURS = 118,
	ADDRESS_OURS = 118
}; /* our mark in namespaces that are not ours; no daemon uses it */
int route_add(struct nl *nl, const struct route *route, uint8_t protocol,
	      uint32_t (*ifindex)(const char *dev, void *arg), void *arg,
	      const struct nl_what *what, struct err *err);
/* In place of one with the same destination and metric, or new: no packet finds no route. */
int route_replace(struct nl *nl, const struct route *route, uint8_t protocol,
		  uint32_t (*ifindex)(const char *dev, void *arg), void *arg,
		  const struct nl_what *what, struct err *err);
/*
 * The first with its destination, kind and protocol, and with its metric and hops where route has
 * them. -ESRCH: there is none.
 */
int route_delete(struct nl *nl, const struct route *route, uint8_t protocol,
		 uint32_t (*ifindex)(const char *dev, void *arg), void *arg,
		 const struct nl_what *what, struct err *err);

/*
 * Every unicast, blackhole, unreachable and prohibit route of the main table, of both families,
 * whoever made it. all: those of other tables and other types too; they have a body, and those of
 * other types the kind ROUTE_UNICAST. name tells the name of an interface. The route is valid
 * during the call only. Of IPv6, the metric is never 0: the kernel's default is ROUTE_METRIC_V6. cb
 * returns false to stop.
 */
enum { ROUTE_METRIC_V6 = 1024 /* IP6_RT_PRIO_USER */ };
int route_list(struct nl *nl, bool all,
	       void (*name)(uint32_t ifindex, char dev[IFNAME_MAX + 1], void *arg),
	       bool (*cb)(const struct route *route, uint8_t protocol, void *arg), void *arg,
	       struct err *err);
/* The same for the body of one route, of any table and type. 0, -EINVAL or -ENOMEM. */
int route_read(const void *body, size_t size,
	       void (*name)(uint32_t ifindex, char dev[IFNAME_MAX + 1], void *arg),
	       bool (*cb)(const struct route *route, uint8_t protocol, void *arg), void *arg);

/* A bridge that is to be made in the socket's namespace. */
struct bridge_link {
	const struct bridge_options *options; /* its name too */
	uint32_t ifindex;		      /* requested; 0: the kernel's choice */
	uint32_t group;			      /* our mark, or 0 */
};

int link_add_bridge(struct nl *nl, const struct bridge_link *bridge, const struct nl_what *what,
		    struct err *err);
/* Options of a bridge that is there, those that differ; its name is not changed. */
int link_set_bridge(struct nl *nl, uint32_t ifindex, const struct bridge_options *was,
		    const struct bridge_options *now, const struct nl_what *what, struct err *err);
/* Make an interface a port of a bridge; master 0 takes it out. */
int link_set_master(struct nl *nl, uint32_t ifindex, uint32_t master, const struct nl_what *what,
		    struct err *err);
/* A static (permanent) neighbor. */
int neighbor_add(struct nl *nl, uint32_t ifindex, const struct ip_addr *addr, const uint8_t mac[6],
		 const struct nl_what *what, struct err *err);
/* -ENOENT: there is none. */
int neighbor_delete(struct nl *nl, uint32_t ifindex, const struct ip_addr *addr,
		    const struct nl_what *what, struct err *err);
/*
 * Offloads of an interface in the calling thread's namespace, by the ioctl of ethtool(8): done when
 * it returns. SETTING_DEFAULT leaves one as it is.
 */
int link_set_offloads(const char *ifname, enum setting tx_checksum, enum setting tso,
		      enum setting gro, const struct nl_what *what, struct err *err);

/* What the kernel says about one interface. */
struct link_info {
	uint32_t ifindex, peer_ifindex; /* IFLA_LINK; 0: none */
	int32_t link_netnsid;		/* IFLA_LINK_NETNSID: where the peer is; -1: none */
	uint32_t mtu, group, flags;	/* flags: IFF_* */
	uint32_t master;		/* of a bridge, a bond, ...; 0: none */
	uint8_t operstate;		/* IF_OPER_* (RFC 2863) */
	uint8_t mac[6];
	char ifname[IFNAME_MAX + 1];
	char kind[16];	     /* "veth", "bridge", ... or "" */
	uint64_t tx_packets; /* by link_get() only: 0 in lists */
	uint32_t xdp_prog_id;
	uint8_t xdp_attached;		  /* XDP_ATTACHED_* */
	bool is_port;			  /* of a bridge: */
	uint8_t port_state;		  /* BR_STATE_* of linux/if_bridge.h */
	bool isolated, hairpin, no_flood; /* no_flood: of unicast to MACs that it does not know */
	bool no_learning;		  /* the bridge learns no MACs by this port */
	bool vlan_filtering;		  /* of a bridge */
	struct ip_addr tunnel_to; /* of a tunnel: its other end; family 0: several or none */
	uint32_t tunnel_id;	  /* of a VXLAN or a Geneve: VNI */
	uint16_t tunnel_port;	  /* of those: the UDP port that its packets go to */
	uint8_t tunnel_protocol;  /* IPPROTO_* of its packets; 0: none, or several */
};

/* By index, or by name where ifindex is 0. -ENODEV: no such interface (err stays clear). */
int link_get(struct nl *nl, uint32_t ifindex, const char *ifname, struct link_info *info,
	     struct err *err);
/* Every interface; cb returns false to stop. */
int link_list(struct nl *nl, bool (*cb)(const struct link_info *info, void *arg), void *arg,
	      struct err *err);
/* nl_event() for a socket that listens to RTNLGRP_LINK. */
int link_event(struct nl *nl, int timeout_ms, bool (*cb)(const struct link_info *info, void *arg),
	       void *arg, struct err *err);
struct address_info {
	uint32_t ifindex;
	uint32_t flags; /* IFA_F_* of linux/if_addr.h */
	struct ip_prefix prefix;
};
/* Nobody answers for it: its uniqueness is not proven yet ("tentative"), or disproven
 * ("dadfailed"); else NULL (RFC 4862, 5.4). */
const char *address_unusable_word(uint32_t flags);
/* Every address of an interface (0: of all). */
int address_list(struct nl *nl, uint32_t ifindex,
		 bool (*cb)(const struct address_info *info, void *arg), void *arg,
		 struct err *err);
/*
 * The same of all interfaces. is_given: somebody has given it to the interface, and not the kernel
 * by itself, as loopback and link-local ones, or a router or DHCP for a time.
 */
int address_list_given(struct nl *nl,
		       bool (*cb)(uint32_t ifindex, const struct ip_prefix *prefix, bool is_given,
				  void *arg),
		       void *arg, struct err *err);

/* The VLANs of a bridge port, or of the bridge itself; bit n of the sets: VLAN n. */
struct bridge_vlans {
	uint16_t pvid; /* of frames without a tag; 0: they are dropped */
	uint8_t member[512], untagged[512];
};
static inline bool bridge_vlan_in(const uint8_t set[512], uint16_t vid)
{
	return set[vid / 8] >> vid % 8 & 1;
}
/* ifindex: of the port, or of the bridge. */
int bridge_vlans_get(struct nl *nl, uint32_t ifindex, struct bridge_vlans *vlans, struct err *err);

/* ---- the routes of addresses ---------------------------------------------------------------- */

/*
 * The routes that the kernel makes for an address: the local one to the address, and the connected
 * one to its network. For IPv6 it makes them without waiting for memory where an interface comes up
 * that has the address already, and goes on without them if there is none (fixup_permanent_addr()
 * and addrconf_prefix_route() in net/ipv6/addrconf.c).
 */

/* An address of an interface that is up. */
struct connected {
	uint32_t ifindex;
	struct ip_prefix prefix; /* the address with its length */
	const char *object;	 /* "h5:e0", for errors */
	struct where where;
	bool is_lo;		     /* only the local route counts */
	bool has_local, has_network; /* set by connected_repair() */
};

/*
 * Read the routes of nl's namespace and add those of the list that are missing, as the kernel would
 * have; then read them again, for a minute if need be. ERR_FAILED names the first that is still
 * missing. Sorts the list. interrupted: -EINTR as soon as it is not 0; NULL: what undoes a change,
 * and must not be interrupted.
 */
int connected_repair(struct nl *nl, struct connected *list, size_t n,
		     const volatile int *interrupted, struct err *err);

#endif
