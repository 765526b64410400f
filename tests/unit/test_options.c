// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_options.c - the tables of all verbs are complete, the help that is made of them is
 * tests/unit/data/help.txt, and command lines are parsed by them as users of other tools expect.
 *
 * test_options --help-text   prints the help of all verbs, as that file has it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "user/cmd/cmd.h"
#include "user/cmd/record_args.h"
#include "user/trace/filter.h"

enum { ARGS_SIZE = 1 << 16, WORDS_MAX = 16, LINE_MAX_COLUMNS = 80, OPTIONS_MOST = 32 };

static const char help_file[] = "tests/unit/data/help.txt";

static bool is_last(const struct cmd_option *option)
{
	return !option->name && !option->letter;
}

static void each_verb(void (*test)(const struct cmd *cmd))
{
	for (const struct cmd *const *cmd = cmds; *cmd; cmd++) {
		test(*cmd);
		for (const struct cmd *const *sub = (*cmd)->verbs; sub && *sub; sub++) {
			assert_ptr_equal((*sub)->of, *cmd);
			test(*sub);
		}
	}
}

/* ---- tables ---------------------------------------------------------------------------------- */

#define check(condition, cmd, word)                                                                \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail_msg("%s %s: %s", (cmd)->name, word, #condition);                      \
	} while (0)

static void check_choices(const struct cmd *cmd, const char *word, const struct cmd_choice *choices,
			  enum value_kind kind)
{
	if (kind & VALUE_CHOICE)
		check(choices && choices->word, cmd, word);
	for (; choices && choices->word; choices++)
		check(!choices->value || choices->kind, cmd, choices->word);
}

static void check_store(const struct cmd *cmd, const char *word, const struct cmd_option *option)
{
	switch (option->store) {
	case STORE_TRUE:
	case STORE_CONSTANT:
		check(option->kind == VALUE_NONE, cmd, word);
		break;
	case STORE_U64:
	case STORE_UNSIGNED:
		check(option->kind == VALUE_NUMBER || option->kind == VALUE_DURATION, cmd, word);
		check(option->wrong && *option->wrong, cmd, word);
		check(!option->most || option->least <= option->most, cmd, word);
		check(option->store == STORE_U64 || (option->most && option->most <= UINT32_MAX),
		      cmd, word);
		break;
	case STORE_DOUBLE:
		check(option->kind == VALUE_DECIMAL, cmd, word);
		check(option->wrong && *option->wrong, cmd, word);
		check(option->low < option->high, cmd, word);
		break;
	case STORE_TEXT:
		check(option->kind != VALUE_NONE, cmd, word);
		break;
	case STORE_CALL:
		check(option->take, cmd, word);
		break;
	default:
		check(option->store != STORE_NOTHING, cmd, word);
	}
}

static void check_option(const struct cmd *cmd, const struct cmd_option *option)
{
	char word[OPTION_TEXT_SIZE];

	option_text(option, word);
	check(option->text && *option->text, cmd, word);
	check(!option->name || (*option->name && *option->name != '-'), cmd, word);
	check(option->show != SHOW_LETTER || option->letter, cmd, word);
	check((option->kind != VALUE_NONE) == (option->value != NULL), cmd, word);
	check(!option->optional || option->value, cmd, word);
	check(!option->next || option->optional, cmd, word);
	check(option != cmd->options || !option->alternative, cmd, word);
	check_choices(cmd, word, option->choices, option->kind);
	check_store(cmd, word, option);
	for (const struct cmd_option *other = cmd->options; other != option; other++) {
		check(!option->letter || option->letter != other->letter, cmd, word);
		check(!option->name || !other->name || strcmp(option->name, other->name) != 0, cmd,
		      word);
	}
}

static void check_table(const struct cmd *cmd)
{
	size_t n = 0;

	check(cmd->run, cmd, "verb");
	check(cmd->summary && *cmd->summary && !strchr(cmd->summary, '\n'), cmd, "verb");
	check(cmd->options, cmd, "verb");
	for (const struct cmd_option *option = cmd->options; !is_last(option); option++, n++)
		check_option(cmd, option);
	check(n <= OPTIONS_MOST, cmd, "verb");
	for (const struct cmd_operand *operand = cmd->operands; operand && operand->word;
	     operand++) {
		check(operand->text && *operand->text, cmd, operand->word);
		check(operand->kind != VALUE_NONE, cmd, operand->word);
		check_choices(cmd, operand->word, operand->choices, operand->kind);
	}
}

static void test_tables(void **state)
{
	(void)state;
	each_verb(check_table);
	for (const struct cmd *const *cmd = cmds; *cmd; cmd++)
		assert_ptr_equal(cmd_find((*cmd)->name), *cmd);
	assert_null(cmd_find("uup"));
}

/* Where all verbs have an option, it means the same: -l LAB and --json. */
static void check_common(const struct cmd *cmd)
{
	for (const struct cmd_option *option = cmd->options; !is_last(option); option++) {
		bool lab = option->name && !strcmp(option->name, "lab");
		bool json = option->name && !strcmp(option->name, "json");

		check((option->letter == 'l') == lab, cmd, "-l");
		check((option->letter == 'j') == json, cmd, "-j");
		check(!lab || option->kind == VALUE_LAB, cmd, "-l");
		check(!json || option->kind == VALUE_NONE, cmd, "-j");
	}
}

