/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * draw.h - a lab drawn: as text for a terminal, as a graph for graphviz (dot), as a Mermaid
 * flowchart. Pure: the lab as its file says, not as it runs.
 */
#ifndef VETHLAB_TOPOLOGY_DRAW_H
#define VETHLAB_TOPOLOGY_DRAW_H

#include <stdio.h>

#include "topology/model.h"

enum draw_format { GRAPH_TEXT, GRAPH_DOT, GRAPH_MERMAID };

/* What a node is, in a word: "bridge", "router", "host", "this host". */
const char *draw_node_word(const struct node *node);
/*
 * Write the drawing. note: what to say about a link besides (its counters, say), seen from one of
 * its ends, or NULL; it returns text that lives until its next call, or NULL for nothing.
 */
void draw_lab(FILE *f, const struct lab *lab, enum draw_format format,
	      const char *(*note)(const struct end *near, void *arg), void *arg);

#endif
