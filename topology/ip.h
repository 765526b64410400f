/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ip.h - IPv4 and IPv6 addresses, prefixes and MAC addresses: text to bytes and back, comparison,
 * arithmetic. Pure. Bytes are in network order, lengths in bits.
 */
#ifndef VETHLAB_TOPOLOGY_IP_H
#define VETHLAB_TOPOLOGY_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address; one of IPv4 is in the first four bytes. family 0: none. */
struct ip_addr {
	uint8_t family; /* AF_INET, AF_INET6 or 0 */
	uint8_t bytes[16];
};

struct ip_prefix {
	struct ip_addr addr; /* with its host bits: it may be an interface address */
	uint8_t len;
};

/* ---- text ---------------------------------------------------------------------------------- */

/* Room for any address or prefix as text, and the final zero. */
enum { IP_TEXT_SIZE = 46 + 4 };

/* False: text is not exactly one address, which stays untouched. */
bool ip_parse(const char *text, struct ip_addr *addr);
bool ip_prefix_parse(const char *text, struct ip_prefix *prefix); /* needs the /length */
bool mac_parse(const char *text, uint8_t mac[6]);		  /* 02:00:00:00:00:01 */
/* Return buf. "-" stands for an address of no family. */
const char *ip_format(const struct ip_addr *addr, char *buf, size_t size);
const char *ip_prefix_format(const struct ip_prefix *prefix, char *buf, size_t size);
const char *mac_format(const uint8_t mac[6], char buf[18]);

/* ---- arithmetic ---------------------------------------------------------------------------- */

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b);
/* Order by family, then by bytes: less than, equal to or greater than 0. */
int ip_compare(const struct ip_addr *a, const struct ip_addr *b);
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr);
/* Whether an address is in both. */
bool ip_prefix_overlap(const struct ip_prefix *a, const struct ip_prefix *b);
/* Bits of an address of the family: 32 or 128. */
unsigned ip_bits(uint8_t family);
/* The prefix with its host bits cleared. */
struct ip_prefix ip_network(const struct ip_prefix *prefix);
/* Add n << shift to an address; false if it wraps around. */
bool ip_add(struct ip_addr *addr, uint64_t n, unsigned shift);
/* Whether the address is in fe80::/10. */
bool ip_is_link_local(const struct ip_addr *addr);
/* Why an interface cannot have the address, as words behind "10.0.0.0: "; NULL: it can. */
const char *ip_problem(const struct ip_addr *addr);

#endif
