/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shapes.h - lab files of regular shapes, written for people to edit: comments, every interface
 * and address spelled out, routes computed (`routing: static`) or spelled out too.
 *
 * Both write to a file of the caller's and do not close it; whether the bytes arrived is seen by
 * ferror() and fclose().
 */
#ifndef VETHLAB_TOPOLOGY_SHAPES_H
#define VETHLAB_TOPOLOGY_SHAPES_H

#include <stdio.h>

#include "topology/model.h"

enum { GENERATE_SIZES_MAX = 3 };

struct shape_size {
	const char *name; /* "SPINES" */
	unsigned least, most;
	unsigned normal; /* when it is not given; 0: it must be */
};

/* A shape that can be generated. */
struct shape_kind {
	const char *name;			     /* "ring" */
	const char *summary;			     /* "N routers in a circle" */
	struct shape_size sizes[GENERATE_SIZES_MAX]; /* ended by a NULL name */
};

/* All shapes, ended by a NULL name. */
extern const struct shape_kind generate_kinds[];

struct shape_options {
	const struct shape_kind *kind;
	unsigned sizes[GENERATE_SIZES_MAX]; /* all of the kind's, within their limits */
	const char *name;		    /* of the lab; NULL: made of kind and sizes */
	bool v4, v6;			    /* families; at least one */
	bool routes;			    /* spell the routes out */
};

/* Write the file. ERR_USAGE when it would be too big; ERR_SYSTEM without memory. */
int shape_write(FILE *f, const struct shape_options *options, struct err *err);

/*
 * Write a lab as a lab file, with all interfaces and addresses spelled out. comment: lines for its
 * top, each begun with "# " already; routes: spell computed routes out instead of `routing: static`
 * (which is written if there are any).
 */
void lab_write(FILE *f, const struct lab *lab, const char *comment, bool routes);

#endif
