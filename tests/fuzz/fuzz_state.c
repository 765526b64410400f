// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_state.c - any bytes as state.json, beside a lab file that is good. What is taken has numbers
 * that arrays and maps have room for, and is read as the same after it was written.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/lab/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lab of the seeds. */
static const char lab_text[] = "lab: fuzz\n"
			       "nodes: {h: {netns: host}, a: {}, sw: {kind: bridge}}\n"
			       "links:\n"
			       "  - endpoints: ['h:x', 'sw:p']\n"
			       "  - endpoints: ['a:y', 'sw:q']\n";

static struct running *read_state(json_t *json)
{
	struct running *run = calloc(1, sizeof(*run));
	struct diags diags = {0};
	struct err err = {0};
	int ret;

	if (!run)
		abort();
	memcpy(run->name, "fuzz", 5);
	run->lab = lab_read_text(lab_text, sizeof(lab_text) - 1, "fuzz.yaml", &diags);
	if (!run->lab)
		abort();
	diags_free(&diags);
	ret = state_from_json(run, json, &err);
	/* Either a lab or an error that says something. */
	if (!ret != !err.code || (ret && !err.what[0]))
		abort();
	if (!ret)
		return run;
	running_free(run);
	return NULL;
}

static void check(const struct running *run)
{
	for (size_t i = 0; i < lab_n_ends(run->lab); i++) {
		const struct end *end = lab_end(run->lab, i);

		if (end->number >= run->capacity || end->number >= run->next_end ||
		    lab_find_number(run->lab, end->number) != end || !running_ifindex(run, end) ||
		    running_ifindex(run, end) > INT32_MAX)
			abort();
	}
	for (size_t i = 0; i < run->lab->n_nodes; i++)
		if (run->nodes[i].slot >= run->slots || strchr(run->nodes[i].netns_name, '/') ||
		    (!run->observed && running_bridge_ifindex(run, run->lab->nodes[i]) > INT32_MAX))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL), *again;
	struct running *run = json ? read_state(json) : NULL, *second;
	char *text, *text_again;

	if (run) {
		check(run);
		text = state_format(run, "boot");
		again = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
		second = again ? read_state(again) : NULL;
		text_again = second ? state_format(second, "boot") : NULL;
		if (!text_again || strcmp(text, text_again) != 0)
			abort();
		free(text);
		free(text_again);
		json_decref(again);
		running_free(second);
	}
	running_free(run);
	json_decref(json);
	return 0;
}
