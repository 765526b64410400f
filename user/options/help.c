// SPDX-License-Identifier: GPL-2.0-only
/* help.c - usage lines and help of verbs, from their tables: see options.h. */
#include <stdarg.h>
#include <string.h>

#include "user/options/options.h"
#include "user/output/output.h"

enum { LABEL_SIZE = 80 };

/* ---- usage ----------------------------------------------------------------------------------- */

struct text {
	char *buf;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *text, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(text->buf + text->len, text->size - text->len, fmt, ap);
	va_end(ap);
	text->len += len;
	if (text->len >= text->size)
		text->len = text->size - 1;
}

static bool is_last(const struct cmd_option *option)
{
	return !option->name && !option->letter;
}

static bool in_usage(const struct cmd_option *option)
{
	return !option->hidden && (!option->usage || *option->usage);
}

/* "--watch [N]" */
static void add_option(struct text *text, const struct cmd_option *option)
{
	char name[OPTION_TEXT_SIZE];

	if (option->usage) {
		add(text, "%s", option->usage);
		return;
	}
	add(text, "%s", option_text(option, name));
	if (option->value)
		add(text, option->optional ? " [%s]" : " %s", option->value);
}

static void add_options(struct text *text, const struct cmd *cmd, bool early)
{
	for (const struct cmd_option *option = cmd->options; !is_last(option); option++) {
		if (option->early != early || !in_usage(option))
			continue;
		add(text, "%s%s", text->len ? " " : "", option->required ? "" : "[");
		add_option(text, option);
		while (option[1].alternative && in_usage(&option[1])) {
			add(text, "|");
			add_option(text, ++option);
		}
		add(text, "%s", option->required ? "" : "]");
	}
}

/* The forms of a verb of which each may be left out stand in one pair of brackets. */
static bool all_optional(const struct cmd_operand *operands)
{
	for (; operands->word; operands++)
		if (!operands->optional)
			return false;
	return true;
}

static void add_operands(struct text *text, const struct cmd_operand *operands)
{
	unsigned form = 0;
	bool one = false, started = text->len;

	for (const struct cmd_operand *operand = operands; operand->word; operand++)
		one |= operand->form && all_optional(operands);
	if (one)
		add(text, "%s[", started ? " " : "");
	started = started && !one;
	for (const struct cmd_operand *operand = operands; operand->word; operand++) {
		bool brackets = operand->optional && !one;

		if (operand->form != form)
			add(text, " |");
		form = operand->form;
		add(text, "%s%s%s%s%s%s%s", started ? " " : "", brackets ? "[" : "",
		    operand->keyword ? operand->keyword : "", operand->keyword ? " " : "",
		    operand->word, operand->many ? "..." : "", brackets ? "]" : "");
		started = true;
	}
	if (one)
		add(text, "]");
}

const char *help_usage(const struct cmd *cmd, char buf[USAGE_SIZE])
{
	struct text text = {buf, USAGE_SIZE, 0};

	buf[0] = '\0';
	add_options(&text, cmd, true);
	if (cmd->operands)
		add_operands(&text, cmd->operands);
	add_options(&text, cmd, false);
	if (cmd->usage_end)
		add(&text, " %s", cmd->usage_end);
	return buf;
}

/* A line of words in lines that fit: what stands in brackets stays together if it can. */
static void print_usage(const struct cmd *cmd, FILE *f)
{
	char usage[USAGE_SIZE];
	char lead[64];
	size_t column, indent, width = output_width(f);
	const char *p = help_usage(cmd, usage);

	snprintf(lead, sizeof(lead), "usage: vethlab %s%s%s", cmd->of ? cmd->of->name : "",
		 cmd->of ? " " : "", cmd->name);
	column = indent = strlen(lead);
	fputs(lead, f);
	while (*p) {
		size_t len = 0;

		for (int depth = 0; p[len] && (p[len] != ' ' || depth); len++)
			depth += (p[len] == '[') - (p[len] == ']');
		if (column + 1 + len > width && column > indent) {
			fprintf(f, "\n%*s", (int)indent, "");
			column = indent;
		}
		fprintf(f, " %.*s", (int)len, p);
		column += 1 + len;
		p += len + (p[len] == ' ');
	}
	fputc('\n', f);
}

/* ---- help ------------------------------------------------------------------------------------ */

/* A label and its text; a label that is too long has a line of its own. */
static void print_row(FILE *f, unsigned column, const char *label, const char *text)
{
	const char *end;

	fprintf(f, "  %s", label);
	if (*text && strlen(label) + 4 > column)
		fprintf(f, "\n%*s", (int)column, "");
	else if (*text)
		fprintf(f, "%*s", (int)(column - 2 - strlen(label)), "");
	for (; (end = strchr(text, '\n')); text = end + 1)
		fprintf(f, "%.*s\n%*s", (int)(end - text), text, (int)column, "");
	fprintf(f, "%s\n", text);
}

