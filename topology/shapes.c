// SPDX-License-Identifier: GPL-2.0-only
/* shapes.c - chains, rings, stars, trees, meshes, grids, Clos networks and fat trees. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "topology/shapes.h"

enum { NODES_MAX = 100 * 1000 };

/* A lab file in the making: the brief form, which the reader then fills with names and addresses.
 */
struct sketch {
	FILE *nodes, *links;
	char *nodes_text, *links_text;
	size_t nodes_size, links_size;
};

/* ---- nodes and links ----------------------------------------------------------------------- */

static void router(struct sketch *s, const char *name)
{
	fprintf(s->nodes, "  %s: {forward: both}\n", name);
}

static void host(struct sketch *s, const char *name)
{
	fprintf(s->nodes, "  %s: {}\n", name);
}

static void wire(struct sketch *s, const char *a, const char *b)
{
	fprintf(s->links, "- {endpoints: [%s, %s], addresses: auto}\n", a, b);
}

/* Names are of a letter and up to three numbers: "n7", "h2-1", "edge3-0". */
enum { NAME_SIZE = 48 };

static char *name1(char *buf, const char *prefix, unsigned i)
{
	snprintf(buf, NAME_SIZE, "%.12s%u", prefix, i);
	return buf;
}

static char *name2(char *buf, const char *prefix, unsigned i, unsigned j)
{
	snprintf(buf, NAME_SIZE, "%.12s%u-%u", prefix, i, j);
	return buf;
}

static char *name3(char *buf, const char *prefix, unsigned i, unsigned j, unsigned k)
{
	snprintf(buf, NAME_SIZE, "%.12s%u-%u-%u", prefix, i, j, k);
	return buf;
}

/* ---- shapes -------------------------------------------------------------------------------- */

static void chain(struct sketch *s, const unsigned *sizes)
{
	char a[NAME_SIZE], b[NAME_SIZE];

	for (unsigned i = 1; i <= sizes[0]; i++)
		(i == 1 || i == sizes[0] ? host : router)(s, name1(a, "n", i));
	for (unsigned i = 1; i < sizes[0]; i++)
		wire(s, name1(a, "n", i), name1(b, "n", i + 1));
}

static void ring(struct sketch *s, const unsigned *sizes)
{
	char a[NAME_SIZE], b[NAME_SIZE];

	for (unsigned i = 1; i <= sizes[0]; i++)
		router(s, name1(a, "n", i));
	for (unsigned i = 1; i <= sizes[0]; i++)
		wire(s, name1(a, "n", i), name1(b, "n", i % sizes[0] + 1));
}

static void star(struct sketch *s, const unsigned *sizes)
{
	char a[NAME_SIZE];

	router(s, "hub");
	for (unsigned i = 1; i <= sizes[0]; i++)
		host(s, name1(a, "n", i));
	for (unsigned i = 1; i <= sizes[0]; i++)
		wire(s, "hub", name1(a, "n", i));
}

/*
 * Nodes are numbered as one meets them going down first, so that a subtree's links, and with them
 * its subnets, stand together and routes merge.
 */
static unsigned branch(struct sketch *s, unsigned node, unsigned depth, unsigned fanout)
{
	unsigned next = node + 1;
	char a[NAME_SIZE], b[NAME_SIZE];

	(depth ? router : host)(s, name1(a, "n", node));
	for (unsigned i = 0; depth && i < fanout; i++) {
		wire(s, name1(a, "n", node), name1(b, "n", next));
		next = branch(s, next, depth - 1, fanout);
	}
	return next;
}

static void tree(struct sketch *s, const unsigned *sizes)
{
	branch(s, 1, sizes[0], sizes[1]);
}

static void mesh(struct sketch *s, const unsigned *sizes)
{
	char a[NAME_SIZE], b[NAME_SIZE];

	for (unsigned i = 1; i <= sizes[0]; i++)
		host(s, name1(a, "n", i));
	for (unsigned i = 1; i <= sizes[0]; i++)
		for (unsigned j = i + 1; j <= sizes[0]; j++)
			wire(s, name1(a, "n", i), name1(b, "n", j));
}

