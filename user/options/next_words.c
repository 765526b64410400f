// SPDX-License-Identifier: GPL-2.0-only
/*
 * next_words.c - which words may come next on a command line, from the tables of the verbs: see
 * options.h.
 */
#include <string.h>

#include "user/options/options.h"

struct line_end {
	const struct completion *completion;
	const char *current; /* what is typed of the word */
};

static bool is_last(const struct cmd_option *option)
{
	return !option->name && !option->letter;
}

static void offer(const struct line_end *end, const char *word, const char *text)
{
	if (!strncmp(word, end->current, strlen(end->current)))
		end->completion->offer(word, text, end->completion->arg);
}

/* The choice that is behind the last comma of what is typed, behind those before it. */
static void offer_list(const struct line_end *end, const struct cmd_choice *choice)
{
	const char *comma = strrchr(end->current, ',');
	char word[256];

	for (; choice && choice->word; choice++) {
		snprintf(word, sizeof(word), "%.*s%s", comma ? (int)(comma + 1 - end->current) : 0,
			 end->current, choice->word);
		offer(end, word, choice->text);
	}
}

static void offer_values(const struct line_end *end, enum value_kind kind,
			 const struct cmd_choice *choices)
{
	if (kind & VALUE_LIST) {
		offer_list(end, choices);
		return;
	}
	for (; choices && choices->word; choices++)
		offer(end, choices->word, choices->text);
	for (unsigned bit = 1; bit && bit <= (unsigned)kind; bit <<= 1)
		if (kind & bit)
			end->completion->values(end->current, bit, end->completion->arg);
}

static void offer_options(const struct line_end *end, const struct cmd *cmd)
{
	char name[64];

	for (const struct cmd_option *option = cmd->options; !is_last(option); option++) {
		if (option->hidden)
			continue;
		if (option->name) {
			snprintf(name, sizeof(name), "--%s", option->name);
			offer(end, name, option->text);
		}
		if (option->letter) {
			snprintf(name, sizeof(name), "-%c", option->letter);
			offer(end, name, option->text);
		}
	}
}

/* ---- where the line is ----------------------------------------------------------------------- */

/* The option that a word names, and in *value what stands behind "=" or the letter; else NULL. */
static const struct cmd_option *option_of(const struct cmd *cmd, const char *word,
					  const char **value)
{
	size_t len = strcspn(word, "=");

	*value = NULL;
	for (const struct cmd_option *option = cmd->options; !is_last(option); option++) {
		if (!strncmp(word, "--", 2)) {
			if (!option->name || strlen(option->name) != len - 2 ||
			    strncmp(option->name, word + 2, len - 2) != 0)
				continue;
			*value = word[len] ? word + len + 1 : NULL;
			return option;
		}
		if (word[0] == '-' && word[1] && word[1] == option->letter) {
			*value = word[2] ? word + 2 : NULL;
			return option;
		}
	}
	return NULL;
}

static bool wants_value(const struct cmd_option *option)
{
	return option->kind != VALUE_NONE && !option->optional;
}

/* A word of a filter that another one follows: "node". NULL: none. */
static const struct cmd_choice *filter_word(const struct cmd_operand *operand, const char *word)
{
	for (const struct cmd_choice *c = operand->choices; c && c->word; c++)
		if (c->value && c->kind && !strcmp(c->word, word))
			return c;
	return NULL;
}

static const char *last_of(const struct cmd_words *operands)
{
	return operands->argc ? operands->argv[operands->argc - 1] : "";
}

/* Whether what was typed fits the operands of a form, and which of them comes next. */
static const struct cmd_operand *next_operand(const struct cmd_operand *operand,
					      const struct cmd_words *typed)
{
	unsigned form = operand->form;
	int i = 0;

	for (; operand->word && operand->form == form; operand++) {
		if (operand->keyword) /* it may be typed or not: offered while it is not */
			break;
		if (i == typed->argc || operand->many || operand->kind & VALUE_FILTER)
			return operand;
		if (operand->choices && operand->kind == VALUE_CHOICE) {
			const struct cmd_choice *c = operand->choices;

			while (c->word && strcmp(c->word, typed->argv[i]) != 0)
				c++;
			if (!c->word)
				return NULL; /* another form */
		}
		i++;
	}
	return operand->word && operand->form == form ? operand : NULL;
}

/* "via", "dev"; or, where one of them was typed last, what follows it. */
static void offer_keywords(const struct line_end *end, const struct cmd_operand *first,
			   const struct cmd_words *typed)
{
	const struct cmd_operand *operand;

	for (operand = first; operand->word && operand->form == first->form; operand++) {
		if (!operand->keyword || strcmp(operand->keyword, last_of(typed)) != 0)
			continue;
		offer_values(end, operand->kind, operand->choices);
		return;
	}
	for (operand = first; operand->word && operand->form == first->form; operand++)
		if (operand->keyword)
			offer(end, operand->keyword, operand->text);
}

