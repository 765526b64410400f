// SPDX-License-Identifier: GPL-2.0-only
/* openmetrics.c - checks OpenMetrics text line by line. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openmetrics.h"

enum { NAME_SIZE = 96, LINE_SIZE = 1024, FAMILIES = 64 };

struct check {
	char *problem;
	size_t size, line;
	char family[NAME_SIZE], type[16], unit[NAME_SIZE]; /* those being read */
	bool sampled; /* the family has a sample: its metadata is complete */
	/* The histogram being read: its labels but le, the last bucket, and what must come yet. */
	char series[LINE_SIZE];
	double bound, below;
	bool open, counted;
	char seen[FAMILIES][NAME_SIZE];
	size_t n_seen;
	char **samples; /* name and labels of each: no two are alike */
	size_t n_samples;
};

static bool fail(struct check *check, const char *fmt, ...)
{
	int n = snprintf(check->problem, check->size, "line %zu: ", check->line);
	va_list args;

	va_start(args, fmt);
	vsnprintf(check->problem + n, check->size - (size_t)n, fmt, args);
	va_end(args);
	return false;
}

static size_t name_length(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '_' || text[len] == ':')
		len++;
	return isdigit((unsigned char)*text) ? 0 : len;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && !strcmp(text + len - end_len, end);
}

static bool close_series(struct check *check);

static bool begin_family(struct check *check, const char *name)
{
	for (size_t i = 0; i < check->n_seen; i++)
		if (!strcmp(check->seen[i], name))
			return fail(check, "family %s is there twice, or in pieces", name);
	if (check->n_seen == FAMILIES)
		return fail(check, "more families than this reader has room for");
	if (!close_series(check))
		return false;
	strcpy(check->seen[check->n_seen++], name);
	strcpy(check->family, name);
	check->type[0] = check->unit[0] = '\0';
	check->sampled = false;
	return true;
}

/* "# TYPE name type", "# UNIT name unit", "# HELP name text" */
static bool metadata(struct check *check, const char *line)
{
	char keyword[5], name[NAME_SIZE], rest[LINE_SIZE];

	if (sscanf(line, "# %4[A-Z] %95[a-zA-Z0-9_:] %1023[^\n]", keyword, name, rest) != 3)
		return fail(check, "is neither metadata nor a sample");
	if (strcmp(check->family, name) && !begin_family(check, name))
		return false;
	if (check->sampled)
		return fail(check, "metadata behind samples of %s", name);
	if (!strcmp(keyword, "TYPE")) {
		if (check->type[0])
			return fail(check, "a second type of %s", name);
		if (strcmp(rest, "counter") && strcmp(rest, "gauge") && strcmp(rest, "histogram"))
			return fail(check, "type %s", rest);
		strcpy(check->type, rest);
		return true;
	}
	if (!strcmp(keyword, "UNIT")) {
		char suffix[NAME_SIZE + 1];

		snprintf(suffix, sizeof(suffix), "_%.95s", rest);
		if (check->unit[0] || !ends_with(name, suffix))
			return fail(check, "unit %s does not end %s", rest, name);
		strcpy(check->unit, suffix + 1);
		return true;
	}
	return !strcmp(keyword, "HELP") || fail(check, "keyword %s", keyword);
}

/* {name="value",...}: sets *end behind it. */
static bool labels(struct check *check, const char *text, const char **end)
{
	const char *p = text;

	do {
		size_t len = name_length(++p);

		if (!len || p[len] != '=' || p[len + 1] != '"')
			return fail(check, "a label is expected at '%.20s'", p);
		for (p += len + 2; *p != '"'; p++)
			if (!*p || *p == '\n' || (*p == '\\' && !strchr("\\\"n", *++p)))
				return fail(check, "a label's value does not end");
		p++;
	} while (*p == ',');
	if (*p != '}')
		return fail(check, "labels do not end at '%.20s'", p);
	*end = p + 1;
	return true;
}

/* Samples of a counter are NAME_total, of a histogram NAME_bucket, _count and _sum. */
static bool belongs(const struct check *check, const char *name)
{
	size_t len = strlen(check->family);
	const char *suffix = name + len;

	if (strncmp(name, check->family, len))
		return false;
	if (!strcmp(check->type, "counter"))
		return !strcmp(suffix, "_total");
	if (!strcmp(check->type, "histogram"))
		return !strcmp(suffix, "_bucket") || !strcmp(suffix, "_count") ||
		       !strcmp(suffix, "_sum");
	return !strcmp(check->type, "gauge") && !*suffix;
}

