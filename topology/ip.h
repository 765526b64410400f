/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ip.h - arithmetic on addresses and prefixes, for the topology room. Parsing and formatting are
 * in model.h, since every room needs them. Lengths are in bits, bytes in network order.
 */
#ifndef VETHLAB_TOPOLOGY_IP_H
#define VETHLAB_TOPOLOGY_IP_H

#include "topology/model.h"

/* Bits of an address: 32 or 128. */
unsigned ip_bits(uint8_t family);
/* Order by family, then by bytes: as memcmp. */
int ip_compare(const struct ip_addr *a, const struct ip_addr *b);
/* The prefix with its host bits cleared. */
struct ip_prefix ip_network(const struct ip_prefix *prefix);
/* Whether two prefixes share an address. */
bool ip_prefix_overlap(const struct ip_prefix *a, const struct ip_prefix *b);
/* Add n << shift to an address; false if it wraps around. */
bool ip_add(struct ip_addr *addr, uint64_t n, unsigned shift);
/* Why an interface cannot have this address, as words behind "10.0.0.0:"; NULL: it can. */
const char *ip_problem(const struct ip_addr *addr);
/* In fe80::/10. */
bool ip_is_link_local(const struct ip_addr *addr);

#endif
