/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * symbol_table.h - the kernel's functions by address: /proc/kallsyms (kernel/kallsyms.c), read
 * once, sorted, and searched by halves.
 */
#ifndef VETHLAB_USER_WATCH_SYMBOL_TABLE_H
#define VETHLAB_USER_WATCH_SYMBOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct symbol {
	uint64_t address; /* of its first byte */
	size_t name;	  /* offset into the names of its table */
	bool of_module;	  /* it goes when its module is unloaded */
};

/* All zero: empty. */
struct symbol_table {
	struct symbol *list; /* by address */
	size_t n, room;
	char *names; /* each ends with a 0 */
	size_t names_size, names_room;
};

/*
 * Add the functions that file names, in the format of /proc/kallsyms, without the suffixes that a
 * compiler appends (".isra.0", ".constprop.0", ".part.0", ".cold", ".llvm.123"). Functions without
 * an address are left out: the kernel hides them from who may not see them. 0, or -ENOMEM: the
 * table holds a part of them.
 */
int symbol_table_read(struct symbol_table *table, FILE *file);
void symbol_table_free(struct symbol_table *table); /* the contents */

/*
 * The function that an address lies in: the nearest one at or below it; of several names of one
 * address the last one read. NULL: there is none within 1 MiB, which no function is long.
 */
const struct symbol *symbol_table_find(const struct symbol_table *table, uint64_t address);
const char *symbol_table_name(const struct symbol_table *table, const struct symbol *symbol);

#endif
