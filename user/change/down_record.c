// SPDX-License-Identifier: GPL-2.0-only
/* down_record.c - see down_record.h. */
#include <errno.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/change/down_record.h"
#include "user/change/live_settings.h"
#include "user/lab/node.h"

#define ADDED	  "added "
#define NEXTHOP	  "nexthop "
#define RTNETLINK "rtnetlink "

enum { WORD_SIZE = 64, HOPS_MAX = 64 };

void down_record_free(struct down_record *record)
{
	for (size_t i = 0; i < record->n_routes; i++)
		route_clear(&record->routes[i].route);
	down_objects_free(&record->objects);
	free(record->routes);
	free(record->neighbors);
	free(record->addresses);
	*record = (struct down_record){0};
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
}

static int add_address(struct down_record *record, const struct ip_prefix *prefix)
{
	if (array_reserve_one(&record->addresses, record->n_addresses, sizeof(struct address)))
		return -ENOMEM;
	record->addresses[record->n_addresses++] = (struct address){.prefix = *prefix};
	return 0;
}

static int add_neighbor(struct down_record *record, const struct neighbor *neighbor)
{
	if (array_reserve_one(&record->neighbors, record->n_neighbors, sizeof(*neighbor)))
		return -ENOMEM;
	record->neighbors[record->n_neighbors++] = *neighbor;
	return 0;
}

/* Copies the route. */
static int add_route(struct down_record *record, const struct route *route, uint8_t protocol)
{
	struct down_route copy = {.protocol = protocol};

	if (array_reserve_one(&record->routes, record->n_routes, sizeof(copy)) ||
	    route_copy(&copy.route, route))
		return -ENOMEM;
	record->routes[record->n_routes++] = copy;
	return 0;
}

/* ---- what the kernel has ------------------------------------------------------------------- */

struct down_reading {
	struct down_record *record;
	const struct running *run;
	const struct end *end;
	enum down_cause cause;
	const struct down_objects *also;
	bool no_memory;
};

static bool on_address(uint32_t ifindex, const struct ip_prefix *prefix, bool is_given, void *arg)
{
	struct down_reading *reading = arg;
	const struct end *end = reading->end;

	/* IPv4 addresses stay. */
	if (prefix->addr.family == AF_INET6 && ifindex == running_ifindex(reading->run, end) &&
	    (is_given || node_lists_address(end->addresses, end->n_addresses, prefix)))
		reading->no_memory |= add_address(reading->record, prefix) != 0;
	return !reading->no_memory;
}

static void name_device(uint32_t ifindex, char dev[IFNAME_MAX + 1], void *arg)
{
	const struct down_reading *reading = arg;
	const struct node *node = reading->end->node;

	dev[0] = '\0';
	for (size_t i = 0; i < node->n_ends; i++)
		if (running_ifindex(reading->run, node->ends[i]) == ifindex)
			snprintf(dev, IFNAME_MAX + 1, "%s", node->ends[i]->ifname);
	if (node->kind == NODE_BRIDGE && running_bridge_ifindex(reading->run, node) == ifindex)
		snprintf(dev, IFNAME_MAX + 1, "%s", node->bridge.dev);
}

static bool on_route(const struct route *route, uint8_t protocol, void *arg)
{
	struct down_reading *reading = arg;
	bool by_end = false;

	/* A router tells its routes again, and the kernel makes its own again. */
	if (protocol == RTPROT_KERNEL || protocol == RTPROT_RA || protocol == RTPROT_REDIRECT)
		return true;
	if (route->body &&
	    route->body->object) /* whose hops may be left out (nexthop_compat_mode) */
		by_end = down_objects_have(&reading->record->objects, route->body->object) ||
			 (reading->also && down_objects_have(reading->also, route->body->object));
	else if (reading->cause == DOWN_BY_CARRIER)
		return true;
	for (size_t i = 0; i < route->n_hops && !by_end; i++) {
		if (!route->hops[i].dev[0])
			return true;
		by_end |= !strcmp(route->hops[i].dev, reading->end->ifname);
	}
	if (by_end)
		reading->no_memory |= add_route(reading->record, route, protocol) != 0;
	return !reading->no_memory;
}

int down_record_read(struct down_record *record, struct nl *nl, const struct running *run,
		     const struct end *end, enum down_cause cause, const struct down_objects *also,
		     struct err *err)
{
	struct down_reading reading = {record, run, end, cause, also};
	cleanup_free struct neighbor *neighbors = NULL;
	size_t n = 0;
	int ret = down_objects_read(&record->objects, nl, running_ifindex(run, end), err);

