// SPDX-License-Identifier: GPL-2.0-only
/*
 * valid.c - is stdin what it should be? `valid SCHEMA.json` takes one JSON document after the other
 * and holds each against the schema; `valid DIRECTORY` does so with the schema there that its tag
 * names; `valid openmetrics` takes OpenMetrics text. Prints how many documents (samples)
 * were good, or says what is wrong and exits with 1.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/openmetrics.h"
#include "tests/unit/schema.h"

/* "vethlab.NAME/1" names NAME.json. */
static const char *schema_of(const char *directory, const json_t *json, char *path, size_t size)
{
	const char *tag = json_string_value(json_object_get(json, "schema"));
	char name[64];

	if (!tag || sscanf(tag, "vethlab.%63[a-z-]/1", name) != 1)
		snprintf(name, sizeof(name), "(no tag)");
	snprintf(path, size, "%s/%s.json", directory, name);
	return path;
}

static int check_json(const char *schema, bool is_directory)
{
	char path[512];
	char problem[1024];
	json_error_t error;
	unsigned n = 0;
	json_t *json;
	int c;

	while ((c = getchar()) != EOF) {
		if (c == '\n' || c == ' ')
			continue;
		ungetc(c, stdin);
		json = json_loadf(stdin, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
		if (!json) {
			printf("document %u: %s\n", n, error.text);
			return 1;
		}
		if (schema_problem(is_directory ? schema_of(schema, json, path, sizeof(path))
						: schema,
				   json, problem, sizeof(problem))) {
			printf("document %u: %s\n", n, problem);
			return 1;
		}
		json_decref(json);
		n++;
	}
	printf("%u\n", n);
	return !n;
}

static int check_openmetrics(void)
{
	char *text = NULL, problem[1024];
	size_t size = 0, n;
	const char *why = "nothing to read";

	if (getdelim(&text, &size, '\0', stdin) > 0)
		why = openmetrics_problem(text, &n, problem, sizeof(problem));
	if (why)
		puts(why);
	else
		printf("%zu\n", n);
	free(text);
	return why != NULL;
}

int main(int argc, char **argv)
{
	struct stat st;

	if (argc != 2)
		return 2;
	if (!strcmp(argv[1], "openmetrics"))
		return check_openmetrics();
	return check_json(argv[1], !stat(argv[1], &st) && S_ISDIR(st.st_mode));
}
