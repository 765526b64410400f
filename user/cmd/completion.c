// SPDX-License-Identifier: GPL-2.0-only
/*
 * completion.c - vethlab completion: scripts that make shells complete command lines. They ask
 * `vethlab completion words`, which reads the tables of the verbs and the labs that run.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/cmd/cmd.h"
#include "user/output/output.h"

/* ---- scripts --------------------------------------------------------------------------------- */

/* Bash splits words at colons; vethlab gets those that a person sees. */
static const char bash_script[] =
	"# bash completion for vethlab: eval \"$(vethlab completion bash)\"\n"
	"_vethlab() {\n"
	"	local line=${COMP_LINE:0:COMP_POINT} word text typed before=\n"
	"	local -a words\n"
	"	read -ra words <<<\"$line\"\n"
	"	[[ $line != *[[:space:]] ]] || words+=(\"\")\n"
	"	typed=${words[${#words[@]} - 1]}\n"
	"	[[ $typed != *[:=]* ]] || before=${typed%\"${typed##*[:=]}\"}\n"
	"	COMPREPLY=()\n"
	"	while IFS=$'\\t' read -r word text; do\n"
	"		case $word in\n"
	"		:files)\n"
	"			compopt -o filenames\n"
	"			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "
	"\"$typed\")\n"
	"			;;\n"
	"		:commands)\n"
	"			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -c -- "
	"\"$typed\")\n"
	"			;;\n"
	"		*) COMPREPLY+=(\"${word#\"$before\"}\") ;;\n"
	"		esac\n"
	"	done < <(vethlab completion words -- \"${words[@]:1}\" 2>/dev/null)\n"
	"}\n"
	"complete -F _vethlab vethlab\n";

static const char zsh_script[] =
	"#compdef vethlab\n"
	"# zsh completion for vethlab: as _vethlab in a directory of $fpath, or\n"
	"# source <(vethlab completion zsh)\n"
	"_vethlab() {\n"
	"	local word text\n"
	"	local -a found\n"
	"	while IFS=$'\\t' read -r word text; do\n"
	"		case $word in\n"
	"		(:files) _files ;;\n"
	"		(:commands) _command_names ;;\n"
	"		(*) found+=(\"${word//:/\\\\:}${text:+:$text}\") ;;\n"
	"		esac\n"
	"	done < <(vethlab completion words -- \"${(@)words[2,CURRENT-1]}\" \"$PREFIX\" "
	"2>/dev/null)\n"
	"	(( ! $#found )) || _describe vethlab found\n"
	"}\n"
	"if [[ $funcstack[1] == _vethlab ]]; then _vethlab; else compdef _vethlab vethlab; fi\n";

static const char fish_script[] =
	"# fish completion for vethlab: vethlab completion fish | source\n"
	"function __vethlab_words\n"
	"	set -l before (commandline -opc)\n"
	"	set -l typed (commandline -ct)\n"
	"	for line in (vethlab completion words -- $before[2..-1] \"$typed\" 2>/dev/null)\n"
	"		switch $line\n"
	"			case ':files*'\n"
	"				__fish_complete_path \"$typed\"\n"
	"			case ':commands*'\n"
	"				complete -C \"$typed\"\n"
	"			case '*'\n"
	"				echo $line\n"
	"		end\n"
	"	end\n"
	"end\n"
	"complete -c vethlab -f -a '(__vethlab_words)'\n";

/* ---- words ----------------------------------------------------------------------------------- */

struct asked {
	const char *lab; /* -l LAB of the line; NULL: not said */
};

static void offer(const char *word, const char *text, void *arg)
{
	(void)arg;
	printf("%s\t%.*s\n", word, text ? (int)strcspn(text, "\n") : 0, text ? text : "");
}

static void offer_if(const char *typed, const char *word, const char *text)
{
	if (!strncmp(word, typed, strlen(typed)))
		offer(word, text, NULL);
}

static void offer_bundled(const char *typed)
{
	char **names;
	size_t n;

	if (!cmd_bundled_list(&names, &n, NULL))
		for (size_t i = 0; i < n; i++)
			offer_if(typed, names[i], "bundled lab");
	cmd_bundled_free(names, n);
}