	if (ret || (cause == DOWN_BY_CARRIER && !record->objects.n && !also))
		return ret;
	ret = route_list(nl, true, name_device, on_route, &reading, err);
	if (ret)
		return ret;
	if (cause == DOWN_BY_CARRIER)
		return reading.no_memory ? no_memory(err) : 0;
	ret = address_list_given(nl, on_address, &reading, err);
	if (ret)
		return ret;
	ret = live_neighbors_read(&neighbors, &n, nl, run, end->node, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(neighbors[i].dev, end->ifname))
			reading.no_memory |= add_neighbor(record, &neighbors[i]) != 0;
	return reading.no_memory ? no_memory(err) : 0;
}

/* ---- the difference ------------------------------------------------------------------------ */

static bool same_hops(const struct route *a, const struct route *b)
{
	if (a->kind != b->kind || !a->body != !b->body ||
	    (a->body && strcmp(a->body->words, b->body->words) != 0))
		return false;
	if (a->body && a->body->object) /* a group has more or less of them since */
		return true;
	if (a->n_hops != b->n_hops)
		return false;
	for (size_t i = 0; i < a->n_hops; i++)
		if (!ip_equal(&a->hops[i].via, &b->hops[i].via) ||
		    strcmp(a->hops[i].dev, b->hops[i].dev) != 0)
			return false;
	return true;
}

static bool has_address(const struct down_record *record, const struct address *address)
{
	for (size_t i = 0; i < record->n_addresses; i++)
		if (ip_equal(&record->addresses[i].prefix.addr, &address->prefix.addr))
			return true;
	return false;
}

static bool has_neighbor(const struct down_record *record, const struct neighbor *neighbor)
{
	for (size_t i = 0; i < record->n_neighbors; i++)
		if (ip_equal(&record->neighbors[i].addr, &neighbor->addr))
			return true;
	return false;
}

static bool has_route(const struct down_record *record, const struct route *route)
{
	for (size_t i = 0; i < record->n_routes; i++) {
		const struct route *other = &record->routes[i].route;

		if (other->to.len == route->to.len && ip_equal(&other->to.addr, &route->to.addr) &&
		    other->metric == route->metric && same_hops(other, route))
			return true;
	}
	return false;
}

void down_record_subtract(struct down_record *record, const struct down_record *left)
{
	size_t n = 0;

	for (size_t i = 0; i < record->n_addresses; i++)
		if (!has_address(left, &record->addresses[i]))
			record->addresses[n++] = record->addresses[i];
	record->n_addresses = n;
	n = 0;
	for (size_t i = 0; i < record->n_neighbors; i++)
		if (!has_neighbor(left, &record->neighbors[i]))
			record->neighbors[n++] = record->neighbors[i];
	record->n_neighbors = n;
	n = 0;
	for (size_t i = 0; i < record->n_routes; i++) {
		if (has_route(left, &record->routes[i].route))
			route_clear(&record->routes[i].route);
		else
			record->routes[n++] = record->routes[i];
	}
	record->n_routes = n;
	down_objects_subtract(&record->objects, &left->objects);
}

/* ---- its file ------------------------------------------------------------------------------ */

static void record_path(const char *lab, uint32_t number, enum down_cause cause,
			char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, LAB_DIR "/%s/down-%u%s", lab, number,
		 cause == DOWN_BY_CARRIER ? ".carrier" : "");
}

/* Whether the lab file has it, or another one in its place. */
static bool file_has_neighbor(const struct end *end, const struct neighbor *neighbor)
{
	for (size_t i = 0; i < end->node->n_neighbors; i++)
		if (!strcmp(end->node->neighbors[i].dev, end->ifname) &&
		    ip_equal(&end->node->neighbors[i].addr, &neighbor->addr))
			return true;
	return false;
}

static bool file_has_route(const struct end *end, const struct route *route)
{
	uint32_t by_default = route->to.addr.family == AF_INET6 ? ROUTE_METRIC_V6 : 0;

	for (size_t i = 0; i < end->node->n_routes && !(route->body && route->body->apart); i++) {
		const struct route *said = &end->node->routes[i];

		if (said->to.len == route->to.len && ip_equal(&said->to.addr, &route->to.addr) &&
		    (said->metric ? said->metric : by_default) == route->metric)
			return true;
	}
	return false;
}

