// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_schema.c - topology/schema.json and the reader agree: on every bundled lab, on the examples
 * of the documentation, on every file of data/bad, which breaks one rule each, and on the names of
 * all keys.
 *
 * A bad file ends with what is expected of it: "# schema: bad" (good: the rule is beyond a schema;
 * none: it is no plain YAML), then every finding as "# finds: LINE:COLUMN: error: TEXT" and "#
 * hint: TEXT"
 * ('*' at the end stands for words of the YAML library).
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/findings.h"
#include "tests/unit/schema.h"
#include "topology/yaml.h"

#define SCHEMA "topology/schema.json"

/* ---- YAML as JSON -------------------------------------------------------------------------- */

/* A plain scalar by the core schema of YAML 1.2 (10.3.2). */
static json_t *plain_json(const struct yaml *value)
{
	const char *text = value->text;
	char *end;

	if (yaml_is_null(value))
		return json_null();
	if (!strcmp(text, "true") || !strcmp(text, "false"))
		return json_boolean(text[0] == 't');
	if (strspn(text, "-+0123456789") == strlen(text) && strpbrk(text, "0123456789")) {
		json_int_t number = strtoll(text, &end, 10);

		if (!*end)
			return json_integer(number);
	}
	if (strspn(text, "-+.eE0123456789") == strlen(text) && strpbrk(text, "0123456789")) {
		double number = strtod(text, &end);

		if (!*end)
			return json_real(number);
	}
	return json_string(text);
}

static json_t *yaml_json(const struct yaml *value)
{
	json_t *json;

	if (value->kind == YAML_SCALAR)
		return value->plain ? plain_json(value) : json_string(value->text);
	json = value->kind == YAML_LIST ? json_array() : json_object();
	for (const struct yaml *item = value->first; item; item = item->next) {
		if (value->kind == YAML_LIST)
			json_array_append_new(json, yaml_json(item));
		else
			json_object_set_new(json, item->key->text, yaml_json(item));
	}
	return json;
}

/* NULL: the text is good by the schema, or "not plain YAML", or what is wrong (in buf). */
static const char *verdict(const char *text, size_t len, char *buf, size_t size)
{
	struct diags diags = {};
	struct arena arena = {};
	const struct yaml *tree = yaml_parse(text, len, "t", &arena, &diags);
	const char *problem = "not plain YAML";

	if (tree && !diags.errors) {
		json_t *json = yaml_json(tree);

		problem = schema_problem(SCHEMA, json, buf, size);
		json_decref(json);
	}
	arena_free(&arena);
	diags_free(&diags);
	return problem;
}

/* ---- files --------------------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *text = malloc(1 << 20);

	assert_non_null(f);
	assert_non_null(text);
	*len = fread(text, 1, (1 << 20) - 1, f);
	text[*len] = '\0';
	fclose(f);
	return text;
}

/* Call fn with each .yaml file of a directory. Returns how many there are. */
static size_t each_file(const char *dir, void (*fn)(const char *path))
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(d);
	while ((entry = readdir(d))) {
		const char *dot = strrchr(entry->d_name, '.');
		char path[512];

		if (!dot || strcmp(dot, ".yaml"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		fn(path);
		n++;
	}
	closedir(d);
	return n;
}

/* A bundled lab: starts with what to look at, is good, has the name of its file. */
static void check_lab(const char *path)
{
	struct diags diags = {};
	struct lab *lab = lab_read_file(path, &diags);
	char buf[512], name[64];
	const char *problem;
	size_t len;
	char *text = read_file(path, &len), *found = findings_text(&diags);

	if (!lab || diags_warnings(&diags))
		fail_msg("%s:\n%s", path, found);
	problem = verdict(text, len, buf, sizeof(buf));
	if (problem)
		fail_msg("%s: %s", path, problem);
	snprintf(name, sizeof(name), "/%s.yaml", lab->name);
	assert_non_null(strstr(path, name));
	assert_int_equal(text[0], '#');
	assert_non_null(lab->about);
	if (!strstr(text, "What to look at") || !strstr(text, "#   vethlab "))
		fail_msg("%s: its first comment does not say what to look at and to try", path);
	free(text);
	free(found);
	diags_free(&diags);
	lab_free(lab);
}

static void test_labs(void **state)
{
	(void)state;
	assert_in_range(each_file("topology/labs", check_lab), 11, 1000);
}

/* Every example of a document: a lab without findings, good by the schema. Returns how many. */
static size_t check_examples(const char *path)
{
	static const char open[] = "\n```yaml\n", close[] = "\n```\n";
	char *text, *block, *end, buf[512];
	size_t len, n = 0;

	text = read_file(path, &len);
	for (block = text; (block = strstr(block, open)); block = end) {
		const char *problem;

		block += strlen(open);
		end = strstr(block, close);
		assert_non_null(end);
		*++end = '\0';
		lab_free(read_good(block));
		problem = verdict(block, end - block, buf, sizeof(buf));
		if (problem)
			fail_msg("%s: %s in\n%s", path, problem, block);
		end++;
		n++;
	}
	free(text);
	return n;
}

static void test_examples(void **state)
{
	(void)state;
	assert_in_range(check_examples("docs/lab-file.md"), 10, 1000);
	assert_in_range(check_examples("README.md"), 1, 1000);
}

/* The findings of a bad file in the form of its last lines. */
static char *trailer(const struct diags *diags)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *diag = &diags->list[i];

		fprintf(f, "# finds: %d:%d: %s: %s\n", diag->where.line, diag->where.column,
			diag->severity == SEVERITY_ERROR ? "error" : "warning", diag->what);
		if (diag->hint)
			fprintf(f, "# hint: %s\n", diag->hint);
	}
	fclose(f);
	return text;
}

