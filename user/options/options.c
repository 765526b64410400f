// SPDX-License-Identifier: GPL-2.0-only
/* options.c - parses a command line by a verb's table: see options.h. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "topology/model.h"
#include "user/base/duration.h"
#include "user/base/number.h"
#include "user/options/options.h"

enum { OPTIONS_MAX = 32, LONG_ONLY = 256 };

/* What getopt_long() needs, of a verb's table. The value of a name is LONG_ONLY plus its index. */
struct getopt_table {
	char letters[3 * OPTIONS_MAX + 3];
	struct option names[OPTIONS_MAX + 1];
};

static bool is_end(const struct cmd_option *option)
{
	return !option->name && !option->letter;
}

static void make_table(const struct cmd *cmd, struct getopt_table *table)
{
	char *letter = table->letters;
	size_t n = 0;

	if (cmd->stops)
		*letter++ = '+';
	*letter++ = ':';
	for (size_t i = 0; !is_end(&cmd->options[i]) && i < OPTIONS_MAX; i++) {
		const struct cmd_option *option = &cmd->options[i];
		int has_value = option->kind == VALUE_NONE ? no_argument
				: option->optional	   ? optional_argument
							   : required_argument;

		if (option->letter)
			*letter++ = option->letter;
		for (int j = 0; option->letter && j < has_value; j++)
			*letter++ = ':';
		if (option->name)
			table->names[n++] =
				(struct option){option->name, has_value, NULL, LONG_ONLY + i};
	}
	*letter = '\0';
	table->names[n] = (struct option){0};
}

static const struct cmd_option *find(const struct cmd *cmd, int c)
{
	if (c >= LONG_ONLY)
		return &cmd->options[c - LONG_ONLY];
	for (const struct cmd_option *option = cmd->options; !is_end(option); option++)
		if (option->letter == c)
			return option;
	return NULL;
}

const char *option_text(const struct cmd_option *option, char buf[OPTION_TEXT_SIZE])
{
	if (!option->name || option->show == SHOW_LETTER)
		snprintf(buf, OPTION_TEXT_SIZE, "-%c", option->letter);
	else
		snprintf(buf, OPTION_TEXT_SIZE, "--%s", option->name);
	return buf;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool parse_number(const struct cmd_option *option, const char *value, uint64_t *number)
{
	uint64_t most = option->most ? option->most : UINT64_MAX;

	if (option->kind != VALUE_DURATION)
		return number_parse(value, option->least, most, number);
	return duration_parse(value, number) && *number >= option->least && *number <= most;
}

static bool parse_decimal(const struct cmd_option *option, const char *value, double *number)
{
	char *end;

	*number = strtod(value, &end);
	return end != value && !*end && *number >= option->low && *number <= option->high;
}

static int wrong_value(const struct cmd *cmd, const struct cmd_option *option, const char *value,
		       struct err *err)
{
	char text[OPTION_TEXT_SIZE];

	return cmd_usage(err, cmd, "%s %s: %s", option_text(option, text), value, option->wrong);
}

static int store(const struct cmd *cmd, const struct cmd_option *option, const char *value,
		 void *args, struct err *err)
{
	void *target = (char *)args + option->offset;
	uint64_t number;
	double decimal;

	switch (option->store) {
	case STORE_NOTHING:
		break;
	case STORE_TRUE:
		*(bool *)target = true;
		break;
	case STORE_CONSTANT:
		*(int *)target = option->constant;
		break;
	case STORE_TEXT:
		*(const char **)target = value;
		break;
	case STORE_U64:
	case STORE_UNSIGNED:
		if (!parse_number(option, value, &number))
			return wrong_value(cmd, option, value, err);
		if (option->store == STORE_U64)
			*(uint64_t *)target = number;
		else
			*(unsigned *)target = number;
		break;
	case STORE_DOUBLE:
		if (!parse_decimal(option, value, &decimal))
			return wrong_value(cmd, option, value, err);
		*(double *)target = decimal;
		break;
	case STORE_CALL:
		return option->take(cmd, option, value, target, err);
	}
	return 0;
}

/* ---- errors ---------------------------------------------------------------------------------- */

bool option_has_row(const struct cmd_option *option)
{
	return !option->hidden && (!option->row || *option->row);
}

/* Only names that the help tells are suggested; that of all verbs tells --lab and --json. */
static bool may_be_suggested(const struct cmd_option *option)
{
	if (!option->name || option->hidden)
		return false;
	return option->group == OPTIONS_COMMON || option->show != SHOW_LETTER;
}

const struct cmd_option *options_near(const struct cmd *cmd, const char *typed)
{
	const struct cmd_option *options[OPTIONS_MAX];
	const char *names[OPTIONS_MAX], *near;
	char word[32];
	size_t n = 0;

	if (strncmp(typed, "--", 2) != 0)
		return NULL;
	for (const struct cmd_option *option = cmd->options; !is_end(option); option++) {
		if (!may_be_suggested(option) || n == OPTIONS_MAX)
			continue;
		options[n] = option;
		names[n++] = option->name;
	}
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(typed + 2, "="), typed + 2);
	near = nearest_name(word, names, n);
	for (size_t i = 0; near && i < n; i++)
		if (names[i] == near)
			return options[i];
	return NULL;
}

/* What getopt_long()'s ':' or '?' was about. */
static int bad_option(const struct cmd *cmd, int c, char **argv, struct err *err)
{
	const char *typed = argv[optind - 1];
	const struct cmd_option *near = options_near(cmd, typed);

	if (c == ':')
		return cmd_usage(err, cmd, "%s needs a value", typed);
	if (near && strchr(typed, '=') && !strncmp(typed + 2, near->name, strcspn(typed + 2, "=")))
		return cmd_usage(err, cmd, "--%s takes no value", near->name);
	if (near && strcmp(typed + 2, near->name) != 0)
		return cmd_usage(err, cmd, "unknown option %s: did you mean --%s?", typed,
				 near->name);
	return cmd_usage(err, cmd, "unknown option %s", typed);
}

/* ---- a command line -------------------------------------------------------------------------- */

int options_parse(const struct cmd *cmd, void *args, int argc, char **argv, struct cmd_words *words,
		  struct err *err)
{
	struct getopt_table table;
	int c;

	make_table(cmd, &table);
	for (const struct cmd_option *option = cmd->options; !is_end(option); option++)
		if (option->initial && store(cmd, option, option->initial, args, err))
			return err->code;
	optind = 0; /* forget another command line */
	opterr = 0;
	while ((c = getopt_long(argc, argv, table.letters, table.names, NULL)) != -1) {
		const struct cmd_option *option = find(cmd, c);
		const char *value = optarg;

		if (c == '?' || c == ':')
			return bad_option(cmd, c, argv, err);
		if (!value && option->next && argv[optind] && option->next(argv[optind]))
			value = argv[optind++];
		if (store(cmd, option, value, args, err))
			return err->code;
	}
	words->argc = argc - optind;
	words->argv = argv + optind;
	return 0;
}