static bool remember(struct check *check, const char *sample, size_t len)
{
	for (size_t i = 0; i < check->n_samples; i++)
		if (strlen(check->samples[i]) == len && !strncmp(check->samples[i], sample, len))
			return fail(check, "%.*s is there twice", (int)len, sample);
	check->samples = reallocarray(check->samples, check->n_samples + 1, sizeof(char *));
	check->samples[check->n_samples++] = strndup(sample, len);
	return true;
}

/* Labels without le, which is taken out of them: NaN if there is none. */
static double take_bound(const char *text, size_t len, char series[LINE_SIZE])
{
	char *le, *end;
	double bound;

	snprintf(series, LINE_SIZE, "%.*s", (int)len, text);
	le = strstr(series, ",le=\"");
	if (!le)
		return NAN;
	bound = strtod(le + 5, &end);
	memmove(le, end + 1, strlen(end + 1) + 1);
	return bound;
}

/* The last bucket is that of all, and there is a count. */
static bool close_series(struct check *check)
{
	if (check->open && !isinf(check->bound))
		return fail(check, "the histogram before has no bucket +Inf");
	if (check->open && !check->counted)
		return fail(check, "the histogram before has no count");
	check->open = false;
	return true;
}

/* Buckets of one series stand together, by rising bounds, each with all that is below. */
static bool histogram(struct check *check, const char *suffix, const char *text, size_t len,
		      double value)
{
	char series[LINE_SIZE];
	double bound = take_bound(text, len, series);

	if (!strcmp(suffix, "_bucket")) {
		if (isnan(bound))
			return fail(check, "a bucket without le");
		if (!check->open || strcmp(series, check->series)) {
			if (!close_series(check))
				return false;
			strcpy(check->series, series);
			check->open = true;
			check->counted = false;
		} else if (bound <= check->bound) {
			return fail(check, "bucket %g behind %g", bound, check->bound);
		} else if (value < check->below) {
			return fail(check, "bucket %g has fewer than the one below", bound);
		}
		check->bound = bound;
		check->below = value;
		return true;
	}
	if (!isnan(bound) || !check->open || strcmp(series, check->series))
		return fail(check, "%s away from its buckets", suffix);
	if (strcmp(suffix, "_count"))
		return true;
	check->counted = true;
	return (isinf(check->bound) && value == check->below) ||
	       fail(check, "count %g, and %g in bucket +Inf", value, check->below);
}

static bool sample(struct check *check, const char *line)
{
	size_t len = name_length(line);
	char name[NAME_SIZE], *rest;
	const char *end = line + len;
	double value;

	snprintf(name, sizeof(name), "%.*s", (int)len, line);
	if (!len || !belongs(check, name))
		return fail(check, "sample %s in family %s (%s)", name, check->family, check->type);
	if (*end == '{' && !labels(check, end, &end))
		return false;
	if (*end != ' ')
		return fail(check, "no value");
	if (!remember(check, line, (size_t)(end - line)))
		return false;
	value = strtod(end + 1, &rest);
	if (rest == end + 1 || *rest || isspace((unsigned char)end[1]))
		return fail(check, "value '%s'", end + 1);
	if (strcmp(check->type, "gauge") && value < 0)
		return fail(check, "a counter below 0");
	check->sampled = true;
	if (strcmp(check->type, "histogram"))
		return true;
	return histogram(check, name + strlen(check->family), line + len,
			 (size_t)(end - line) - len, value);
}

static bool read_lines(struct check *check, char *text)
{
	bool ended = false;

	while (*text) {
		char *end = strchr(text, '\n');

		check->line++;
		if (!end)
			return fail(check, "does not end by a line feed");
		if (ended)
			return fail(check, "something behind # EOF");
		*end = '\0';
		ended = !strcmp(text, "# EOF");
		if (!ended && !(*text == '#' ? metadata(check, text) : sample(check, text)))
			return false;
		text = end + 1;
	}
	return close_series(check) && (ended || fail(check, "no # EOF"));
}

const char *openmetrics_problem(const char *text, size_t *n_samples, char *buf, size_t size)
{
	struct check check = {.problem = buf, .size = size};
	char *copy = strdup(text);
	bool good = read_lines(&check, copy);

	*n_samples = check.n_samples;
	for (size_t i = 0; i < check.n_samples; i++)
		free(check.samples[i]);
	free(check.samples);
	free(copy);
	return good ? NULL : buf;
}