static const char *mark(bool in_file)
{
	return in_file ? "" : ADDED;
}

static void write_route(const struct down_route *down, FILE *f)
{
	const struct route *route = &down->route;
	char text[IP_TEXT_SIZE];

	if (route->body) {
		fputs(RTNETLINK, f);
		for (size_t i = 0; i < route->body->size; i++)
			fprintf(f, "%02x", route->body->bytes[i]);
		fputc('\n', f);
		return;
	}
	fprintf(f, "route %s %d %u %u", ip_prefix_format(&route->to, text, sizeof(text)),
		route->kind, route->metric, down->protocol);
	for (size_t i = 0; i < route->n_hops; i++)
		fprintf(f, " %s %s %u",
			route->hops[i].via.family
				? ip_format(&route->hops[i].via, text, sizeof(text))
				: "-",
			route->hops[i].dev, route->hops[i].weight);
	fputc('\n', f);
}

/* A line each, with "added" before what the lab file does not have: address PREFIX; neighbor
 * ADDRESS MAC; route PREFIX KIND METRIC PROTOCOL [VIA DEV WEIGHT]...; rtnetlink BYTES: a route that
 * has a body, in hexadecimal; nexthop BYTES likewise. */
static void write_record(const struct down_record *record, const struct end *end, FILE *f)
{
	char text[IP_TEXT_SIZE], mac[18];

	for (size_t i = 0; i < record->n_addresses; i++)
		fprintf(f, "%saddress %s\n",
			mark(node_lists_address(end->addresses, end->n_addresses,
						&record->addresses[i].prefix)),
			ip_prefix_format(&record->addresses[i].prefix, text, sizeof(text)));
	for (size_t i = 0; i < record->n_neighbors; i++)
		fprintf(f, "%sneighbor %s %s\n",
			mark(file_has_neighbor(end, &record->neighbors[i])),
			ip_format(&record->neighbors[i].addr, text, sizeof(text)),
			mac_format(record->neighbors[i].mac, mac));
	for (size_t i = 0; i < record->n_routes; i++) {
		fputs(mark(file_has_route(end, &record->routes[i].route)), f);
		write_route(&record->routes[i], f);
	}
	down_objects_write(&record->objects, ADDED NEXTHOP, f);
}

int down_record_save(const struct down_record *record, const struct down_record *more,
		     const struct running *run, const struct end *end, enum down_cause cause,
		     struct err *err)
{
	char path[PATH_MAX], temporary[PATH_MAX + sizeof(".new")];
	int error = 0;
	FILE *f;

	record_path(run->name, end->number, cause, path);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	if (cause == DOWN_BY_CARRIER && down_record_is_empty(record) &&
	    (!more || down_record_is_empty(more))) {
		unlink(path);
		return 0;
	}
	f = fopen(temporary, "we");
	if (f) {
		write_record(record, end, f);
		if (more)
			write_record(more, end, f);
		if (fflush(f) || ferror(f))
			error = errno;
		fclose(f);
	}
	if (!f || error || rename(temporary, path)) {
		error = error ?: errno;
		unlink(temporary);
		return err_set(err, err_code_of(error), error, "cannot write %s: %s", path,
			       strerror(error));
	}
	return 0;
}

static int read_hops(struct route *route, const char *rest)
{
	char via[WORD_SIZE], dev[IFNAME_MAX + 1];
	unsigned weight;
	int used;

	for (; route->n_hops < HOPS_MAX &&
	       sscanf(rest, " %63s %15s %u%n", via, dev, &weight, &used) == 3;
	     rest += used) {
		struct nexthop *hop = &route->hops[route->n_hops++];

		*hop = (struct nexthop){.weight = weight};
		snprintf(hop->dev, sizeof(hop->dev), "%s", dev);
		if (strcmp(via, "-") != 0 && !ip_parse(via, &hop->via))
			return -EINVAL;
	}
	return rest[strspn(rest, " \n")] ? -EINVAL : 0;
}

static bool keep_route(const struct route *route, uint8_t protocol, void *arg)
{
	struct down_reading *reading = arg;

	reading->no_memory |= add_route(reading->record, route, protocol) != 0;
	return false;
}

