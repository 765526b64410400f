/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * schema.h - a small validator for the JSON Schemas in docs/schema. It knows the keywords that they
 * use; a keyword that it does not know is a failure, so that no rule goes unchecked.
 */
#ifndef VETHLAB_TESTS_SCHEMA_H
#define VETHLAB_TESTS_SCHEMA_H

#include <jansson.h>
#include <stddef.h>

/* NULL: json is as the schema in the file at path says; else what is wrong and where, in buf. */
const char *schema_problem(const char *path, const json_t *json, char *buf, size_t size);

#endif
