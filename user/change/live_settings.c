// SPDX-License-Identifier: GPL-2.0-only
/* live_settings.c - see live_settings.h. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/change/live_settings.h"
#include "user/lab/node.h"
#include "user/net/lookup.h"

/* ---- neighbors ----------------------------------------------------------------------------- */

struct neighbor_reading {
	const struct running *run;
	const struct node *node;
	struct neighbor *list;
	size_t n;
	bool no_memory;
};

/* The name of one of the lab's interfaces in the node; NULL: it is none. */
static const char *name_of(const struct neighbor_reading *reading, uint32_t ifindex)
{
	const struct node *node = reading->node;

	for (size_t i = 0; i < node->n_ends; i++)
		if (running_ifindex(reading->run, node->ends[i]) == ifindex)
			return node->ends[i]->ifname;
	if (node->kind == NODE_BRIDGE && running_bridge_ifindex(reading->run, node) == ifindex)
		return node->bridge.dev;
	return NULL;
}

static bool keep_neighbor(uint32_t ifindex, const struct ip_addr *addr, const uint8_t mac[6],
			  void *arg)
{
	struct neighbor_reading *reading = arg;
	const char *dev = name_of(reading, ifindex);
	struct neighbor *neighbor;

	if (!dev)
		return true;
	if (array_reserve_one(&reading->list, reading->n, sizeof(*reading->list))) {
		reading->no_memory = true;
		return false;
	}
	neighbor = &reading->list[reading->n++];
	*neighbor = (struct neighbor){.addr = *addr, .where = reading->node->where};
	memcpy(neighbor->mac, mac, sizeof(neighbor->mac));
	snprintf(neighbor->dev, sizeof(neighbor->dev), "%s", dev);
	return true;
}

int live_neighbors_read(struct neighbor **list, size_t *n, struct nl *nl, const struct running *run,
			const struct node *node, struct err *err)
{
	struct neighbor_reading reading = {run, node};
	int ret = neighbor_list(nl, keep_neighbor, &reading, err);

	if (!ret && reading.no_memory)
		ret = err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	if (ret) {
		free(reading.list);
		return ret;
	}
	*list = reading.list;
	*n = reading.n;
	return 0;
}

static const struct neighbor *find_neighbor(const struct neighbor *list, size_t n,
					    const struct neighbor *like)
{
	for (size_t i = 0; i < n; i++)
		if (ip_equal(&list[i].addr, &like->addr) && !strcmp(list[i].dev, like->dev))
			return &list[i];
	return NULL;
}

/* Below 1280 bytes of MTU an interface has no IPv6, and so no neighbor; nor has one that is gone.
 */
static bool cannot_be(const struct node *node, const struct neighbor *neighbor)
{
	for (size_t i = 0; i < node->n_ends; i++)
		if (!strcmp(node->ends[i]->ifname, neighbor->dev) &&
		    neighbor->addr.family == AF_INET6 && end_mtu(node->ends[i]) < 1280)
			return true;
	return node_neighbor_is_gone(node, neighbor);
}

int live_neighbors_take(const struct neighbor *list, size_t n, struct node *node, bool extra)
{
	size_t said = 0;

	for (size_t i = 0; i < node->n_neighbors; i++) {
		struct neighbor *neighbor = &node->neighbors[i];
		const struct neighbor *live = find_neighbor(list, n, neighbor);

		if (!live && !cannot_be(node, neighbor))
			continue;
		if (live)
			memcpy(neighbor->mac, live->mac, sizeof(neighbor->mac));
		node->neighbors[said++] = *neighbor;
	}
	node->n_neighbors = said;
	for (size_t i = 0; extra && i < n; i++) {
		if (find_neighbor(node->neighbors, said, &list[i]))
			continue;
		if (array_reserve_one(&node->neighbors, node->n_neighbors, sizeof(*list)))
			return -ENOMEM;
		node->neighbors[node->n_neighbors++] = list[i];
	}
	return 0;
}

/* Whether all its interfaces are the lab's. */
static bool is_by_lab(const struct running *run, const struct node *node, const struct route *route)
{
	struct node_devices devices = {run, node};

	for (size_t i = 0; i < route->n_hops; i++)
		if (!node_device(route->hops[i].dev, &devices))
			return false;
	return true;
}