static void grid(struct sketch *s, const unsigned *sizes)
{
	char a[NAME_SIZE], b[NAME_SIZE];

	for (unsigned y = 1; y <= sizes[1]; y++)
		for (unsigned x = 1; x <= sizes[0]; x++)
			router(s, name2(a, "n", x, y));
	for (unsigned y = 1; y <= sizes[1]; y++) {
		for (unsigned x = 1; x < sizes[0]; x++)
			wire(s, name2(a, "n", x, y), name2(b, "n", x + 1, y));
		for (unsigned x = 1; y < sizes[1] && x <= sizes[0]; x++)
			wire(s, name2(a, "n", x, y), name2(b, "n", x, y + 1));
	}
}

static void clos(struct sketch *s, const unsigned *sizes)
{
	unsigned spines = sizes[0], leaves = sizes[1], hosts = sizes[2];
	char a[NAME_SIZE], b[NAME_SIZE];

	for (unsigned i = 1; i <= spines; i++)
		router(s, name1(a, "spine", i));
	for (unsigned i = 1; i <= leaves; i++) {
		router(s, name1(a, "leaf", i));
		for (unsigned j = 1; j <= hosts; j++)
			host(s, name2(a, "h", i, j));
	}
	for (unsigned i = 1; i <= leaves; i++) {
		for (unsigned j = 1; j <= hosts; j++)
			wire(s, name1(a, "leaf", i), name2(b, "h", i, j));
		for (unsigned j = 1; j <= spines; j++)
			wire(s, name1(a, "leaf", i), name1(b, "spine", j));
	}
}

/* Al-Fares, Loukissas, Vahdat: A Scalable, Commodity Data Center Network Architecture (2008). */
static void fat_tree(struct sketch *s, const unsigned *sizes)
{
	unsigned k = sizes[0], half = k / 2;
	char a[NAME_SIZE], b[NAME_SIZE];

	for (unsigned i = 0; i < half * half; i++)
		router(s, name2(a, "core", i / half + 1, i % half + 1));
	for (unsigned pod = 1; pod <= k; pod++) {
		for (unsigned i = 1; i <= half; i++) {
			router(s, name2(a, "agg", pod, i));
			router(s, name2(a, "edge", pod, i));
			for (unsigned j = 1; j <= half; j++)
				host(s, name3(a, "h", pod, i, j));
		}
	}
	for (unsigned pod = 1; pod <= k; pod++) {
		for (unsigned i = 1; i <= half; i++)
			for (unsigned j = 1; j <= half; j++)
				wire(s, name2(a, "edge", pod, i), name3(b, "h", pod, i, j));
		for (unsigned i = 1; i <= half; i++)
			for (unsigned j = 1; j <= half; j++)
				wire(s, name2(a, "agg", pod, i), name2(b, "edge", pod, j));
		for (unsigned i = 1; i <= half; i++)
			for (unsigned j = 1; j <= half; j++)
				wire(s, name2(a, "agg", pod, i), name2(b, "core", i, j));
	}
}

const struct shape_kind generate_kinds[] = {
	{"chain", "N nodes in a line; the inner ones are routers", {{"N", 2, NODES_MAX, 0}}},
	{"ring", "N routers in a circle: two ways to everywhere", {{"N", 3, NODES_MAX, 0}}},
	{"star", "N hosts around a router", {{"N", 1, NODES_MAX - 1, 0}}},
	{"tree",
	 "routers that branch DEPTH times, hosts as leaves",
	 {{"DEPTH", 1, 16, 0}, {"FANOUT", 2, 1000, 2}}},
	{"mesh", "N hosts, each with a link to each other", {{"N", 2, 400, 0}}},
	{"grid", "routers in columns and rows", {{"COLUMNS", 1, 1000, 0}, {"ROWS", 2, 1000, 0}}},
	{"clos",
	 "leaves with hosts, each leaf linked to each spine",
	 {{"SPINES", 1, 1000, 0}, {"LEAVES", 2, 1000, 0}, {"HOSTS", 1, 1000, 2}}},
	{"fat-tree", "a fat tree of switches with K ports (K even)", {{"K", 2, 64, 0}}},
	{},
};

/* In the order of generate_kinds. */
static void (*const shapes[])(struct sketch *s, const unsigned *sizes) = {
	chain, ring, star, tree, mesh, grid, clos, fat_tree,
};