static void offer_operand(const struct line_end *end, const struct cmd_operand *operand,
			  const struct cmd_words *typed)
{
	const struct cmd_choice *word = filter_word(operand, last_of(typed));

	if (operand->keyword) {
		offer_keywords(end, operand, typed);
	} else if (operand->kind & VALUE_FILTER && word) {
		offer_values(end, word->kind, NULL);
	} else {
		offer_values(end, operand->kind & ~VALUE_FILTER, operand->choices);
	}
}

static void offer_operands(const struct line_end *end, const struct cmd *cmd,
			   const struct cmd_words *typed)
{
	const struct cmd_operand *operand = cmd->operands, *last = NULL;

	while (operand && operand->word) {
		const struct cmd_operand *next = next_operand(operand, typed);
		unsigned form = operand->form;

		/* Forms that begin alike offer the same. */
		if (next && !(last && next->kind == last->kind && next->choices == last->choices &&
			      !next->keyword))
			offer_operand(end, next, typed);
		last = next ? next : last;
		while (operand->word && operand->form == form)
			operand++;
	}
}

/* ---- a line ---------------------------------------------------------------------------------- */

static const struct cmd *find(const struct cmd *const *verbs, const char *word)
{
	for (; verbs && *verbs; verbs++)
		if (!strcmp((*verbs)->name, word))
			return *verbs;
	return NULL;
}

static void offer_verbs(const struct line_end *end, const struct cmd *const *verbs)
{
	for (; verbs && *verbs; verbs++)
		offer(end, (*verbs)->name, (*verbs)->summary);
}

/* Options before the verb: -l LAB, -j. Returns how many words they are; -1: LAB is what is typed.
 */
static int options_before(int n, char **words)
{
	int i = 0;

	while (i < n) {
		if (!strcmp(words[i], "-l") || !strcmp(words[i], "--lab"))
			i += 2;
		else if (words[i][0] == '-')
			i++;
		else
			break;
	}
	return i > n ? -1 : i;
}

static void complete_verb(const struct line_end *end, const struct cmd *cmd, int n, char **words)
{
	struct cmd_words operands = {0, words}; /* in front of what was read */
	const struct cmd_option *option = NULL;
	bool options_end = false;
	const char *value;

	for (int i = 0; i < n; i++) {
		const struct cmd *verb = operands.argc ? NULL : find(cmd->verbs, words[i]);

		if (verb) {
			complete_verb(end, verb, n - i - 1, words + i + 1);
			return;
		}
		if (options_end || words[i][0] != '-' || !words[i][1]) {
			operands.argv[operands.argc++] = words[i];
			options_end |= cmd->stops;
		} else if (!strcmp(words[i], "--")) {
			options_end = true;
		} else {
			option = option_of(cmd, words[i], &value);
			if (option && wants_value(option) && !value && ++i == n) {
				offer_values(end, option->kind, option->choices);
				return;
			}
		}
	}
	if (!options_end && end->current[0] == '-') {
		offer_options(end, cmd);
		return;
	}
	if (!operands.argc)
		offer_verbs(end, cmd->verbs);
	offer_operands(end, cmd, &operands);
}

/* --name=value: the value alone is completed, and told with the name before it. */
static bool complete_assigned(struct line_end *end, const struct cmd *cmd)
{
	const char *value;
	const struct cmd_option *option;

	if (strncmp(end->current, "--", 2) != 0 || !strchr(end->current, '='))
		return false;
	option = option_of(cmd, end->current, &value);
	for (const struct cmd_choice *c = option ? option->choices : NULL; c && c->word; c++) {
		char word[256];

		snprintf(word, sizeof(word), "%.*s%s", (int)(value - end->current), end->current,
			 c->word);
		offer(end, word, c->text);
	}
	return true;
}

void completion_words(const struct cmd *const *verbs, const struct completion *completion, int n,
		      char **words)
{
	struct line_end end = {completion, words[n - 1]};
	int before = options_before(n - 1, words);
	const struct cmd *cmd;

	if (before < 0) {
		offer_values(&end, VALUE_LAB, NULL);
		return;
	}
	if (before == n - 1) {
		offer_verbs(&end, verbs);
		offer(&end, "help", "what a verb does and takes");
		offer(&end, "--version", "the version of the program");
		return;
	}
	if (!strcmp(words[before], "help")) {
		offer_verbs(&end, verbs);
		return;
	}
	cmd = find(verbs, words[before]);
	if (cmd && !complete_assigned(&end, cmd))
		complete_verb(&end, cmd, n - before - 2, words + before + 1);
}