bool live_compares_route(const struct running *run, const struct node *node,
			 const struct route *route, uint8_t protocol)
{
	return (!route->body || route->body->listable) &&
	       (protocol == RTPROT_BOOT || protocol == RTPROT_STATIC) &&
	       is_by_lab(run, node, route);
}

/* ---- sysctls ------------------------------------------------------------------------------- */

struct sysctls_reading {
	struct live_sysctls *sysctls;
	const struct node *node;
};

/* For netns_run(): -ENOMEM, or 0. */
static int read_sysctls(void *arg)
{
	const struct sysctls_reading *reading = arg;
	struct live_sysctls *sysctls = reading->sysctls;
	int ret = 0;

	for (size_t i = 0; ret != -ENOMEM && i < reading->node->n_sysctls; i++)
		ret = sysctl_get_all(reading->node->sysctls[i].key, &sysctls->values[i]);
	if (ret != -ENOMEM)
		ret = sysctl_get_all(forward_v4.key, &sysctls->forward_v4);
	if (ret != -ENOMEM)
		ret = sysctl_get_all(forward_v6.key, &sysctls->forward_v6);
	return ret == -ENOMEM ? ret : 0;
}

int live_sysctls_read(struct live_sysctls *sysctls, int netns_fd, const struct node *node,
		      struct err *err)
{
	struct sysctls_reading reading = {sysctls, node};
	int ret;

	sysctls->values = calloc(node->n_sysctls + 1, sizeof(*sysctls->values));
	sysctls->n = node->n_sysctls;
	ret = sysctls->values ? netns_run(netns_fd, read_sysctls, &reading, err) : -ENOMEM;
	if (ret == -ENOMEM)
		err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	return ret;
}

/* One word of a value: as text, or as the number that it is. */
static bool same_word(const char *a, size_t a_len, const char *b, size_t b_len)
{
	char x[32], y[32], *x_end, *y_end;
	long long x_number, y_number;

	if (a_len == b_len && !memcmp(a, b, a_len))
		return true;
	if (!a_len || !b_len || a_len >= sizeof(x) || b_len >= sizeof(y))
		return false;
	snprintf(x, sizeof(x), "%.*s", (int)a_len, a);
	snprintf(y, sizeof(y), "%.*s", (int)b_len, b);
	x_number = strtoll(x, &x_end, 0);
	y_number = strtoll(y, &y_end, 0);
	return !*x_end && !*y_end && x_number == y_number;
}

/* The kernel separates words by tabs, and writes numbers in its own way. */
static bool same_value(const char *said, const char *live)
{
	static const char space[] = " \t\n";

	for (;;) {
		size_t a, b;

		said += strspn(said, space);
		live += strspn(live, space);
		a = strcspn(said, space);
		b = strcspn(live, space);
		if (!same_word(said, a, live, b))
			return false;
		if (!a)
			return true;
		said += a;
		live += b;
	}
}

static bool says(const struct node *node, const char *key)
{
	for (size_t i = 0; i < node->n_sysctls; i++)
		if (!strcmp(node->sysctls[i].key, key))
			return true;
	return false;
}

static bool take_forwarding(const char *live, bool said, bool extra)
{
	if (!live || (!said && !extra))
		return said;
	return strcmp(live, "0") != 0;
}

void live_sysctls_take(struct live_sysctls *sysctls, struct node *node, bool extra)
{
	for (size_t i = 0; i < node->n_sysctls; i++) {
		struct sysctl *sysctl = &node->sysctls[i];

		if (!sysctls->values[i] || same_value(sysctl->value, sysctls->values[i]))
			continue;
		free(sysctl->value);
		sysctl->value = cleanup_take(sysctls->values[i]);
		for (char *c = sysctl->value; *c; c++)
			*c = *c == '\t' ? ' ' : *c;
	}
	/* A namespace that keeps inherited settings may have forwarded from the beginning. */
	extra &= !node->inherits;
	if (!says(node, forward_v4.key) && !says(node, "net.ipv4.conf.all.forwarding"))
		node->forward_v4 = take_forwarding(sysctls->forward_v4, node->forward_v4, extra);
	if (!says(node, forward_v6.key))
		node->forward_v6 = take_forwarding(sysctls->forward_v6, node->forward_v6, extra);
}

void live_sysctls_free(struct live_sysctls *sysctls)
{
	for (size_t i = 0; sysctls->values && i < sysctls->n; i++)
		free(sysctls->values[i]);
	free(sysctls->forward_v4);
	free(sysctls->forward_v6);
	free(sysctls->values);
}