static void offer_labs(const char *typed)
{
	struct err err = {0};
	char **names;
	size_t n;

	if (lab_list(&names, &n, &err))
		return;
	for (size_t i = 0; i < n; i++)
		offer_if(typed, names[i], "lab");
	lab_list_free(names, n);
}

static void offer_netns(const char *typed)
{
	DIR *dir = opendir("/run/netns");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			offer_if(typed, entry->d_name, "namespace");
	if (dir)
		closedir(dir);
}

static void offer_of_lab(const struct asked *asked, const char *typed, enum value_kind kind)
{
	cleanup_running struct running *run = NULL;
	struct err err = {0};

	if (lab_open(&run, asked->lab, &err))
		return;
	for (size_t i = 0; kind == VALUE_NODE && i < run->lab->n_nodes; i++)
		offer_if(typed, run->lab->nodes[i]->name, "node");
	for (size_t i = 0; kind != VALUE_NODE && i < lab_n_ends(run->lab); i++) {
		const struct end *end = lab_end(run->lab, i);
		const char *name = kind == VALUE_INTERFACE ? strchr(end->name, ':') + 1 : end->name;

		offer_if(typed, name, end->peer->name);
	}
}

static void offer_values(const char *typed, enum value_kind kind, void *arg)
{
	switch (kind) {
	case VALUE_LAB:
		offer_labs(typed);
		break;
	case VALUE_NODE:
	case VALUE_END:
	case VALUE_LINK:
	case VALUE_INTERFACE:
		offer_of_lab(arg, typed, kind);
		break;
	case VALUE_NETNS:
		offer_netns(typed);
		break;
	case VALUE_BUNDLED:
		offer_bundled(typed);
		break;
	case VALUE_FILE:
	case VALUE_NEW_FILE:
	case VALUE_LAB_FILE:
		puts(":files");
		break;
	case VALUE_COMMAND:
		puts(":commands");
		break;
	default: /* numbers, addresses, new names: nothing to offer */
		break;
	}
}

static void print_words(int n, char **words)
{
	struct asked asked = {0};
	const struct completion completion = {offer, offer_values, &asked};

	for (int i = 0; i + 1 < n; i++) {
		if (!strcmp(words[i], "-l") || !strcmp(words[i], "--lab"))
			asked.lab = i + 2 < n ? words[i + 1] : NULL;
		else if (!strncmp(words[i], "--lab=", 6))
			asked.lab = words[i] + 6;
	}
	completion_words(cmds, &completion, n, words);
}

/* ---- the verb -------------------------------------------------------------------------------- */

static int completion_main(int argc, char **argv, struct err *err)
{
	struct cmd_args args;
	int ret = cmd_parse(&cmd_completion, &args, argc, argv, err);

	if (ret)
		return ret;
	if (args.argc > 1 && !strcmp(args.argv[0], "words"))
		print_words(args.argc - 1, args.argv + 1);
	else if (args.argc != 1)
		return cmd_usage(err, &cmd_completion, "needs one shell: bash, zsh or fish");
	else if (!strcmp(args.argv[0], "bash"))
		fputs(bash_script, stdout);
	else if (!strcmp(args.argv[0], "zsh"))
		fputs(zsh_script, stdout);
	else if (!strcmp(args.argv[0], "fish"))
		fputs(fish_script, stdout);
	else
		return cmd_usage(err, &cmd_completion, "'%s' is none of bash, zsh, fish",
				 args.argv[0]);
	return 0;
}

static const struct cmd_choice shells[] = {{"bash"}, {"zsh"}, {"fish"}, {NULL}};

static const struct cmd_operand operands[] = {
	{"bash|zsh|fish", .kind = VALUE_CHOICE, .choices = shells, .text = "the shell",
	 .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_LAB(struct cmd_args, .hidden = true),
	OPTION_JSON(struct cmd_args, .hidden = true),
	OPTIONS_END,
};

const struct cmd cmd_completion = {
	.name = "completion",
	.summary = "a script that makes a shell complete vethlab's words",
	.operands = operands,
	.options = options,
	.stops = true,
	.notes = "It offers verbs, options, running labs, their nodes and ends, and files.\n"
		 "`make install` and the packages put it where shells look.\n",
	.examples = "eval \"$(vethlab completion bash)\"\n"
		    "source <(vethlab completion zsh)\n"
		    "vethlab completion fish | source\n",
	.run = completion_main,
};