static void test_common(void **state)
{
	(void)state;
	each_verb(check_common);
}

/* ---- help ------------------------------------------------------------------------------------ */

static void print_all(FILE *f)
{
	help_print_verbs(cmds, cmd_groups, f);
	for (const struct cmd *const *cmd = cmds; *cmd; cmd++) {
		fprintf(f, "\n---- %s\n", (*cmd)->name);
		help_print(*cmd, f);
	}
}

static char *all_help(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	print_all(f);
	fclose(f);
	return text;
}

static void test_help(void **state)
{
	char *expected = calloc(1, 1 << 16), *text = all_help();
	FILE *f = fopen(help_file, "r");

	(void)state;
	assert_non_null(f);
	assert_non_null(expected);
	assert_true(fread(expected, 1, (1 << 16) - 1, f) > 0);
	assert_string_equal(text, expected);
	fclose(f);
	free(expected);
	free(text);
}

/* Each name that is taken is told, in the line of the option or, of -l and -j, in the list of
 * verbs. */
static void check_told(const struct cmd *cmd)
{
	char *text = NULL, label[64];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	help_print(cmd, f);
	fclose(f);
	for (const struct cmd_option *option = cmd->options; !is_last(option); option++) {
		if (!option_has_row(option) || option->label || option->show == SHOW_NAME ||
		    !option->name || !option->letter)
			continue;
		snprintf(label, sizeof(label), "\n  -%c, --%s", option->letter, option->name);
		check(strstr(text, label), cmd, label);
	}
	free(text);
}

static void test_told(void **state)
{
	char *text = all_help();

	(void)state;
	each_verb(check_told);
	assert_non_null(strstr(text, "\n  -l, --lab LAB "));
	assert_non_null(strstr(text, "\n  -j, --json "));
	free(text);
}

static void test_width(void **state)
{
	char *text = all_help();
	size_t lines = 0;

	(void)state;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
		if (strlen(line) > LINE_MAX_COLUMNS)
			fail_msg("%zu columns: %s", strlen(line), line);
	assert_true(lines > 200);
	free(text);
}

/* ---- command lines --------------------------------------------------------------------------- */

/* A command line that was parsed: into memory that is large enough for any verb's arguments. */
struct parsed {
	char line[200];
	char *argv[WORDS_MAX + 1];
	void *args;
	struct cmd_words words;
	struct err err;
	int ret;
};

static void parse(struct parsed *parsed, const char *line)
{
	const struct cmd *cmd;
	int argc = 0;

	*parsed = (struct parsed){0};
	snprintf(parsed->line, sizeof(parsed->line), "%s", line);
	for (char *word = strtok(parsed->line, " "); word && argc < WORDS_MAX;
	     word = strtok(NULL, " "))
		parsed->argv[argc++] = word;
	cmd = cmd_find(parsed->argv[0]);
	assert_non_null(cmd);
	parsed->args = calloc(1, ARGS_SIZE);
	assert_non_null(parsed->args);
	parsed->ret =
		options_parse(cmd, parsed->args, argc, parsed->argv, &parsed->words, &parsed->err);
}

static void release(struct parsed *parsed)
{
	free(parsed->args);
}