/* ---- a file -------------------------------------------------------------------------------- */

/* How many nodes and links it will be, as far as that may be too many. */
static bool too_big(const struct shape_options *options)
{
	const unsigned *sizes = options->sizes;
	size_t nodes = 1, level = 1;

	switch (options->kind - generate_kinds) {
	case 3:
		for (unsigned i = 0; i < sizes[0] && nodes <= NODES_MAX; i++)
			nodes += level *= sizes[1];
		return nodes > NODES_MAX;
	case 5:
		return 2 * (size_t)sizes[0] * sizes[1] > NODES_MAX;
	case 6:
		return (size_t)sizes[1] * (sizes[0] + sizes[2]) > NODES_MAX;
	default:
		return false;
	}
}

static void default_name(const struct shape_options *options, char name[LAB_NAME_MAX + 1])
{
	size_t len = snprintf(name, LAB_NAME_MAX + 1, "%s", options->kind->name);

	for (int i = 0; i < GENERATE_SIZES_MAX && options->kind->sizes[i].name; i++)
		len += snprintf(name + len, LAB_NAME_MAX + 1 - len, "%c%u", i ? 'x' : '-',
				options->sizes[i]);
}

/* The brief lab file of the whole sketch; NULL without memory. */
static char *sketch_text(const struct shape_options *options, size_t *size)
{
	struct sketch s = {};
	char name[LAB_NAME_MAX + 1], *text = NULL;
	FILE *f = NULL;

	default_name(options, name);
	s.nodes = open_memstream(&s.nodes_text, &s.nodes_size);
	s.links = open_memstream(&s.links_text, &s.links_size);
	if (s.nodes && s.links)
		shapes[options->kind - generate_kinds](&s, options->sizes);
	if (s.nodes)
		fclose(s.nodes);
	if (s.links)
		fclose(s.links);
	if (s.nodes_text && s.links_text)
		f = open_memstream(&text, size);
	if (f) {
		fprintf(f, "lab: %s\nabout: \"%s\"\n", options->name ?: name,
			options->kind->summary);
		/* In a mesh everybody is a neighbour. */
		fprintf(f, "routing: %s\npools: {%s%s%s}\n",
			strcmp(options->kind->name, "mesh") ? "static" : "none",
			options->v4 ? "v4: 10.0.0.0/8" : "", options->v4 && options->v6 ? ", " : "",
			options->v6 ? "v6: \"fd00::/32\"" : "");
		fprintf(f, "nodes:\n%slinks:\n%s", s.nodes_text, s.links_text);
		if (fclose(f)) {
			free(text);
			text = NULL;
		}
	}
	free(s.nodes_text);
	free(s.links_text);
	return text;
}

static void write_comment(FILE *f, const struct shape_options *options)
{
	fprintf(f, "# Made by `vethlab generate %s", options->kind->name);
	for (int i = 0; i < GENERATE_SIZES_MAX && options->kind->sizes[i].name; i++)
		fprintf(f, " %u", options->sizes[i]);
	fprintf(f, "`: %s.\n", options->kind->summary);
	fputs("# It is yours to edit: `vethlab check FILE` says what does not fit together.\n", f);
}

int shape_write(FILE *f, const struct shape_options *options, struct err *err)
{
	char *text, *comment = NULL;
	struct diags diags = {};
	struct lab *lab = NULL;
	size_t size;
	FILE *c;

	if (too_big(options)) {
		err_set(err, ERR_USAGE, E2BIG, "that would be more than %d nodes or links",
			NODES_MAX);
		return -E2BIG;
	}
	text = sketch_text(options, &size);
	if (text)
		lab = lab_read_text(text, size, "generated", &diags);
	free(text);
	c = open_memstream(&comment, &size);
	if (c) {
		write_comment(c, options);
		fclose(c);
	}
	if (lab && comment)
		lab_write(f, lab, comment, options->routes);
	else if (diags.count)
		err_set(err, ERR_USAGE, E2BIG, "%s", diags.list[0].what);
	else
		err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	diags_free(&diags);
	free(comment);
	if (!lab || !comment) {
		lab_free(lab);
		return -ENOMEM;
	}
	lab_free(lab);
	return 0;
}
