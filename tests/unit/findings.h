/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * findings.h - for the tests of the topology room: read a lab from text and compare everything
 * that is found in it, to the letter. Included after cmocka.h.
 */
#ifndef VETHLAB_TESTS_FINDINGS_H
#define VETHLAB_TESTS_FINDINGS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/model.h"

/*
 * "3:5: error: ...", a line each, and the hints as "\t..." below, without what is allowed; the
 * caller frees it.
 */
static inline char *findings_text(const struct diags *diags)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *diag = &diags->list[i];

		if (diag->severity == SEVERITY_ALLOWED)
			continue;
		fprintf(f, "%d:%d: %s: %s\n", diag->where.line, diag->where.column,
			diag->severity == SEVERITY_ERROR ? "error" : "warning", diag->what);
		if (diag->hint)
			fprintf(f, "\t%s\n", diag->hint);
	}
	fclose(f);
	return text;
}

/* Read text, which must have exactly these findings. Returns the lab, NULL if it has errors. */
static inline struct lab *read_expecting(const char *text, const char *expected)
{
	size_t len = strlen(text);
	/* Without the zero at its end, so that a sanitizer sees who counts on it. */
	char *bytes = memcpy(malloc(len + !len), text, len);
	struct diags diags = {};
	struct lab *lab = lab_read_text(bytes, len, "t.yaml", &diags);
	char *found = findings_text(&diags);

	if (strcmp(found, expected)) /* cmocka cuts long texts */
		fprintf(stderr, "---- expected\n%s---- found\n%s----\n", expected, found);
	assert_string_equal(found, expected);
	assert_int_equal(!lab, diags.errors > 0);
	for (size_t i = 0; i < diags.count; i++)
		assert_string_equal(diags.list[i].where.file, "t.yaml");
	free(bytes);
	free(found);
	diags_free(&diags);
	return lab;
}

/* A good lab without findings. */
static inline struct lab *read_good(const char *text)
{
	struct lab *lab = read_expecting(text, "");

	assert_non_null(lab);
	return lab;
}

/* A bad lab with exactly these findings. */
static inline void read_bad(const char *text, const char *expected)
{
	assert_null(read_expecting(text, expected));
}

#endif
