/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * live_settings.h - static neighbors and sysctls of one node of a running lab, as the kernel has
 * them. For live.c: it reads all of a node before it changes the model.
 */
#ifndef VETHLAB_USER_CHANGE_LIVE_SETTINGS_H
#define VETHLAB_USER_CHANGE_LIVE_SETTINGS_H

#include "user/lab/lab.h"

/* Those of the lab's interfaces in a node, of which nl is a socket; the caller frees *list. */
int live_neighbors_read(struct neighbor **list, size_t *n, struct nl *nl, const struct running *run,
			const struct node *node, struct err *err);
/* Make node->neighbors of them. extra: those too that the file does not say. 0 or -ENOMEM. */
int live_neighbors_take(const struct neighbor *list, size_t n, struct node *node, bool extra);

/*
 * Whether live.c takes a route that the lab file does not have into the model: one of the main
 * table and of a type that enum route_kind has, by the lab's interfaces alone, that no routing
 * daemon made.
 */
bool live_compares_route(const struct running *run, const struct node *node,
			 const struct route *route, uint8_t protocol);

/* Values as text, each owned; NULL: it was not read, and counts as what the file says. */
struct live_sysctls {
	char **values; /* of node->sysctls */
	size_t n;
	char *forward_v4, *forward_v6;
};

/* netns_fd: the node's. What the namespace does not have, or does not let be read, is left out. */
int live_sysctls_read(struct live_sysctls *sysctls, int netns_fd, const struct node *node,
		      struct err *err);
/*
 * Make node->sysctls and its forwarding of them. extra: forwarding too that the file does not say.
 * Takes values out of *sysctls.
 */
void live_sysctls_take(struct live_sysctls *sysctls, struct node *node, bool extra);
void live_sysctls_free(struct live_sysctls *sysctls);

#endif
