// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - dispatches the verb, prints the error once, sets the exit status. The main thread never
 * changes namespace.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <jansson.h>
#include <libfyaml.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "user/base/kernel_floor.h"
#include "user/cmd/cmd.h"
#include "user/output/output.h"
#include "user/version.h" /* written by packaging/packaging.mk */

/* The verb behind another one, as build behind bench; NULL: there is none of that name. */
static const struct cmd *verb_below(const struct cmd *cmd, const char *name)
{
	for (const struct cmd *const *verb = cmd->verbs; verb && *verb; verb++)
		if (!strcmp((*verb)->name, name))
			return *verb;
	return NULL;
}

static int unexpected(const char *word, const char *usage, struct err *err)
{
	err_set(err, ERR_USAGE, EINVAL, "unexpected '%s'", word);
	err_hint(err, "usage: %s", usage);
	return ERR_USAGE;
}

/* What packaging/man.sh makes pages of: `vethlab help --man DATE [VERB]`, "bench build" one word.
 */
static int manual(int argc, char **argv, struct err *err)
{
	const struct manual pages = {VETHLAB_VERSION, argv[0]};
	const struct cmd *cmd;

	if (argc < 2) {
		manual_program(cmds, &pages, stdout);
		return 0;
	}
	cmd = cmd_find(argv[1]);
	if (cmd && argc > 2)
		cmd = verb_below(cmd, argv[2]) ?: cmd;
	if (!cmd)
		return cmd_unknown(argv[1], err);
	manual_verb(cmd, &pages, stdout);
	return 0;
}

static int help(int argc, char **argv, struct err *err)
{
	static const char help_usage[] = "vethlab help [VERB|exit]";
	const struct cmd *cmd, *below;

	if (argc > 2 && !strcmp(argv[1], "--man"))
		return manual(argc - 2, argv + 2, err);
	if (argc > 2 && (!strcmp(argv[1], "help") || !strcmp(argv[1], "exit")))
		return unexpected(argv[2], help_usage, err);
	if (argc < 2 || !strcmp(argv[1], "help")) {
		help_print_verbs(cmds, cmd_groups, stdout);
		return 0;
	}
	if (!strcmp(argv[1], "exit")) {
		help_print_exit(stdout);
		return 0;
	}
	cmd = cmd_find(argv[1]);
	if (!cmd)
		return cmd_unknown(argv[1], err);
	below = argc > 2 ? verb_below(cmd, argv[2]) : NULL;
	if (argc > 2 + !!below)
		return unexpected(argv[2 + !!below], help_usage, err);
	help_print(below ?: cmd, stdout);
	return 0;
}

static bool wants_help(int argc, char **argv)
{
	/* Only as the first word: later ones may belong to another program (exec). */
	return argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
}

/*
 * Options that all verbs have may stand before the verb: `-l LAB VERB ...` becomes `VERB -l LAB
 * ...`. A verb that does not know them refuses them.
 */
static void options_behind_verb(int argc, char **argv)
{
	char *verb;
	int n = 1;

	while (n < argc) {
		if (!strcmp(argv[n], "-l") || !strcmp(argv[n], "--lab"))
			n += 2;
		else if (!strncmp(argv[n], "-l", 2) || !strncmp(argv[n], "--lab=", 6) ||
			 !strcmp(argv[n], "-j") || !strcmp(argv[n], "--json"))
			n++;
		else
			break;
	}
	if (n == 1 || n >= argc)
		return;
	verb = argv[n];
	memmove(argv + 2, argv + 1, (n - 1) * sizeof(*argv));
	argv[1] = verb;
}

static void print_version(FILE *f)
{
	const char *libbpf = libbpf_version_string(); /* "v1.1" */
	char pcap[32];

	cmd_pcap_version(pcap, sizeof(pcap));
	fprintf(f, "vethlab %s\n", VETHLAB_VERSION);
	fprintf(f, "libraries: libbpf %s, zlib %s, libfyaml %s, jansson %s, libpcap %s\n",
		libbpf + (*libbpf == 'v'), zlibVersion(), fy_library_version(),
		jansson_version_str(), pcap);
	/* These two do not tell at run time which they are. */
	fprintf(f, "built with: libelf %s, libmnl %s\n", VETHLAB_LIBELF, VETHLAB_LIBMNL);
	fprintf(f, "kernel: " KERNEL_FLOOR " or newer, with BTF\n");
}

static int dispatch(int argc, char **argv, struct err *err)
{
	const struct cmd *cmd, *below;

	if (argc < 2) {
		help_print_verbs(cmds, cmd_groups, stderr);
		return ERR_USAGE;
	}
	options_behind_verb(argc, argv);
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(argc - 1, argv + 1, err);
	if (!strcmp(argv[1], "version") || !strcmp(argv[1], "--version") ||
	    !strcmp(argv[1], "-V")) {
		if (argc > 2)
			return unexpected(argv[2], "vethlab version", err);
		print_version(stdout);
		return 0;
	}
	cmd = cmd_find(argv[1]);
	if (!cmd)
		return cmd_unknown(argv[1], err);
	if (wants_help(argc - 1, argv + 1))
		return help(2, argv, err);
	below = argc > 3 && wants_help(argc - 2, argv + 2) ? verb_below(cmd, argv[2]) : NULL;
	if (below) {
		help_print(below, stdout);
		return 0;
	}
	return cmd->run(argc - 1, argv + 1, err);
}

int main(int argc, char **argv)
{
	struct err err = {0}, output = {0};
	int status, written;

	/* A closed pipe is a write error, reported as one; it must not end a build half-way. */
	signal(SIGPIPE, SIG_IGN);
	/* A line at once: what several processes say on one terminal does not mix. */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	status = dispatch(argc, argv, &err);
	/* Output that did not arrive is a failure too; a reader that left (head) is not. */
	written = output_finish(stdout, &output);
	if (written && written != -EPIPE && !err.code)
		err = output;
	if (err.code) {
		output_error(&err, stderr);
		if (status <= 0)
			status = err.code;
	}
	return status;
}