/* NULL: out of memory. */
static unsigned char *read_hex(const char *hex, size_t *size)
{
	unsigned char *bytes;

	*size = strspn(hex, "0123456789abcdef") / 2;
	bytes = malloc(*size + 1);
	for (size_t i = 0; bytes && i < *size; i++)
		sscanf(hex + 2 * i, "%2hhx", &bytes[i]);
	return bytes;
}

/* A route that has a body. */
static int read_body(struct down_reading *reading, const char *hex)
{
	size_t n = reading->record->n_routes, size;
	cleanup_free unsigned char *body = read_hex(hex, &size);
	int ret;

	if (!body)
		return -ENOMEM;
	ret = route_read(body, size, name_device, keep_route, reading);
	if (ret || reading->no_memory)
		return ret ? ret : -ENOMEM;
	return reading->record->n_routes > n ? 0 : -EINVAL;
}

static int read_object(struct down_record *record, const char *hex)
{
	size_t size;
	unsigned char *bytes = read_hex(hex, &size);

	return bytes ? down_objects_append(&record->objects, bytes, size) : -ENOMEM;
}

static int read_line(struct down_reading *reading, const char *line)
{
	struct down_record *record = reading->record;
	const struct end *end = reading->end;
	char first[WORD_SIZE], mac[WORD_SIZE];
	struct nexthop hops[HOPS_MAX];
	struct route route = {.hops = hops};
	struct neighbor neighbor = {0};
	struct ip_prefix prefix;
	unsigned kind, protocol;
	int used;

	if (sscanf(line, "address %63s", first) == 1)
		return ip_prefix_parse(first, &prefix) ? add_address(record, &prefix) : -EINVAL;
	if (sscanf(line, "neighbor %63s %63s", first, mac) == 2) {
		snprintf(neighbor.dev, sizeof(neighbor.dev), "%s", end->ifname);
		return ip_parse(first, &neighbor.addr) && mac_parse(mac, neighbor.mac)
			       ? add_neighbor(record, &neighbor)
			       : -EINVAL;
	}
	if (!strncmp(line, RTNETLINK, strlen(RTNETLINK)))
		return read_body(reading, line + strlen(RTNETLINK));
	if (!strncmp(line, NEXTHOP, strlen(NEXTHOP)))
		return read_object(record, line + strlen(NEXTHOP));
	if (sscanf(line, "route %63s %u %u %u%n", first, &kind, &route.metric, &protocol, &used) !=
		    4 ||
	    !ip_prefix_parse(first, &route.to) || kind > ROUTE_PROHIBIT || protocol > UINT8_MAX ||
	    read_hops(&route, line + used))
		return -EINVAL;
	route.kind = kind;
	return add_route(record, &route, protocol);
}

static void keep_uncompared(struct down_record *record, const struct running *run,
			    const struct node *node)
{
	size_t n = 0;

	record->n_addresses = record->n_neighbors = 0;
	for (size_t i = 0; i < record->n_routes; i++) {
		struct down_route *down = &record->routes[i];

		if (live_compares_route(run, node, &down->route, down->protocol))
			route_clear(&down->route);
		else
			record->routes[n++] = *down;
	}
	record->n_routes = n;
}

int down_record_load(struct down_record *record, const struct running *run, const struct end *end,
		     enum down_cause cause, enum down_part part, struct err *err)
{
	struct down_reading reading = {record, run, end};
	cleanup_free char *line = NULL;
	char path[PATH_MAX];
	size_t size = 0;
	int ret = 0;
	FILE *f;

	record_path(run->name, end->number, cause, path);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ENOENT
				       : err_set(err, err_code_of(errno), errno,
						 "cannot read %s: %s", path, strerror(errno));
	while (!ret && getline(&line, &size, f) > 0) {
		bool added = !strncmp(line, ADDED, strlen(ADDED));

		if (added || part == DOWN_ALL)
			ret = read_line(&reading, line + (added ? strlen(ADDED) : 0));
	}
	fclose(f);
	if (ret == -ENOMEM)
		return no_memory(err);
	if (part == DOWN_UNCOMPARED)
		keep_uncompared(record, run, end->node);
	return ret ? err_set(err, ERR_FAILED, EINVAL, "%s is damaged: %.80s", path, line) : 0;
}

void down_record_forget(const char *lab, uint32_t number, enum down_cause cause)
{
	char path[PATH_MAX];

	record_path(lab, number, cause, path);
	unlink(path);
}
