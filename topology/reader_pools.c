// SPDX-License-Identifier: GPL-2.0-only
/* reader_pools.c - `pools:` of a lab file: what `addresses: auto` takes from. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "topology/ip.h"
#include "topology/reader_sections.h"
#include "topology/reader_values.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* Subnet lengths: hosts for two ends at least, and for v6 nothing shorter than a /64. */
static const struct {
	uint8_t family, least, most, normal;
	const char *example;
} families[2] = {
	{AF_INET, 1, 31, 30, "a network of IPv4, like 10.0.0.0/8"},
	{AF_INET6, 64, 127, 64, "a network of IPv6, like fd00::/48"},
};

static void read_prefix(struct reader *r, const struct yaml *value, void *object)
{
	struct address_pool *pool = object;
	struct ip_prefix prefix, network;
	char hint[IP_TEXT_SIZE + 16] = "write ";

	if (!reader_prefix(r, value, &prefix))
		return;
	network = ip_network(&prefix);
	ip_prefix_format(&network, hint + 6, sizeof(hint) - 6);
	if (!ip_equal(&network.addr, &prefix.addr))
		reader_error(r, value, hint, "a pool is a network, not an address in it");
	else if (ip_problem(&prefix.addr))
		reader_error(r, value, NULL, "the pool cannot be used: %s",
			     ip_problem(&prefix.addr));
	else
		pool->prefix = prefix;
}

/* `v4: 10.0.0.0/8`, or {prefix: 10.0.0.0/8, subnet: 31}. */
static void read_pool(struct reader *r, const struct yaml *value, int which)
{
	static const struct key keys[] = {
		{"prefix", .read = read_prefix},
		{"subnet", key_number, offsetof(struct address_pool, subnet), .least = 1,
		 .most = 127},
	};
	struct address_pool pool = {.subnet = families[which].normal,
				    .where = reader_where(r, value)};
	size_t errors = r->errors;

	if (value->kind == YAML_SCALAR && !yaml_is_null(value))
		read_prefix(r, value, &pool);
	else
		reader_map(r, value, keys, ARRAY_SIZE(keys), &pool, "a pool");
	if (r->errors != errors)
		return;
	if (pool.prefix.addr.family != families[which].family)
		reader_bad(r, value, families[which].example, NULL);
	else if (pool.subnet < families[which].least || pool.subnet > families[which].most ||
		 pool.subnet < pool.prefix.len)
		reader_error(r, value, NULL, "a subnet of this pool has a length from %u to %u",
			     pool.prefix.len > families[which].least ? pool.prefix.len
								     : families[which].least,
			     families[which].most);
	else
		r->plan.pools[which] = pool;
}

static void read_v4(struct reader *r, const struct yaml *value, void *object)
{
	(void)object;
	read_pool(r, value, 0);
}

static void read_v6(struct reader *r, const struct yaml *value, void *object)
{
	(void)object;
	read_pool(r, value, 1);
}

void reader_pools(struct reader *r, const struct yaml *value, void *object)
{
	static const struct key keys[] = {
		{"v4", .read = read_v4},
		{"v6", .read = read_v6},
	};

	/* What is not named is not wanted. */
	memset(r->plan.pools, 0, sizeof(r->plan.pools));
	reader_map(r, value, keys, ARRAY_SIZE(keys), object, "`pools`");
}
