// SPDX-License-Identifier: GPL-2.0-only
/* observed.c - see observed.h. */
#include "topology/observed.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "topology/ip.h"
#include "user/base/array.h"

/* ---- pairs --------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
	const struct discovered_end *x = *(const struct discovered_end *const *)a;
	const struct discovered_end *y = *(const struct discovered_end *const *)b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return x->netns < y->netns ? -1 : x->netns > y->netns;
}

static bool has_lower_ifindex(const void *element, const void *key)
{
	const struct discovered_end *const *end = element;
	const uint32_t *ifindex = key;

	return (*end)->ifindex < *ifindex;
}

/* The first of the sorted ends with an ifindex, or the one behind the last. */
static size_t first_with(const struct discovered_end *const *sorted, size_t n, uint32_t ifindex)
{
	return array_lower_bound(sorted, n, sizeof(*sorted), &ifindex, has_lower_ifindex);
}

struct pairing {
	const struct discovered_end **sorted;
	size_t n;
	int32_t (*nsid)(unsigned in, unsigned of, void *arg);
	void *arg;
};

/*
 * Several namespaces may have an end with that ifindex, whose peer has this one's: the name that
 * the namespace has for its peer's tells which it is.
 */
static const struct discovered_end *peer_of(const struct pairing *pairing,
					    const struct discovered_end *end)
{
	size_t i = first_with(pairing->sorted, pairing->n, end->peer_ifindex);

	for (; i < pairing->n && pairing->sorted[i]->ifindex == end->peer_ifindex; i++) {
		const struct discovered_end *other = pairing->sorted[i];
		bool here = other->netns == end->netns;

		if (other == end || other->peer_ifindex != end->ifindex ||
		    here != (end->peer_nsid == SEEN_HERE))
			continue;
		if (here || pairing->nsid(end->netns, other->netns, pairing->arg) == end->peer_nsid)
			return other;
	}
	return NULL;
}

int observed_pair(const struct discovered_end *ends, size_t n,
		  int32_t (*nsid)(unsigned in, unsigned of, void *arg), void *arg,
		  struct discovered_link **links, size_t *n_links)
{
	struct pairing pairing = {calloc(n + 1, sizeof(*pairing.sorted)), n, nsid, arg};
	struct discovered_link *list = calloc(n + 1, sizeof(*list));
	bool *done = calloc(n + 1, sizeof(*done));
	size_t found = 0;
	int ret = pairing.sorted && list && done ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < n; i++)
		pairing.sorted[i] = &ends[i];
	if (!ret)
		qsort(pairing.sorted, n, sizeof(*pairing.sorted), by_place);
	for (size_t i = 0; !ret && i < n; i++) {
		const struct discovered_end *peer = done[i] ? NULL : peer_of(&pairing, &ends[i]);

		if (done[i])
			continue;
		if (peer)
			done[peer - ends] = true;
		list[found++] = (struct discovered_link){{&ends[i], peer}};
	}
	free(pairing.sorted);
	free(done);
	if (ret) {
		free(list);
		return ret;
	}
	*links = list;
	*n_links = found;
	return 0;
}

/* ---- names --------------------------------------------------------------------------------- */

void observed_node_name(const char *raw, char name[NODE_NAME_MAX + 1])
{
	size_t n = 0;

	while (*raw == '-' || *raw == '.')
		raw++;
	for (; *raw && n < NODE_NAME_MAX; raw++) {
		bool good = isascii((unsigned char)*raw) &&
			    (isalnum((unsigned char)*raw) || strchr("._-", *raw));

		name[n++] = good ? *raw : '-';
	}
	while (n && name[n - 1] == '-')
		n--;
	name[n] = '\0';
	if (!n || name[0] == '-')
		strcpy(name, "netns");
}

void observed_distinct(char name[NODE_NAME_MAX + 1], bool (*taken)(const char *name, void *arg),
		       void *arg)
{
	char base[NODE_NAME_MAX + 1], suffix[16];

	strcpy(base, name);
	for (unsigned i = 2; taken(name, arg); i++) {
		int n = snprintf(suffix, sizeof(suffix), "-%u", i);

		snprintf(name, NODE_NAME_MAX + 1, "%.*s%s", NODE_NAME_MAX - n, base, suffix);
	}
}

