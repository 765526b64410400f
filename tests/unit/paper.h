/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * paper.h - a network stack on paper: where packets would go by a lab's addresses and routes. A
 * walk that fails is a test that fails.
 */
#ifndef VETHLAB_TESTS_UNIT_PAPER_H
#define VETHLAB_TESTS_UNIT_PAPER_H

#include "topology/shapes.h"
#include "topology/model.h"
#include "topology/segments.h"

/* A generated lab, which has no findings, not even warnings: to free with lab_free(). */
struct lab *paper_generate_with(const struct shape_options *options);
/* The same of a kind by name, with both families. */
struct lab *paper_generate(const char *kind, unsigned a, unsigned b, unsigned c, bool routes);
/* The route that a node would take, and the length of its prefix; NULL: none. */
const struct route *paper_look_up(const struct node *node, const struct ip_addr *addr, int *len);
/* From every node to addr, by every branch of multipath routes. Returns how many walks were done.
 */
size_t paper_walk_all(const struct lab *lab, const struct segments *segments,
		      const struct ip_addr *addr);
/* Every node to every step-th address of interfaces and lo. */
size_t paper_check_reach(const struct lab *lab, size_t step);
/* Every node to the addresses at the other ends of its links, by that link. Returns how many. */
size_t paper_check_links(const struct lab *lab);

#endif
