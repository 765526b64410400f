// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_reach.c - properties of planned addresses and computed routes: whatever the shape of a lab,
 * every node reaches every address, by every branch of every multipath route.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/findings.h"
#include "tests/unit/paper.h"
#include "topology/reader_walk.h"

/* ---- generated shapes ---------------------------------------------------------------------- */

static const struct {
	const char *kind;
	unsigned sizes[3];
	size_t nodes, links;
	size_t step; /* of addresses to try: 1 is all */
} shapes[] = {
	{"chain", {2}, 2, 1, 1},	  {"chain", {3}, 3, 2, 1},
	{"chain", {60}, 60, 59, 1},	  {"chain", {1000}, 1000, 999, 97},
	{"ring", {3}, 3, 3, 1},		  {"ring", {4}, 4, 4, 1},
	{"ring", {61}, 61, 61, 1},	  {"star", {1}, 2, 1, 1},
	{"star", {50}, 51, 50, 1},	  {"tree", {1, 2}, 3, 2, 1},
	{"tree", {4, 3}, 121, 120, 1},	  {"mesh", {2}, 2, 1, 1},
	{"grid", {1, 2}, 2, 1, 1},	  {"grid", {5, 7}, 35, 58, 1},
	{"grid", {12, 12}, 144, 264, 7},  {"clos", {2, 3, 2}, 11, 12, 1},
	{"clos", {8, 16, 4}, 88, 192, 3}, {"fat-tree", {2}, 7, 6, 1},
	{"fat-tree", {4}, 36, 48, 1},	  {"fat-tree", {8}, 208, 384, 11},
	{"chain", {7}, 7, 6, 1},	  {"ring", {5}, 5, 5, 1},
	{"star", {3}, 4, 3, 1},		  {"tree", {3, 2}, 15, 14, 1},
	{"tree", {2, 5}, 31, 30, 1},	  {"grid", {3, 3}, 9, 12, 1},
	{"grid", {1, 7}, 7, 6, 1},	  {"clos", {1, 2, 3}, 9, 8, 1},
	{"clos", {3, 5, 1}, 13, 20, 1},	  {"fat-tree", {6}, 99, 162, 5},
};

static void check_shapes(bool routes)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		const unsigned *sizes = shapes[i].sizes;
		struct lab *lab =
			paper_generate(shapes[i].kind, sizes[0], sizes[1], sizes[2], routes);

		assert_int_equal(lab->n_nodes, shapes[i].nodes);
		assert_int_equal(lab->n_links, shapes[i].links);
		assert_true(paper_check_reach(lab, shapes[i].step) >= lab->n_nodes);
		lab_free(lab);
	}
}

static void test_shapes(void **state)
{
	(void)state;
	check_shapes(false);
}

/* The same with the routes written out and read again. */
static void test_shapes_spelled_out(void **state)
{
	(void)state;
	check_shapes(true);
}

/* In a mesh every two nodes have a link of their own, and nobody passes on for others. */
static void test_meshes(void **state)
{
	static const unsigned sizes[] = {2, 3, 5, 8, 13, 40};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(*sizes); i++) {
		size_t n = sizes[i / 2];
		struct lab *lab = paper_generate("mesh", n, 0, 0, i % 2);

		assert_int_equal(lab->n_nodes, n);
		assert_int_equal(lab->n_links, n * (n - 1) / 2);
		/* From each to each other one, by IPv4 and by IPv6. */
		assert_int_equal(paper_check_links(lab), n * (n - 1) * 2);
		for (size_t j = 0; j < n; j++)
			assert_int_equal(lab->nodes[j]->n_routes, 0);
		lab_free(lab);
	}
}

