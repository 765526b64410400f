// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_journal.c - any bytes as a journal. What is read is in its range; what is written as a line
 * again is read as the same.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/lab/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As undo.c uses it. */
static void check(const struct journal_step *step)
{
	switch (step->kind) {
	case JOURNAL_NETNS:
	case JOURNAL_END:
		if (!step->name[0] || strchr(step->name, '/') || step->name[0] == '.')
			abort();
		if (step->kind == JOURNAL_END && (!step->ifindex || step->ifindex > INT32_MAX))
			abort();
		break;
	case JOURNAL_SYSCTL:
		if (!step->value || strstr(step->name, ".."))
			abort();
		break;
	case JOURNAL_ROUTE:
		if (step->route_kind < ROUTE_UNICAST || step->route_kind > ROUTE_PROHIBIT)
			abort();
		break;
	case JOURNAL_ADDRESS:
	case JOURNAL_CLSACT:
		if (!step->ifindex)
			abort();
		break;
	case JOURNAL_FILTER:
		if (step->hook >= VL_HOOKS)
			abort();
		break;
	default:
		abort();
	}
}

static void check_again(const struct journal_step *step)
{
	struct journal_step again;
	char line[2 * JOURNAL_WORD_SIZE];

	if (step->kind != JOURNAL_END)
		return;
	snprintf(line, sizeof(line), "end %" PRIu64 " %" PRIu64 " %" PRIu32 " %s", step->id.inode,
		 step->id.cookie, step->ifindex, step->name);
	if (journal_parse(&again, line) || !netns_same(&again.id, &step->id) ||
	    again.ifindex != step->ifindex || strcmp(again.name, step->name) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *f = size ? fmemopen((void *)data, size, "r") : NULL;
	struct journal_lines lines = {0};
	size_t complete = 0;

	if (!f)
		return 0;
	if (journal_read_file(&lines, f))
		abort();
	for (size_t i = 0; i < size; i++)
		complete += data[i] == '\n';
	/* Each complete line is a step, or told. */
	if (lines.has_head + lines.n + lines.n_unread != complete)
		abort();
	for (size_t i = 0; i < lines.n; i++) {
		check(&lines.steps[i]);
		check_again(&lines.steps[i]);
	}
	journal_lines_free(&lines);
	fclose(f);
	return 0;
}
