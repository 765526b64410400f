/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bundled_labs.h - the bundled labs and the schema of lab files, as a part of the program: for one
 * that stands alone, without the folders of `make install`. bundled_labs.awk writes their texts.
 */
#ifndef VETHLAB_TOPOLOGY_BUNDLED_LABS_H
#define VETHLAB_TOPOLOGY_BUNDLED_LABS_H

/* Before a name, the path by which lab_read_file() reads a lab of the program: "bundled:blue". */
#define BUNDLED_PREFIX "bundled:"

struct bundled_lab {
	const char *name, *text; /* zero-ended */
};

/* Sorted by name; a NULL name at the end. */
extern const struct bundled_lab bundled_labs[];

/* topology/schema.json */
extern const char bundled_schema[];

/* The text of a lab by its path, as above; NULL: that is the path of no lab in the program. */
const char *bundled_lab_text(const char *path);

#endif
