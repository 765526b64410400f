/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd.h - the verbs. Each is a function in a file of its own that parses its own arguments
 * (argv[0] is the verb), does the work and prints the result to stdout. It returns the exit status
 * (enum err_code, or a child's) and fills err for main to print.
 */
#ifndef VETHLAB_USER_CMD_H
#define VETHLAB_USER_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/lab/lab.h"
#include "user/path/target.h"

struct cmd {
	const char *name;
	int (*run)(int argc, char **argv, struct err *err);
	const char *usage;   /* "FILE|NAME [--isolated] ..." */
	const char *summary; /* one line */
	const char *help;    /* options and examples, lines ended by \n; NULL: none */
};

/* The table that main dispatches by, ended by a NULL name. */
extern const struct cmd cmds[];

int cmd_up(int argc, char **argv, struct err *err);
int cmd_down(int argc, char **argv, struct err *err);
int cmd_gc(int argc, char **argv, struct err *err);
int cmd_ls(int argc, char **argv, struct err *err);
int cmd_show(int argc, char **argv, struct err *err);
int cmd_exec(int argc, char **argv, struct err *err);
int cmd_shell(int argc, char **argv, struct err *err);
int cmd_doctor(int argc, char **argv, struct err *err);
int cmd_link(int argc, char **argv, struct err *err);
int cmd_plan(int argc, char **argv, struct err *err);
int cmd_apply(int argc, char **argv, struct err *err);
int cmd_route(int argc, char **argv, struct err *err);
int cmd_stats(int argc, char **argv, struct err *err);
int cmd_trace(int argc, char **argv, struct err *err);
int cmd_record(int argc, char **argv, struct err *err);
int cmd_replay(int argc, char **argv, struct err *err);
int cmd_diff(int argc, char **argv, struct err *err);
int cmd_capture(int argc, char **argv, struct err *err);
int cmd_ping(int argc, char **argv, struct err *err);
int cmd_traceroute(int argc, char **argv, struct err *err);
int cmd_why(int argc, char **argv, struct err *err);
int cmd_observe(int argc, char **argv, struct err *err);
int cmd_check(int argc, char **argv, struct err *err);
int cmd_graph(int argc, char **argv, struct err *err);
int cmd_generate(int argc, char **argv, struct err *err);
int cmd_bench(int argc, char **argv, struct err *err);

/* A usage error that ends with how the verb is called; returns ERR_USAGE. */
int cmd_usage(struct err *err, const char *verb, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Add how the verb is called to a usage error. */
void cmd_usage_hint(struct err *err, const char *verb);

/* What getopt_long's ':' or '?' was about, as a usage error; returns ERR_USAGE. */
int cmd_bad_option(struct err *err, const char *verb, int c, char **argv);

/* Arguments of a verb that knows -l LAB and -j only. */
struct cmd_args {
	const char *lab; /* NULL: not said */
	bool json;
	int argc; /* what is left: argv[0] is the first operand */
	char **argv;
};
/*
 * Parse them; with own_words, options end at the first operand (the rest belongs to another
 * program). Returns 0 or ERR_USAGE.
 */
int cmd_parse(struct cmd_args *args, int argc, char **argv, bool own_words, struct err *err);

/*
 * A struct notes' tell: one sentence, to stderr or, where arg is a JSON array (json_t *), into
 * that.
 */
void cmd_note(const char *text, void *arg);

/* A list of in, out, or none (--hooks) as enum hooks. 0, or -1: it is none. */
int cmd_parse_hooks(const char *list, unsigned *hooks);

/* For getopt_long: short options, and the entries that start the table of long ones. */
#define TRIP_OPTIONS "l:j46"
#define TRIP_LONGS                                                                                 \
	{"lab", required_argument, NULL, 'l'},                                                     \
	{                                                                                          \
		"json", no_argument, NULL, 'j'                                                     \
	}
/* Whether c was one of those options, and is noted. */
bool trip_option(struct trip *trip, int c, const char *value);
/* The operands that getopt_long left. 0 or ERR_USAGE. */
int trip_operands(struct trip *trip, int argc, char **argv, struct err *err);

/* The error that no lab of that name runs, with the one that may be meant. */
void cmd_no_lab(const char *name, struct err *err);

/* The path of a lab file from what the user typed: a path, or the name of a bundled lab. */
int cmd_lab_path(const char *typed, char *path, size_t size, struct err *err);

#endif
