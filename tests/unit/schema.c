// SPDX-License-Identifier: GPL-2.0-only
/* schema.c - validates JSON against the schemas in docs/schema and topology/schema.json. */
#include <regex.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "schema.h"

struct check {
	json_t *root;	  /* of the schema */
	const char *path; /* its file */
	char *problem;
	size_t size;
	char place[256]; /* in the document: "/links/0/lost" */
};

static bool valid(struct check *check, const json_t *schema, const json_t *json);

static bool fail(struct check *check, const char *fmt, ...)
{
	int n = snprintf(check->problem, check->size, "%s: ", check->place);
	va_list args;

	va_start(args, fmt);
	vsnprintf(check->problem + n, check->size - (size_t)n, fmt, args);
	va_end(args);
	return false;
}

/* json below schema, with the place extended by key while it is looked at. */
static bool valid_at(struct check *check, const char *key, const json_t *schema, const json_t *json)
{
	size_t len = strlen(check->place);
	bool good;

	snprintf(check->place + len, sizeof(check->place) - len, "/%s", key);
	good = valid(check, schema, json);
	if (good)
		check->place[len] = '\0';
	return good;
}

static bool is_type(const json_t *json, const char *type)
{
	return (!strcmp(type, "object") && json_is_object(json)) ||
	       (!strcmp(type, "array") && json_is_array(json)) ||
	       (!strcmp(type, "string") && json_is_string(json)) ||
	       (!strcmp(type, "integer") && json_is_integer(json)) ||
	       (!strcmp(type, "number") && json_is_number(json)) ||
	       (!strcmp(type, "boolean") && json_is_boolean(json)) ||
	       (!strcmp(type, "null") && json_is_null(json));
}

static bool check_type(struct check *check, const json_t *rule, const json_t *json)
{
	const json_t *type;
	size_t i;

	if (json_is_string(rule))
		return is_type(json, json_string_value(rule)) ||
		       fail(check, "is not a %s", json_string_value(rule));
	json_array_foreach(rule, i, type)
		if (is_type(json, json_string_value(type)))
			return true;
	return fail(check, "is of none of the types");
}

static bool check_enum(struct check *check, const json_t *rule, const json_t *json)
{
	const json_t *one;
	size_t i;

	json_array_foreach(rule, i, one)
		if (json_equal(one, json))
			return true;
	return fail(check, "is none of the values");
}

static bool check_pattern(struct check *check, const char *pattern, const json_t *json)
{
	regex_t regex;
	int rc;

	if (!json_is_string(json))
		return true;
	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		return fail(check, "the schema's pattern '%s' is broken", pattern);
	rc = regexec(&regex, json_string_value(json), 0, NULL, 0);
	regfree(&regex);
	return !rc || fail(check, "'%s' does not match %s", json_string_value(json), pattern);
}

static bool check_required(struct check *check, const json_t *rule, const json_t *json)
{
	const json_t *key;
	size_t i;

	if (!json_is_object(json))
		return true;
	json_array_foreach(rule, i, key)
		if (!json_object_get(json, json_string_value(key)))
			return fail(check, "has no '%s'", json_string_value(key));
	return true;
}

/* properties and additionalProperties. */
static bool check_properties(struct check *check, const json_t *schema, const json_t *json)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *others = json_object_get(schema, "additionalProperties");
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)json, key, value) {
		const json_t *rule = json_object_get(properties, key);

		if (!rule && json_is_false(others))
			return fail(check, "has a '%s' that the schema does not know", key);
		if (!rule)
			rule = others;
		if (json_is_object(rule) && !valid_at(check, key, rule, value))
			return false;
	}
	return true;
}

static bool check_items(struct check *check, const json_t *rule, const json_t *json)
{
	const json_t *item;
	char key[24];
	size_t i;

	json_array_foreach(json, i, item) {
		snprintf(key, sizeof(key), "%zu", i);
		if (!valid_at(check, key, rule, item))
			return false;
	}
	return true;
}

/* One of several schemas fits; else the last one's complaint stands. */
static bool check_any(struct check *check, const json_t *rule, const json_t *json)
{
	size_t place = strlen(check->place), i;
	const json_t *one;

	json_array_foreach(rule, i, one) {
		check->place[place] = '\0';
		if (valid(check, one, json))
			return true;
	}
	return false;
}

