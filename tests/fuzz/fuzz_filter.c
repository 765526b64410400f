// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_filter.c - any bytes as the words of a filter, and behind them a frame's bytes that it is
 * applied to. What is said of a wrong filter says which word is wrong.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/match.h"
#include "bpf/wire_other.h"
#include "user/trace/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 16 };

static const char lab_text[] = "lab: fuzz\nnodes: {a: {}, b: {}}\nlinks:\n"
			       "  - endpoints: [{end: 'a:x', address: 10.0.1.1/24},"
			       " {end: 'b:y', address: 10.0.1.2/24}]\n";

static struct lab *lab;

static void apply(const struct vl_filter *filter, const uint8_t *data, size_t size)
{
	struct wire_memory memory = {data, size};
	struct vl_event event = {0};

	wire_other(wire_memory_fetch, wire_memory_walk, &memory,
		   size && data[0] >> 4 == 6   ? WIRE_IPV6
		   : size && data[0] >> 4 == 4 ? WIRE_IPV4
					       : WIRE_ARP,
		   0, size, &event);
	event_matches(&event, filter, lab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256], *argv[WORDS_MAX], *rest = text, *word;
	struct record_filter filter = {0};
	struct diags diags = {0};
	struct err err = {0};
	size_t len = strnlen((const char *)data, size < sizeof(text) - 1 ? size : sizeof(text) - 1);
	int argc = 0;

	if (!lab)
		lab = lab_read_text(lab_text, strlen(lab_text), "lab", &diags);
	if (!lab)
		abort();
	memcpy(text, data, len);
	text[len] = 0;
	while (argc < WORDS_MAX && (word = strsep(&rest, " ")))
		argv[argc++] = word;
	if (!record_filter_parse(&filter, argc, argv, lab, &err))
		apply(&filter.packets, data + len, size - len);
	else if (strncmp(err.what, "filter", 6))
		abort();
	return 0;
}