bool observed_is_drawn(const char *raw)
{
	static const char uuid[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t len = strlen(raw), i;
	const char *tail;

	if (len < sizeof(uuid) - 1)
		return false;
	tail = raw + len - (sizeof(uuid) - 1);
	if (tail > raw && tail[-1] != '-')
		return false;
	for (i = 0; uuid[i]; i++)
		if (uuid[i] == 'x' ? !isxdigit((unsigned char)tail[i]) : tail[i] != '-')
			return false;
	return true;
}

const char *observed_ifname_problem(const char *ifname)
{
	if (strchr(ifname, '$'))
		return "a lab file would take '$' for a variable";
	return ifname_problem(ifname);
}

/* ---- the lab file -------------------------------------------------------------------------- */

/* Quoted so that nothing in it means anything. */
static void write_text(FILE *f, const char *text)
{
	fputc('\'', f);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', f);
		fputc(*text, f);
	}
	fputc('\'', f);
}

/* The addresses of one interface, or (UINT32_MAX) of all that are no end. */
struct wanted {
	const struct observed *observed;
	unsigned node;
	uint32_t ifindex;
};

static bool is_end(const struct observed *observed, unsigned node, uint32_t ifindex)
{
	for (size_t i = 0; i < observed->n_links; i++)
		for (int side = 0; side < 2; side++)
			if (observed->links[i].nodes[side] == node &&
			    observed->links[i].ifindexes[side] == ifindex)
				return true;
	return false;
}

/* Whether the lab file can have it: link-local ones come and go by themselves, and say little. */
static bool is_telling(const struct ip_prefix *prefix)
{
	return prefix->len && !ip_problem(&prefix->addr) && !ip_is_link_local(&prefix->addr);
}

/* Whether the same address of that namespace stands before it in the list. */
static bool is_second(const struct observed *observed, size_t at)
{
	const struct discovered_address *address = &observed->addresses[at];

	for (size_t i = 0; i < at; i++)
		if (observed->addresses[i].netns == address->netns &&
		    ip_equal(&observed->addresses[i].prefix.addr, &address->prefix.addr))
			return true;
	return false;
}

/* ", KEY: [...]", or nothing. */
static bool write_addresses(FILE *f, const struct wanted *wanted, const char *before)
{
	const struct observed *observed = wanted->observed;
	unsigned netns = observed->nodes[wanted->node].netns;
	char text[IP_TEXT_SIZE];
	bool any = false;

	for (size_t i = 0; i < observed->n_addresses; i++) {
		const struct discovered_address *address = &observed->addresses[i];

		if (address->netns != netns || !is_telling(&address->prefix) ||
		    (wanted->ifindex == UINT32_MAX
			     ? is_end(observed, wanted->node, address->ifindex)
			     : wanted->ifindex != address->ifindex) ||
		    is_second(observed, i))
			continue;
		fprintf(f, "%s'%s'", any ? ", " : before,
			ip_prefix_format(&address->prefix, text, sizeof(text)));
		any = true;
	}
	if (any)
		fputc(']', f);
	return any;
}

static void write_node(FILE *f, const struct observed *observed, unsigned i)
{
	const struct observed_node *node = &observed->nodes[i];
	struct wanted wanted = {observed, i, UINT32_MAX};

	fputs("  ", f);
	write_text(f, node->name);
	fputs(": {", f);
	if (node->kind == NETNS_HOST)
		fputs("netns: host", f);
	else if (node->kind == NETNS_PID)
		fprintf(f, "pid: %d", node->pid);
	else if (node->kind == NETNS_PATH)
		fputs("netns: ", f);
	if (node->kind == NETNS_PATH)
		write_text(f, node->path);
	if (node->kind != NETNS_NEW && write_addresses(f, &wanted, ", lo: {addresses: ["))
		fputc('}', f);
	fputs("}\n", f);
}

static void write_end(FILE *f, const struct observed *observed, const struct observed_link *link,
		      int side)
{
	char name[END_NAME_SIZE];
	struct wanted wanted = {observed, link->nodes[side], link->ifindexes[side]};

	snprintf(name, sizeof(name), "%s:%s", observed->nodes[link->nodes[side]].name,
		 link->ifnames[side]);
	fputs("      - {end: ", f);
	write_text(f, name);
	write_addresses(f, &wanted, ", addresses: [");
	fputs("}\n", f);
}

void observed_write(FILE *f, const struct observed *observed)
{
	fprintf(f,
		"# Links that vethlab found and did not build: as they were when they were seen.\n"
		"lab: %s\n\nnodes:\n",
		observed->name);
	for (size_t i = 0; i < observed->n_nodes; i++)
		write_node(f, observed, i);
	if (observed->n_links)
		fputs("\nlinks:\n", f);
	for (size_t i = 0; i < observed->n_links; i++) {
		fputs("  - endpoints:\n", f);
		write_end(f, observed, &observed->links[i], 0);
		write_end(f, observed, &observed->links[i], 1);
	}
}
