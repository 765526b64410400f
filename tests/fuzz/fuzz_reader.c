// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_reader.c - any bytes as a lab file: read it, and use what comes out. Every input is read a
 * second time with one allocation that fails, whose number comes from the input, so that the ways
 * out of memory are walked too (ours alone: the library's allocations are not wrapped).
 *
 * Built by tests/fuzz/run with the linker's --wrap for the allocators.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/draw.h"
#include "topology/model.h"

static long fail_at; /* this many allocations from now; 0: never */

static bool fails(void)
{
	return fail_at && --fail_at == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
	return fails() ? NULL : __real_strndup(text, len);
}

/* What holds for every lab that the reader gives out. */
static void use(const struct lab *lab)
{
	static FILE *null;

	if (!null)
		null = fopen("/dev/null", "w");
	for (size_t i = 0; i < lab->n_nodes; i++)
		if (lab_find_node(lab, lab->nodes[i]->name) != lab->nodes[i])
			abort();
	for (size_t i = 0; i < lab_n_ends(lab); i++) {
		struct end *end = lab_end(lab, i), *other;
		struct node *node;

		if (lab_find_end(lab, end->name) != end || end->number != i ||
		    end->peer->peer != end)
			abort();
		for (size_t j = 0; j < end->n_addresses; j++)
			if (!lab_find_address(lab, &end->addresses[j].prefix.addr, &node, &other))
				abort();
	}
	for (int format = GRAPH_TEXT; null && format <= GRAPH_MERMAID; format++)
		draw_lab(null, lab, format, NULL, NULL);
}

static void read_once(const uint8_t *data, size_t size)
{
	struct diags diags = {0};
	struct lab *lab = lab_read_text((const char *)data, size, "fuzz.yaml", &diags);

	fail_at = 0;
	/* Either a lab or an error, never both and never nothing. */
	if (!lab == !diags.errors)
		abort();
	if (lab)
		use(lab);
	lab_free(lab);
	diags_free(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned hash = 5381;

	for (size_t i = 0; i < size; i++)
		hash = hash * 33 + data[i];
	fail_at = 0;
	read_once(data, size);
	fail_at = 1 + hash % (64 + size);
	read_once(data, size);
	return 0;
}
