/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reader_sections.h - the sections of a lab file, one function each. Private to topology/reader*.c.
 */
#ifndef VETHLAB_TOPOLOGY_READER_SECTIONS_H
#define VETHLAB_TOPOLOGY_READER_SECTIONS_H

#include "topology/reader_walk.h"

void reader_nodes(struct reader *r, const struct yaml *value);
/* `pools:`, into the reader's plan. */
void reader_pools(struct reader *r, const struct yaml *value, void *object);
void reader_links(struct reader *r, const struct yaml *value);
/* `routes:` and `neighbors:` of the node. */
void reader_routes(struct reader *r, const struct yaml *value, void *node);
void reader_neighbors(struct reader *r, const struct yaml *value, void *node);

#endif
