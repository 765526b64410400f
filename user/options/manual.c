// SPDX-License-Identifier: GPL-2.0-only
/* manual.c - man pages of verbs, in man(7)'s macros, from their tables: see options.h. */
#include <ctype.h>
#include <string.h>

#include "user/options/options.h"

/* ---- text ------------------------------------------------------------------------------------ */

/* Text that roff takes as it is; start: at the start of a line. */
static void put(FILE *f, const char *text, size_t len, bool start)
{
	for (size_t i = 0; i < len; i++) {
		if (start && (text[i] == '.' || text[i] == '\''))
			fputs("\\&", f);
		start = text[i] == '\n';
		if (text[i] == '\\')
			fputs("\\e", f);
		else if (text[i] == '-')
			fputs("\\-", f); /* one that can be copied into a terminal */
		else
			fputc(text[i], f);
	}
}

/* Lines that were broken for a terminal's width: a page breaks them anew. */
static void put_filled(FILE *f, const char *text)
{
	for (const char *line = text, *end; *line; line = end + (*end == '\n')) {
		end = line + strcspn(line, "\n");
		while (*line == ' ')
			line++;
		put(f, line, end - line, true);
		fputc('\n', f);
	}
}

/* Lines that stay as they are: columns, commands. Empty lines keep their height. */
static void put_lines(FILE *f, const char *text)
{
	fputs(".nf\n", f);
	for (const char *line = text, *end; *line; line = end + (*end == '\n')) {
		end = line + strcspn(line, "\n");
		if (end == line)
			fputs("\\&", f);
		put(f, line, end - line, true);
		fputc('\n', f);
	}
	fputs(".fi\n", f);
}

static void put_row(FILE *f, const char *label, const char *text)
{
	fputs(".TP\n.B ", f);
	put(f, label, strlen(label), false);
	fputc('\n', f);
	if (*text)
		put_filled(f, text);
	else
		fputs("\\&\n", f);
}

/* ---- parts of a page ------------------------------------------------------------------------- */

static bool is_last(const struct cmd_option *option)
{
	return !option->name && !option->letter;
}

static void put_choices(FILE *f, const struct cmd_choice *choice)
{
	char label[96];

	for (; choice && choice->word; choice++) {
		if (!choice->text)
			continue;
		snprintf(label, sizeof(label), "%s%s%s", choice->word, choice->value ? " " : "",
			 choice->value ? choice->value : "");
		put_row(f, label, choice->text);
	}
}

/* Forms of a verb share operands: each is told once. */
static bool told_before(const struct cmd_operand *first, const struct cmd_operand *operand)
{
	for (; first != operand; first++)
		if (!strcmp(first->word, operand->word) && first->text == operand->text)
			return true;
	return false;
}

static void put_operands(FILE *f, const struct cmd *cmd)
{
	char label[96];
	bool any = false;

	for (const struct cmd_operand *o = cmd->operands; o && o->word; o++) {
		const char *text = o->row && *o->row ? o->row : o->text;

		if (!text || told_before(cmd->operands, o))
			continue;
		if (!any)
			fputs(".SH OPERANDS\n", f);
		any = true;
		snprintf(label, sizeof(label), "%s%s%s", o->keyword ? o->keyword : "",
			 o->keyword ? " " : "", o->word);
		put_row(f, o->label ? o->label : label, text);
		put_choices(f, o->choices);
	}
}

/* "-c, --count N": all names of an option, whichever the help calls it by. */
static void option_names(const struct cmd_option *option, char *label, size_t size)
{
	size_t n = 0;

	if (option->letter)
		n += snprintf(label, size, "-%c%s", option->letter, option->name ? ", " : "");
	if (option->name)
		n += snprintf(label + n, size - n, "--%s", option->name);
	if (option->value && n < size)
		snprintf(label + n, size - n, option->optional ? " [%s]" : " %s", option->value);
}

static void put_options(FILE *f, const struct cmd *cmd)
{
	char label[128];
	bool any = false;

	for (int group = OPTIONS_MAIN; group <= OPTIONS_COMMON; group++)
		for (const struct cmd_option *o = cmd->options; !is_last(o); o++) {
			if ((int)o->group != group || o->hidden || !o->text)
				continue;
			if (!any)
				fputs(".SH OPTIONS\n", f);
			any = true;
			option_names(o, label, sizeof(label));
			put_row(f, label, o->text);
			if (o->kind == VALUE_CHOICE || o->kind == VALUE_LIST)
				put_choices(f, o->choices);
		}
}

