/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * node_setup.h - what a lab file asks for in a node and no netlink request does: sysctls, nft
 * rules, commands. All functions run on a thread that is in the node's namespace.
 */
#ifndef VETHLAB_USER_LAB_NODE_SETUP_H
#define VETHLAB_USER_LAB_NODE_SETUP_H

#include "user/lab/journal.h"

/* Which of a node's sysctls are set. */
enum node_sysctls {
	NODE_SYSCTLS_ALL,
	NODE_SYSCTLS_DEFAULTS, /* those that ends copy when they are made: sysctl_is_default() */
};
/*
 * Set what `forward` and `sysctls` ask for. In a foreign namespace, the value that a sysctl had is
 * written to the journal first, and `down` restores it.
 */
int node_setup_sysctls(const struct running *run, struct journal *journal, const struct node *node,
		       enum node_sysctls which, struct err *err);
bool node_setup_has_sysctls(const struct node *node, enum node_sysctls which);
/*
 * Set what a new namespace has before it gets an interface: the kernel's defaults, unless the node
 * inherits others, and no duplicate address detection. While that runs, for 1 to 2 s, link-local
 * addresses are tentative, and a router drops packets whose neighbour it must ask for first, since
 * ndisc_solicit() in net/ipv6/ndisc.c has no source address.
 */
int node_setup_new(const struct node *node, struct err *err);
/*
 * Set a sysctl to what it would be without the lab file: in a namespace of the lab, what a new
 * namespace has; in a foreign one, what it was before the lab changed it. netns_fd: the node's.
 */
int node_setup_reset_sysctl(const struct running *run, const struct node *node, int netns_fd,
			    const char *key, struct err *err);
/* Load the node's nft rules by running nft. */
int node_setup_nft(const struct node *node, struct err *err);
/* The same, in place of all rules of the namespace, in one transaction. Not for foreign ones. */
int node_setup_replace_nft(const struct node *node, struct err *err);
/*
 * Run the node's `exec` commands, one after the other, until one fails. If *interrupted (NULL:
 * never) becomes not 0, the command that runs is ended. Processes that commands leave in the
 * background live on.
 */
int node_setup_exec(const struct node *node, const volatile int *interrupted, struct err *err);

#endif