static void option_label(const struct cmd_option *option, char label[LABEL_SIZE])
{
	char name[OPTION_TEXT_SIZE];
	struct text text = {label, LABEL_SIZE, 0};

	if (option->label) {
		add(&text, "%s", option->label);
		return;
	}
	/* Both names, also where errors and usage lines call it by its letter. */
	if (option->show != SHOW_NAME && option->name && option->letter)
		add(&text, "-%c, --%s", option->letter, option->name);
	else
		add(&text, "%s", option_text(option, name));
	if (option->value)
		add(&text, option->optional ? " [%s]" : " %s", option->value);
}

/* Choices that have a text; returns how many. */
static size_t print_choices(FILE *f, unsigned column, const struct cmd_choice *choice)
{
	char label[LABEL_SIZE];
	size_t n = 0;

	for (; choice && choice->word; choice++) {
		if (!choice->text)
			continue;
		snprintf(label, sizeof(label), "%s%s%s", choice->word, choice->value ? " " : "",
			 choice->value ? choice->value : "");
		print_row(f, column, label, choice->text);
		n++;
	}
	return n;
}

/* Returns how many lines it printed. */
static size_t print_rows(FILE *f, const struct cmd *cmd)
{
	unsigned column = cmd->column ? cmd->column : OPTION_COLUMN;
	const struct cmd_operand *operand = cmd->operands;
	char label[LABEL_SIZE];
	size_t n = 0, choices = 0;

	for (; operand && operand->word; operand++) {
		choices += print_choices(f, column, operand->choices);
		if (operand->row && !*operand->row)
			continue;
		print_row(f, column, operand->label ? operand->label : operand->word,
			  operand->row ? operand->row : operand->text);
		n++;
	}
	if (choices)
		fputc('\n', f);
	for (int group = OPTIONS_MAIN; group <= OPTIONS_COMMON; group++)
		for (const struct cmd_option *option = cmd->options; !is_last(option); option++) {
			if ((int)option->group != group || !option_has_row(option))
				continue;
			option_label(option, label);
			print_row(f, column, label, option->row ? option->row : option->text);
			n++;
		}
	return n + choices;
}

static bool has_rows(const struct cmd *cmd)
{
	for (const struct cmd_operand *operand = cmd->operands; operand && operand->word; operand++)
		if (!operand->row || *operand->row)
			return true;
	for (const struct cmd_option *option = cmd->options; !is_last(option); option++)
		if (option_has_row(option))
			return true;
	return false;
}

static void print_examples(const char *text, FILE *f)
{
	const char *end;

	for (; (end = strchr(text, '\n')); text = end + 1)
		fprintf(f, "  %.*s\n", (int)(end - text), text);
}

void help_print(const struct cmd *cmd, FILE *f)
{
	print_usage(cmd, f);
	fprintf(f, "\n%s\n", cmd->summary);
	if (cmd->about)
		fprintf(f, "\n%s", cmd->about);
	if (has_rows(cmd)) {
		fputc('\n', f);
		print_rows(f, cmd);
	}
	if (cmd->notes)
		fprintf(f, "\n%s", cmd->notes);
	if (cmd->examples) {
		fputc('\n', f);
		print_examples(cmd->examples, f);
	}
}

static void print_statuses(FILE *f)
{
	fputs("exit status (`vethlab help exit` tells more)\n", f);
	for (int code = 0; code < ERR_STATUSES; code++)
		fprintf(f, "  %d  %s\n", code, err_statuses[code].what);
}

void help_print_verbs(const struct cmd *const *verbs, const struct cmd_group *groups, FILE *f)
{
	fputs("vethlab: network labs of namespaces and veth links, watched by eBPF at every end\n\n"
	      "usage: vethlab VERB [ARGUMENTS]      vethlab help VERB\n",
	      f);
	for (const struct cmd *const *cmd = verbs; *cmd; cmd++) {
		for (const struct cmd_group *group = groups; group->first; group++)
			if (group->first == *cmd)
				fprintf(f, "\n%s\n", group->title);
		fprintf(f, "  %-11s %s\n", (*cmd)->name, (*cmd)->summary);
	}
	fputs("\n"
	      "  -l, --lab LAB   the lab, where several run\n"
	      "  -j, --json      output for programs\n\n",
	      f);
	print_statuses(f);
}

void help_print_exit(FILE *f)
{
	char lead[16], line[512];

	fputs("The exit status, of all verbs:\n\n", f);
	for (int code = 0; code < ERR_STATUSES; code++) {
		snprintf(lead, sizeof(lead), "  %d  ", code);
		err_status_text(code, line, sizeof(line));
		output_wrap(lead, line, f);
	}
	fputs("\n`exec` and `shell` return the command's; 126, 127: it cannot be run, is not "
	      "found.\n",
	      f);
}

/* ---- errors of usage ----------------------------------------------------------------------------
 */

int cmd_usage(struct err *err, const struct cmd *cmd, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(err, ERR_USAGE, 0, "%s: %s", cmd->of ? cmd->of->name : cmd->name, what);
	cmd_usage_hint(err, cmd);
	return ERR_USAGE;
}

void cmd_usage_hint(struct err *err, const struct cmd *cmd)
{
	char usage[USAGE_SIZE];

	err_hint(err, "usage: vethlab %s%s%s %s", cmd->of ? cmd->of->name : "", cmd->of ? " " : "",
		 cmd->name, help_usage(cmd, usage));
}