static void test_errors(void **state)
{
	static const struct {
		const char *line, *what;
	} wrong[] = {
		{"ls --jsno", "ls: unknown option --jsno: did you mean --json?"},
		{"show --lba x", "show: unknown option --lba"},
		{"up --hook in", NULL}, /* the beginning of a name is enough */
		{"up --hoks in", "up: unknown option --hoks: did you mean --hooks?"},
		{"up --hooks x", "up: --hooks x: not a list of in, out; or none"},
		{"up --hooks none,in", "up: --hooks none,in: not a list of in, out; or none"},
		{"up --xdp x", "up: --xdp x: not native, generic or off"},
		{"up --tc x", "up: --tc x: not auto, tcx or clsact"},
		{"up --as", "up: --as needs a value"},
		{"up --isolated=1", "up: --isolated takes no value"},
		{"observe --pid x", "observe: --pid x: not the number of a process"},
		{"ping -c x", "ping: -c x: that is not a number of echoes (0: until Ctrl-C)"},
		{"ping -s 65508", "ping: -s 65508: that is not 0 to 65507 payload bytes"},
		{"ping -t 0", "ping: -t 0: that is not a TTL from 1 to 255"},
		{"ping -W 0", "ping: -W 0: that is no time (500ms, 2s; a number: seconds)"},
		{"ping -i 0", NULL},
		{"ping --flod", "ping: unknown option --flod: did you mean --flood?"},
		{"why -s 65508", "why: -s 65508: 0 to 65507 payload bytes"},
		{"traceroute -m 256", "traceroute: -m 256: that is not 1 to 255"},
		{"trace -c 0", "trace: -c 0: that is no number of lines"},
		{"trace --for 0", "trace: --for 0: that is no time (10s, 500ms)"},
		{"record --for x", "record: --for x: that is no time (10s, 500ms)"},
		{"capture -s 0", "capture: -s 0: that is not 1 to 262144 bytes"},
		{"capture --for x", "capture: --for x: that is no time"},
		{"diff --threshold 1001", "diff: --threshold 1001: that is no percentage"},
		{"stats --watch=0.01",
		 "stats: --watch takes a time from 100ms to 86400s, not '0.01'"},
		{"stats -j --csv", "stats: one of --json, --openmetrics, --csv at a time"},
		{"stats -j -j", NULL},
		{"bench --what rtt,", "bench: --what rtt,: a word is missing at a comma"},
		{"bench --runs 0", "bench: --runs 0: not a whole number from 1 to 1000"},
		{"bench --time 0", "bench: --time 0: not a number from 0.01 to 3600"},
		{"bench --size 59",
		 "bench: --size 59: '59' is not one of at most 8 frame sizes from 60 to 65549 "
		 "bytes"},
		{"gc -l x", "gc: unknown option -l"},
		/* Only what a verb takes is suggested, whatever else its help speaks of. */
		{"down --wathc", "down: unknown option --wathc"},
	};
	char usage[USAGE_SIZE], hint[USAGE_SIZE + 64];
	struct parsed parsed;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		parse(&parsed, wrong[i].line);
		if (!wrong[i].what) {
			assert_int_equal(parsed.ret, 0);
		} else {
			assert_int_equal(parsed.ret, ERR_USAGE);
			assert_string_equal(parsed.err.what, wrong[i].what);
			snprintf(hint, sizeof(hint), "usage: vethlab %s %s", parsed.argv[0],
				 help_usage(cmd_find(parsed.argv[0]), usage));
			assert_string_equal(parsed.err.hint, hint);
		}
		release(&parsed);
	}
}

/* A name, a value and operands in all the places that users of other tools put them. */
static void test_places(void **state)
{
	static const char *const lines[] = {
		"show -l one x y",    "show -lone x y",	      "show --lab one x y",
		"show --lab=one x y", "show x -l one y",      "show x y --lab=one",
		"show x -jlone y",    "show --la one x -- y",
	};
	struct parsed parsed;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const struct cmd_args *args;

		parse(&parsed, lines[i]);
		args = parsed.args;
		assert_int_equal(parsed.ret, 0);
		assert_string_equal(args->lab, "one");
		assert_int_equal(args->json, strstr(lines[i], "-j") != NULL);
		assert_int_equal(parsed.words.argc, 2);
		assert_string_equal(parsed.words.argv[0], "x");
		assert_string_equal(parsed.words.argv[1], "y");
		release(&parsed);
	}
}

static void test_ends(void **state)
{
	const struct cmd_args *args;
	struct parsed parsed;

	(void)state;
	/* `--` ends options. */
	parse(&parsed, "show -- -j --lab");
	args = parsed.args;
	assert_int_equal(parsed.ret, 0);
	assert_false(args->json);
	assert_int_equal(parsed.words.argc, 2);
	assert_string_equal(parsed.words.argv[1], "--lab");
	release(&parsed);
	/* What stands behind the node belongs to another program. */
	parse(&parsed, "exec -l one a ls -l -j");
	args = parsed.args;
	assert_int_equal(parsed.ret, 0);
	assert_string_equal(args->lab, "one");
	assert_false(args->json);
	assert_int_equal(parsed.words.argc, 4);
	assert_string_equal(parsed.words.argv[2], "-l");
	release(&parsed);
}

/* The next word is the value of --watch if it looks like one. */
static void test_optional_value(void **state)
{
	static const struct {
		const char *line;
		int operands;
	} lines[] = {{"stats --watch", 0},	  {"stats --watch 2", 0},
		     {"stats --watch 2s x", 1},	  {"stats -w 2 x", 1},
		     {"stats --watch e2e", 1},	  {"stats -w2 x", 1},
		     {"stats x --watch=500ms", 1}};
	struct parsed parsed;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		parse(&parsed, lines[i].line);
		assert_int_equal(parsed.ret, 0);
		assert_int_equal(parsed.words.argc, lines[i].operands);
		release(&parsed);
	}
}

/* The filter's words as the tables describe them are those that the filter takes. */
static void test_filter_words(void **state)
{
	size_t n = 0;

	(void)state;
	for (; record_filter_words[n]; n++) {
		assert_non_null(filter_choices[n].word);
		assert_string_equal(filter_choices[n].word, record_filter_words[n]);
	}
	assert_true(n > 10);
	assert_null(filter_choices[n].word);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),	       cmocka_unit_test(test_common),
		cmocka_unit_test(test_help),	       cmocka_unit_test(test_told),
		cmocka_unit_test(test_width),	       cmocka_unit_test(test_errors),
		cmocka_unit_test(test_places),	       cmocka_unit_test(test_ends),
		cmocka_unit_test(test_optional_value), cmocka_unit_test(test_filter_words),
	};

	if (argc > 1 && !strcmp(argv[1], "--help-text")) {
		print_all(stdout);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