/* A number below n, the same on every machine (Numerical Recipes' LCG). */
static unsigned pick(uint32_t *seed, unsigned n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

/* Whatever is asked for: a file without findings, in which everybody reaches everybody. */
static void test_random_sizes(void **state)
{
	static const unsigned more[] = {20, 20, 20, 3, 12, 5, 4, 5}; /* by kind */
	size_t n_kinds = 0;

	(void)state;
	while (generate_kinds[n_kinds].name)
		n_kinds++;
	assert_int_equal(n_kinds, sizeof(more) / sizeof(*more));
	for (uint32_t seed = 1, i = 0; i < 300; i++) {
		size_t kind = i % n_kinds, families;
		struct shape_options options = {.kind = &generate_kinds[kind]};
		struct lab *lab;

		for (size_t j = 0; j < GENERATE_SIZES_MAX && options.kind->sizes[j].name; j++)
			options.sizes[j] = options.kind->sizes[j].least + pick(&seed, more[kind]);
		if (!strcmp(options.kind->name, "fat-tree"))
			options.sizes[0] &= ~1U;
		families = 1 + pick(&seed, 3);
		options.v4 = families & 1;
		options.v6 = families & 2;
		options.routes = pick(&seed, 2);
		lab = paper_generate_with(&options);
		assert_int_equal(paper_check_links(lab),
				 2 * lab->n_links * (options.v4 + options.v6));
		if (strcmp(options.kind->name, "mesh"))
			assert_true(paper_check_reach(lab, 3) >= lab->n_nodes);
		lab_free(lab);
	}
}

/* ---- random graphs ------------------------------------------------------------------------- */

/*
 * A connected lab of routers, leaf hosts and bridges, with links that double others and links that
 * are down, addresses on lo, and pools of any subnet length.
 */
static char *random_lab(uint32_t seed, size_t *size)
{
	unsigned routers = 1 + pick(&seed, 9), hosts = pick(&seed, 6), bridges = pick(&seed, 4);
	char *text = NULL;
	FILE *f = open_memstream(&text, size);

	fprintf(f,
		"lab: random\nrouting: static\npools:\n"
		"  v4: {prefix: 10.0.0.0/12, subnet: %u}\n"
		"  v6: {prefix: 'fd00::/40', subnet: %u}\n"
		"defaults: {links: {addresses: auto}}\nnodes:\n",
		24 + pick(&seed, 8), 64 + pick(&seed, 64));
	for (unsigned i = 0; i < routers; i++) {
		fprintf(f, "  r%u: {forward: both", i);
		if (pick(&seed, 3) == 0)
			fprintf(f, ", lo: {addresses: [192.0.2.%u/32, '2001:db8::%u/128']}", i, i);
		fputs("}\n", f);
	}
	for (unsigned i = 0; i < hosts; i++)
		fprintf(f, "  h%u: {lo: {address: 198.51.100.%u/32}}\n", i, i);
	for (unsigned i = 0; i < bridges; i++)
		fprintf(f, "  b%u: {kind: bridge}\n", i);
	fputs("links:\n", f);
	/* A spanning tree of routers, and more links between any two. */
	for (unsigned i = 1; i < routers; i++)
		fprintf(f, "- {endpoints: [r%u, r%u]}\n", i, pick(&seed, i));
	for (unsigned i = pick(&seed, 8); i > 0; i--)
		fprintf(f, "- {endpoints: [r%u, r%u], up: %s}\n", pick(&seed, routers),
			pick(&seed, routers), pick(&seed, 4) ? "true" : "false");
	for (unsigned i = 0; i < bridges; i++)
		for (unsigned j = 1 + pick(&seed, 4); j > 0; j--)
			fprintf(f, "- {endpoints: [b%u, r%u]}\n", i, pick(&seed, routers));
	/* A host hangs on a router, or on a bridge that has one. */
	for (unsigned i = 0; i < hosts; i++) {
		unsigned at = pick(&seed, routers + bridges);

		if (at < routers)
			fprintf(f, "- {endpoints: [h%u, r%u]}\n", i, at);
		else
			fprintf(f, "- {endpoints: [b%u, h%u]}\n", at - routers, i);
	}
	fclose(f);
	return text;
}

/* Addresses of links that are down belong to nobody that can be reached. */
static void check_reach_up(const struct lab *lab)
{
	struct segments segments;

	assert_int_equal(segments_find(&segments, lab), 0);
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		for (size_t j = 0; lab_end(lab, i)->up && j < lab_end(lab, i)->n_addresses; j++)
			paper_walk_all(lab, &segments, &lab_end(lab, i)->addresses[j].prefix.addr);
	for (size_t i = 0; i < lab->n_nodes; i++)
		for (size_t j = 0; j < lab->nodes[i]->n_lo_addresses; j++)
			paper_walk_all(lab, &segments, &lab->nodes[i]->lo_addresses[j].prefix.addr);
	segments_free(&segments);
}

/* A router may come twice to one bridge, which is told; nothing else is found. */
static bool only_twice_on_a_wire(const struct diags *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		if (diags->list[i].severity != SEVERITY_WARNING ||
		    !strstr(diags->list[i].what,
			    " is in one subnet on one wire with two interfaces"))
			return false;
	return true;
}

static void test_random(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 400; seed++) {
		struct diags diags = {};
		size_t size;
		char *text = random_lab(seed, &size), *found;
		struct lab *lab = lab_read_text(text, size, "random", &diags);

		found = findings_text(&diags);
		if (!lab || !only_twice_on_a_wire(&diags))
			fail_msg("seed %u:\n%s%s", seed, found, text);
		check_reach_up(lab);
		lab_free(lab);
		diags_free(&diags);
		free(found);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes), cmocka_unit_test(test_shapes_spelled_out),
		cmocka_unit_test(test_meshes), cmocka_unit_test(test_random_sizes),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
