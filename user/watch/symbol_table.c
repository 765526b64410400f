// SPDX-License-Identifier: GPL-2.0-only
/* symbol_table.c - see symbol_table.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/watch/symbol_table.h"

enum { LONGEST_FUNCTION = 1 << 20 };

static int add(struct symbol_table *table, uint64_t address, const char *name, size_t len,
	       bool of_module)
{
	if (array_reserve(&table->list, &table->room, table->n + 1, sizeof(*table->list)) ||
	    array_reserve(&table->names, &table->names_room, table->names_size + len + 1, 1))
		return -ENOMEM;
	table->list[table->n++] = (struct symbol){
		.address = address, .name = table->names_size, .of_module = of_module};
	memcpy(table->names + table->names_size, name, len);
	table->names[table->names_size + len] = '\0';
	table->names_size += len + 1;
	return 0;
}

/* "ffffffffc0201000 t veth_xmit.isra.0	[veth]". What is no function adds nothing. */
static int add_line(struct symbol_table *table, const char *line)
{
	uint64_t address;
	const char *name;
	char *end;
	size_t len;

	address = strtoull(line, &end, 16);
	if (!address || end[0] != ' ' || !end[1] || !strchr("tTwW", end[1]) || end[2] != ' ')
		return 0;
	name = end + 3;
	len = strcspn(name, " \t\n");
	/* A name of C has no dot in it: what follows one is the compiler's. */
	return add(table, address, name, strcspn(name, ". \t\n"), name[len] == '\t');
}

/* Names are in the order in which they were read. */
static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

int symbol_table_read(struct symbol_table *table, FILE *file)
{
	char line[512];
	int ret = 0;

	while (!ret && fgets(line, sizeof(line), file))
		ret = add_line(table, line);
	if (table->n)
		qsort(table->list, table->n, sizeof(*table->list), by_address);
	return ret;
}

void symbol_table_free(struct symbol_table *table)
{
	free(table->list);
	free(table->names);
	*table = (struct symbol_table){0};
}

static bool starts_at_or_below(const void *element, const void *key)
{
	const struct symbol *symbol = element;
	const uint64_t *address = key;

	return symbol->address <= *address;
}

const struct symbol *symbol_table_find(const struct symbol_table *table, uint64_t address)
{
	size_t above = array_lower_bound(table->list, table->n, sizeof(*table->list), &address,
					 starts_at_or_below);

	if (!above || address - table->list[above - 1].address >= LONGEST_FUNCTION)
		return NULL;
	return &table->list[above - 1];
}

const char *symbol_table_name(const struct symbol_table *table, const struct symbol *symbol)
{
	return table->names + symbol->name;
}