static void check_bad(const char *path)
{
	struct diags diags = {};
	char buf[512], *found, *expected, *star;
	const char *problem, *wanted;
	bool is_yaml;
	size_t len;
	char *text = read_file(path, &len);

	lab_free(lab_read_text(text, len, path, &diags));
	found = trailer(&diags);
	expected = strstr(text, "# schema: ");
	assert_non_null(expected);
	problem = verdict(text, len, buf, sizeof(buf));
	is_yaml = !problem || strcmp(problem, "not plain YAML");
	wanted = !problem ? "# schema: good\n" : is_yaml ? "# schema: bad\n" : "# schema: none\n";
	if (strncmp(expected, wanted, strlen(wanted)))
		fail_msg("%s: the schema says: %s", path, problem ?: "good");
	expected = strchr(expected, '\n') + 1;
	assert_true(strlen(found) > 0);
	star = strchr(expected, '*');
	if (star && star[1] == '\n' && !star[2] ? strncmp(expected, found, star - expected)
						: strcmp(expected, found))
		fail_msg("%s: found\n%s", path, found);
	free(found);
	free(text);
	diags_free(&diags);
}

static void test_bad_files(void **state)
{
	(void)state;
	assert_in_range(each_file("tests/unit/data/bad", check_bad), 120, 10000);
}

/* ---- keys ---------------------------------------------------------------------------------- */

/* The keys that the reader lists in its hint for a key that no map has. */
static const char *hinted_keys(const char *text, struct diags *diags)
{
	assert_null(lab_read_text(text, strlen(text), "t", diags));
	for (size_t i = 0; i < diags->count; i++)
		if (diags->list[i].hint && !strncmp(diags->list[i].hint, "keys of ", 8))
			return strchr(diags->list[i].hint, ':') + 1;
	fail_msg("no hint lists the keys:\n%s", text);
	return NULL;
}

/* Both know the same keys; the order does not matter. */
static void assert_keys(const json_t *schema, const char *text)
{
	const json_t *properties = json_object_get(schema, "properties");
	struct diags diags = {};
	char *hint = strdup(hinted_keys(text, &diags)), *save = NULL;
	size_t n = 0;

	assert_true(json_is_object(properties));
	assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
	for (char *key = strtok_r(hint, ", ", &save); key; key = strtok_r(NULL, ", ", &save)) {
		if (!json_object_get(properties, key))
			fail_msg("the schema does not know '%s' of\n%s", key, text);
		n++;
	}
	assert_int_equal(n, json_object_size(properties));
	free(hint);
	diags_free(&diags);
}

/* The schema inside anyOf that is an object's. */
static const json_t *object_of(const json_t *schema)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(schema, "anyOf"), i, one)
		if (json_object_get(one, "properties"))
			return one;
	return schema;
}

static void test_keys(void **state)
{
	static const char zz[] = "zzzzzzzzzzzzzzzz: 1";
	json_t *root = json_load_file(SCHEMA, 0, NULL);
	const json_t *defs = json_object_get(root, "$defs");
	static const struct {
		const char *def, *property; /* NULL: the definition itself */
		const char *text;	    /* with a key that is unknown there */
	} maps[] = {
		{"node", NULL, "lab: x\nnodes: {a: {%s}}\n"},
		{"node", "lo", "lab: x\nnodes: {a: {lo: {%s}}}\n"},
		{"nodeDefaults", NULL, "lab: x\ndefaults: {nodes: {%s}}\nnodes: {a: {}}\n"},
		{"route", NULL, "lab: x\nnodes: {a: {routes: [{%s}]}}\n"},
		{"nexthop", NULL, "lab: x\nnodes: {a: {routes: [{nexthops: [{%s}]}]}}\n"},
		{"neighbor", NULL, "lab: x\nnodes: {a: {neighbors: [{%s}]}}\n"},
		{"link", NULL, "lab: x\nnodes: {a: {}}\nlinks: [{%s}]\n"},
		{"link", "features", "lab: x\nnodes: {a: {}}\nlinks: [{features: {%s}}]\n"},
		{"end", NULL, "lab: x\nnodes: {a: {}}\nlinks: [{endpoints: [{%s}, a]}]\n"},
		{"linkDefaults", NULL,
		 "lab: x\ndefaults: {links: {%s}}\nnodes: {a: {}}\nlinks: [endpoints: [a, a]]\n"},
		{NULL, NULL, "%s\n"},
		{NULL, "pools", "lab: x\nnodes: {a: {}}\npools: {%s}\n"},
		{NULL, "defaults", "lab: x\nnodes: {a: {}}\ndefaults: {%s}\n"},
	};

	(void)state;
	assert_non_null(root);
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		const json_t *schema = maps[i].def ? json_object_get(defs, maps[i].def) : root;
		char text[256];

		schema = object_of(schema);
		if (maps[i].property)
			schema = object_of(json_object_get(json_object_get(schema, "properties"),
							   maps[i].property));
		snprintf(text, sizeof(text), maps[i].text, zz);
		assert_keys(schema, text);
	}
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labs),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
