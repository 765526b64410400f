// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_completion.c - man pages tell every option of every verb, completion offers each, and what a
 * shell is offered at each place of a command line.
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

enum { OFFERED_SIZE = 1 << 16, WORDS_MAX = 16 };

/* Words that were offered, a space behind each; kinds of values in <>. */
static char offered[OFFERED_SIZE];

static void add(const char *word)
{
	size_t len = strlen(offered);

	snprintf(offered + len, sizeof(offered) - len, "%s ", word);
}

static void offer(const char *word, const char *text, void *arg)
{
	(void)text;
	(void)arg;
	add(word);
}

static void values(const char *typed, enum value_kind kind, void *arg)
{
	char word[32];

	(void)typed;
	(void)arg;
	snprintf(word, sizeof(word), "<%x>", (unsigned)kind);
	add(word);
}

/* What is offered at the end of a line; its last word may be empty. */
static const char *complete(const char *line)
{
	static const struct completion completion = {offer, values, NULL};
	char copy[256], *words[WORDS_MAX], *p = copy;
	int n = 0;

	assert_in_range(strlen(line), 0, sizeof(copy) - 1);
	strcpy(copy, line);
	while (n < WORDS_MAX) {
		words[n++] = p;
		p = strchr(p, ' ');
		if (!p)
			break;
		*p++ = '\0';
	}
	offered[0] = '\0';
	completion_words(cmds, &completion, n, words);
	return offered;
}

static bool offers(const char *line, const char *word)
{
	char with_space[80];

	snprintf(with_space, sizeof(with_space), " %s ", word);
	complete(line);
	return !strncmp(offered, with_space + 1, strlen(word) + 1) || strstr(offered, with_space);
}

static void check_offers(const char *line, const char *word)
{
	if (!offers(line, word))
		fail_msg("'%s': '%s' is not among: %s", line, word, offered);
}

static void check_offers_not(const char *line, const char *word)
{
	if (offers(line, word))
		fail_msg("'%s': '%s' is offered: %s", line, word, offered);
}

/* ---- all tables ------------------------------------------------------------------------------ */

static void each_option(void (*test)(const struct cmd *cmd, const struct cmd_option *option))
{
	for (const struct cmd *const *cmd = cmds; *cmd; cmd++) {
		const struct cmd *const alone[] = {*cmd, NULL};

		for (const struct cmd *const *verb = alone; verb && *verb;
		     verb = verb == alone && (*cmd)->verbs ? (*cmd)->verbs : NULL)
			for (const struct cmd_option *option = (*verb)->options;
			     option->name || option->letter; option++)
				if (!option->hidden)
					test(*verb, option);
	}
}

static void option_is_offered(const struct cmd *cmd, const struct cmd_option *option)
{
	char line[80], word[64];

	snprintf(line, sizeof(line), "%s%s%s -", cmd->of ? cmd->of->name : "", cmd->of ? " " : "",
		 cmd->name);
	if (option->letter) {
		snprintf(word, sizeof(word), "-%c", option->letter);
		check_offers(line, word);
	}
	if (option->name) {
		snprintf(word, sizeof(word), "--%s", option->name);
		check_offers(line, word);
	}
}

static void test_options_are_offered(void **state)
{
	(void)state;
	each_option(option_is_offered);
}

static char *page_of(const struct cmd *cmd)
{
	const struct manual manual = {"1", "2000-01-01"};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	if (cmd)
		manual_verb(cmd, &manual, f);
	else
		manual_program(cmds, &manual, f);
	fclose(f);
	return text;
}

static void option_is_told(const struct cmd *cmd, const struct cmd_option *option)
{
	char *page = page_of(cmd), name[96] = "\\-\\-", *row;

	for (const char *p = option->name; p && *p; p++)
		snprintf(name + strlen(name), sizeof(name) - strlen(name), "%s%c",
			 *p == '-' ? "\\" : "", *p);
	if (!option->name)
		snprintf(name, sizeof(name), "\\-%c", option->letter);
	row = strstr(page, ".TP\n.B ");
	while (row && !(strstr(row, name) && strstr(row, name) < strchr(row + 7, '\n')))
		row = strstr(row + 1, ".TP\n.B ");
	if (!row)
		fail_msg("%s: the page has no row of %s", cmd->name, name);
	free(page);
}

static void test_options_are_in_pages(void **state)
{
	(void)state;
	each_option(option_is_told);
}

/* No line of text begins like a request of roff. */
static void check_page(const char *page)
{
	static const char *const requests[] = {"TH", "SH", "PP", "TP", "nf", "fi",
					       "B",  "BR", "RI", "br", "I",  "IR"};

	for (const char *line = page; line; line = strchr(line, '\n')) {
		bool known = false;

		line += *line == '\n';
		if (*line != '.' || line[1] == '\\')
			continue;
		for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
			size_t len = strlen(requests[i]);

			known |= !strncmp(line + 1, requests[i], len) &&
				 strchr(" \n", line[1 + len]);
		}
		if (!known)
			fail_msg("a line begins with %.20s", line);
	}
}

static void test_pages_are_roff(void **state)
{
	char *page = page_of(NULL);

	(void)state;
	check_page(page);
	for (const struct cmd *const *cmd = cmds; *cmd; cmd++) {
		char *of_verb = page_of(*cmd);

		check_page(of_verb);
		assert_non_null(strstr(page, (*cmd)->summary));
		free(of_verb);
	}
	free(page);
}

/* ---- places of a line ------------------------------------------------------------------------ */

static void test_words(void **state)
{
	char node[16], end[16], lab[16], command[16], file[16];

	(void)state;
	snprintf(node, sizeof(node), "<%x>", VALUE_NODE);
	snprintf(end, sizeof(end), "<%x>", VALUE_END);
	snprintf(lab, sizeof(lab), "<%x>", VALUE_LAB);
	snprintf(command, sizeof(command), "<%x>", VALUE_COMMAND);
	snprintf(file, sizeof(file), "<%x>", VALUE_LAB_FILE);

	check_offers("", "up");
	check_offers("t", "traceroute");
	check_offers_not("t", "up");
	check_offers("help w", "why");
	check_offers("-l x st", "stats");
	check_offers("-l ", lab);
	check_offers("stats -l ", lab);
	check_offers("up ", file);
	check_offers("up --hooks ", "in");
	check_offers("up --hooks=o", "--hooks=out");
	check_offers("bench --what rtt,", "rtt,tcp");
	check_offers("bench ", "build");
	check_offers("bench build ", "chain");
	check_offers_not("bench x ", "build");
	check_offers("link ", end);
	check_offers("link a:eth0 ", "up");
	check_offers("link a:eth0 ", "address");
	check_offers("link a:eth0 address ", "add");
	check_offers_not("link a:eth0 address ", "up");
	check_offers("route r add default ", "via");
	check_offers("route r add default via 10.0.0.1 ", "dev");
	check_offers("route r add ", "blackhole");
	check_offers("exec ", node);
	check_offers("exec a ", command);
	check_offers("exec a ping -", command);
	check_offers_not("exec a ping -", "-l");
	check_offers("ping a ", node);
	check_offers("trace node ", node);
	check_offers("trace type request fai", "failed");
	check_offers_not("trace -- -", "--stack");
	assert_string_equal(complete("nonsense "), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_are_offered),
		cmocka_unit_test(test_options_are_in_pages),
		cmocka_unit_test(test_pages_are_roff),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
