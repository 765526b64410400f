// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_escapes.c - any bytes between the double quotes of a text of a lab file: what is drawn of
 * the lab, and what is said of the file, may go to a terminal, and the text into JSON.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/plain_check.h"
#include "topology/draw.h"
#include "topology/model.h"
#include "user/output/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char before[] = "lab: fuzz\nabout: \"",
		  after[] = "\"\nnodes: {a: {}, b: {}}\nlinks: [[a, b]]\n";

static void check(const struct lab *lab, const struct diags *diags)
{
	json_t *json = output_json_text(lab && lab->about ? lab->about : "");
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!json || !f)
		abort();
	if (lab)
		draw_lab(f, lab, GRAPH_TEXT, NULL, NULL);
	output_diags(diags, f);
	fclose(f);
	plain_check(text, len);
	free(text);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = sizeof(before) - 1 + size + sizeof(after) - 1;
	struct diags diags = {0};
	char *text = malloc(len);
	struct lab *lab;

	if (!text)
		abort();
	memcpy(text, before, sizeof(before) - 1);
	if (size)
		memcpy(text + sizeof(before) - 1, data, size);
	memcpy(text + len - (sizeof(after) - 1), after, sizeof(after) - 1);
	lab = lab_read_text(text, len, "fuzz.yaml", &diags);
	check(lab, &diags);
	lab_free(lab);
	diags_free(&diags);
	free(text);
	return 0;
}
