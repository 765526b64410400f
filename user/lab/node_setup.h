/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * node_setup.h - what a lab file asks for inside a node that no netlink request does: sysctls, nft
 * rules, commands. Call on a thread that is in the node's namespace.
 */
#ifndef VETHLAB_USER_LAB_NODE_SETUP_H
#define VETHLAB_USER_LAB_NODE_SETUP_H

#include "user/lab/journal.h"

/*
 * forward: and sysctls:. In a namespace that is not ours the value that was goes to the journal
 * first, and `down` puts it back.
 */
int node_setup_sysctls(const struct running *run, struct journal *journal, const struct node *node,
		       struct err *err);
bool node_setup_has_sysctls(const struct node *node);
/*
 * No duplicate address detection on the interfaces that a new namespace will get: for its 1-2 s the
 * link-local addresses are tentative, and a router drops what waits for a neighbour, since
 * ndisc_solicit() in net/ipv6/ndisc.c has no address to ask from.
 */
int node_setup_no_dad(const struct node *node, struct err *err);
/*
 * Put a sysctl to what it would be without the lab file: in a namespace of ours to what a new one
 * has, else to what it was before we came.
 */
int node_setup_reset_sysctl(const struct running *run, const struct node *node, int netns_fd,
			    const char *key, struct err *err);
/* Load the node's nft rules with the nft program. */
int node_setup_nft(const struct node *node, struct err *err);
/* Load them in place of all rules that are there, in one transaction: for a namespace of ours. */
int node_setup_replace_nft(const struct node *node, struct err *err);
/*
 * Run the node's exec: commands, one after the other; the first that fails is the error.
 * *interrupted not 0 ends the one that runs. What they leave in the background lives on.
 */
int node_setup_exec(const struct node *node, const volatile int *interrupted, struct err *err);

#endif