static bool check_names(struct check *check, const json_t *rule, const json_t *json)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)json, key, value) {
		json_t *name = json_string(key);
		bool good = valid(check, rule, name);

		json_decref(name);
		if (!good)
			return false;
	}
	return true;
}

/* "#/$defs/NAME", or "FILE#/$defs/NAME" for one beside this schema. */
static bool check_reference(struct check *check, const char *reference, const json_t *json)
{
	static const char fragment[] = "#/$defs/";
	const char *name = strstr(reference, fragment), *slash = strrchr(check->path, '/');
	const char *path = check->path;
	json_t *root = check->root, *other = NULL, *schema;
	char beside[512];
	bool good;

	if (!name)
		return fail(check, "the schema refers to '%s'", reference);
	if (name != reference) {
		snprintf(beside, sizeof(beside), "%.*s%.*s", slash ? (int)(slash + 1 - path) : 0,
			 path, (int)(name - reference), reference);
		other = json_load_file(beside, JSON_REJECT_DUPLICATES, NULL);
		check->root = other;
		check->path = beside;
	}
	schema =
		json_object_get(json_object_get(check->root, "$defs"), name + sizeof(fragment) - 1);
	good = schema ? valid(check, schema, json)
		      : fail(check, "the schema refers to %s, which is not there", reference);
	check->root = root;
	check->path = path;
	json_decref(other);
	return good;
}

static bool check_bound(struct check *check, const char *keyword, const json_t *rule,
			const json_t *json)
{
	double bound = json_number_value(rule);

	if (!strcmp(keyword, "minimum"))
		return !json_is_number(json) || json_number_value(json) >= bound ||
		       fail(check, "is below %g", bound);
	if (!strcmp(keyword, "maximum"))
		return !json_is_number(json) || json_number_value(json) <= bound ||
		       fail(check, "is above %g", bound);
	if (!strcmp(keyword, "minItems"))
		return !json_is_array(json) || (double)json_array_size(json) >= bound ||
		       fail(check, "has less than %g items", bound);
	return !json_is_array(json) || (double)json_array_size(json) <= bound ||
	       fail(check, "has more than %g items", bound);
}

static bool check_keyword(struct check *check, const json_t *schema, const char *keyword,
			  const json_t *rule, const json_t *json)
{
	static const char *const silent[] = {"$schema", "$id", "$defs", "title", "description"};

	for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++)
		if (!strcmp(keyword, silent[i]))
			return true;
	if (!strcmp(keyword, "type"))
		return check_type(check, rule, json);
	if (!strcmp(keyword, "const"))
		return json_equal(rule, json) || fail(check, "is not the constant");
	if (!strcmp(keyword, "enum"))
		return check_enum(check, rule, json);
	if (!strcmp(keyword, "pattern"))
		return check_pattern(check, json_string_value(rule), json);
	if (!strcmp(keyword, "required"))
		return check_required(check, rule, json);
	if (!strcmp(keyword, "properties") || !strcmp(keyword, "additionalProperties"))
		return !json_is_object(json) || check_properties(check, schema, json);
	if (!strcmp(keyword, "items"))
		return check_items(check, rule, json);
	if (!strcmp(keyword, "$ref"))
		return check_reference(check, json_string_value(rule), json);
	if (!strcmp(keyword, "anyOf"))
		return check_any(check, rule, json);
	if (!strcmp(keyword, "propertyNames"))
		return check_names(check, rule, json);
	if (!strcmp(keyword, "minimum") || !strcmp(keyword, "maximum") ||
	    !strcmp(keyword, "minItems") || !strcmp(keyword, "maxItems"))
		return check_bound(check, keyword, rule, json);
	return fail(check, "the schema's keyword '%s' is not known to this validator", keyword);
}

static bool valid(struct check *check, const json_t *schema, const json_t *json)
{
	const char *keyword;
	json_t *rule;

	json_object_foreach((json_t *)schema, keyword, rule)
		if (!check_keyword(check, schema, keyword, rule, json))
			return false;
	return true;
}

const char *schema_problem(const char *path, const json_t *json, char *buf, size_t size)
{
	struct check check = {.path = path, .problem = buf, .size = size};
	json_error_t error;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	bool good;

	if (!root) {
		snprintf(buf, size, "%s:%d: %s", path, error.line, error.text);
		return buf;
	}
	check.root = root;
	good = json ? valid(&check, root, json) : fail(&check, "there is no document");
	json_decref(root);
	return good ? NULL : buf;
}