static void put_synopsis(FILE *f, const struct cmd *cmd)
{
	char usage[USAGE_SIZE];
	const char *p = help_usage(cmd, usage);

	fprintf(f, ".SH SYNOPSIS\n.B vethlab %s%s%s\n", cmd->of ? cmd->of->name : "",
		cmd->of ? " " : "", cmd->name);
	if (*p) {
		put(f, p, strlen(p), true);
		fputc('\n', f);
	}
}

static void put_head(FILE *f, const char *name, const char *summary, const struct manual *manual)
{
	char title[64] = "";

	for (size_t i = 0; name[i] && i < sizeof(title) - 1; i++)
		title[i] = toupper((unsigned char)name[i]);
	fprintf(f, ".\\\" made from the table of the verb: do not edit\n.TH ");
	put(f, title, strlen(title), false);
	fprintf(f, " 1 \"%s\" \"vethlab %s\" \"vethlab\"\n.SH NAME\n", manual->date,
		manual->version);
	put(f, name, strlen(name), true);
	fputs(" \\- ", f);
	put(f, summary, strlen(summary), false);
	fputc('\n', f);
}

static void put_exit_status(FILE *f)
{
	char label[8], text[512];

	fputs(".SH EXIT STATUS\n", f);
	for (int code = 0; code < ERR_STATUSES; code++) {
		snprintf(label, sizeof(label), "%d", code);
		err_status_text(code, text, sizeof(text));
		put_row(f, label, text);
	}
}

/* ---- pages ----------------------------------------------------------------------------------- */

void manual_verb(const struct cmd *cmd, const struct manual *manual, FILE *f)
{
	char name[64];

	snprintf(name, sizeof(name), "vethlab-%s%s%s", cmd->of ? cmd->of->name : "",
		 cmd->of ? "-" : "", cmd->name);
	put_head(f, name, cmd->summary, manual);
	put_synopsis(f, cmd);
	fputs(".SH DESCRIPTION\n", f);
	put(f, cmd->summary, strlen(cmd->summary), true);
	fputs(".\n", f);
	if (cmd->about) {
		fputs(".PP\n", f);
		put_lines(f, cmd->about);
	}
	put_operands(f, cmd);
	put_options(f, cmd);
	if (cmd->notes) {
		fputs(".SH NOTES\n", f);
		put_lines(f, cmd->notes);
	}
	if (cmd->examples) {
		fputs(".SH EXAMPLES\n", f);
		put_lines(f, cmd->examples);
	}
	put_exit_status(f);
	fputs(".SH SEE ALSO\n.BR vethlab (1),\n.BR vethlab\\-lab (5)\n", f);
}

void manual_program(const struct cmd *const *verbs, const struct manual *manual, FILE *f)
{
	put_head(f, "vethlab", "network labs of namespaces and veth links, watched by eBPF",
		 manual);
	fputs(".SH SYNOPSIS\n.B vethlab\n.RI [ \\-l \" LAB\" \"] [\" \\-j \"] VERB [ARGUMENTS]\"\n"
	      ".br\n.B vethlab help\n[VERB]\n.br\n.B vethlab \\-\\-version\n"
	      ".SH DESCRIPTION\n"
	      "vethlab builds labs of network namespaces and veth links from a lab file, counts\n"
	      "and follows what crosses each link, and says where and why a packet was lost.\n"
	      "An end of a link is called\n.IR node : interface .\n"
	      ".SH VERBS\nEach has a page of its own, vethlab\\-VERB(1).\n",
	      f);
	for (; *verbs; verbs++)
		put_row(f, (*verbs)->name, (*verbs)->summary);
	fputs(".SH OPTIONS\nThese may stand before the verb as well.\n", f);
	put_row(f, "-l, --lab LAB", "the lab, where several run");
	put_row(f, "-j, --json", "output for programs");
	fputs(".SH FILES\n", f);
	put_row(f, "/run/vethlab", "what runs: a directory a lab, which `down` removes");
	put_row(f, "/run/netns", "a namespace a node, for `ip netns`, too");
	put_row(f, "/sys/fs/bpf/vethlab", "pinned maps and programs, a directory a lab");
	put_exit_status(f);
	fputs(".SH SEE ALSO\n.BR vethlab\\-lab (5),\n.BR vethlab\\-maps (7),\n.BR ip\\-netns (8),\n"
	      ".BR veth (4),\n.BR tcpdump (8),\n.BR bpftool (8)\n",
	      f);
}
