/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - what a verb takes on its command line, as data. One table a verb, in the verb's own
 * file, is what the command line is parsed by, and what help, usage lines and "did you mean" are
 * made from. The tables of all verbs (cmds[] of user/cmd) can be walked without running any.
 */
#ifndef VETHLAB_USER_OPTIONS_H
#define VETHLAB_USER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "user/base/err.h"

/* What a value is; of an operand that may be several things, more than one. */
enum value_kind {
	VALUE_NONE = 0,		   /* an option without a value */
	VALUE_NUMBER = 1 << 0,	   /* a whole number from least to most (user/base/number.h) */
	VALUE_DECIMAL = 1 << 1,	   /* a number from low to high that may have a fraction */
	VALUE_DURATION = 1 << 2,   /* least to most in ns (user/base/duration.h) */
	VALUE_CHOICE = 1 << 3,	   /* one of choices */
	VALUE_LIST = 1 << 4,	   /* several of choices, or numbers, with commas between them */
	VALUE_FILE = 1 << 5,	   /* a file that is read */
	VALUE_NEW_FILE = 1 << 6,   /* a file that is written */
	VALUE_LAB_FILE = 1 << 7,   /* the path of a lab file */
	VALUE_BUNDLED = 1 << 8,	   /* the name of a bundled lab */
	VALUE_LAB = 1 << 9,	   /* a lab that runs */
	VALUE_NODE = 1 << 10,	   /* of the lab that is meant */
	VALUE_END = 1 << 11,	   /* node:interface */
	VALUE_LINK = 1 << 12,	   /* a link, by either of its ends */
	VALUE_ADDRESS = 1 << 13,   /* IPv4 or IPv6 */
	VALUE_PREFIX = 1 << 14,	   /* an address with its length */
	VALUE_INTERFACE = 1 << 15, /* of a node */
	VALUE_NETNS = 1 << 16,	   /* a name of `ip netns`, or a path */
	VALUE_PROCESS = 1 << 17,   /* the number of a process */
	VALUE_NAME = 1 << 18,	   /* a new name */
	VALUE_FILTER = 1 << 19,	   /* words of `vethlab trace`'s filter; or, of -f, tcpdump's */
	VALUE_COMMAND = 1 << 20,   /* a program, or its arguments */
};

/* A word that stands for itself. A list of them ends with a NULL word. */
struct cmd_choice {
	const char *word;
	const char *value;    /* what follows it: "N", "[FANOUT]"; NULL: nothing */
	enum value_kind kind; /* of what follows */
	const char *text;     /* its line in the help; NULL: it has none */
};

/* Where options stand in a man page, and in which order the help has their lines. */
enum option_group { OPTIONS_MAIN, OPTIONS_OUTPUT, OPTIONS_COMMON };

/* By which of its names an option is called in help and errors. */
enum option_show { SHOW_BOTH, SHOW_NAME, SHOW_LETTER };

/* What is done with the value; see INTO_BOOL and the others. */
enum option_store {
	STORE_NOTHING,
	STORE_TRUE,	/* bool */
	STORE_CONSTANT, /* int or enum: the option's constant */
	STORE_TEXT,	/* const char *, borrowed from argv */
	STORE_U64,	/* uint64_t, also of a duration, in ns */
	STORE_UNSIGNED, /* unsigned */
	STORE_DOUBLE,	/* double */
	STORE_CALL,	/* take() */
};

struct cmd;
struct cmd_option;

/*
 * Takes a value (NULL: there is none) for what stands at target. Returns 0, or an error with err
 * set, as cmd_usage() does it.
 */
typedef int (*option_take)(const struct cmd *cmd, const struct cmd_option *option,
			   const char *value, void *target, struct err *err);

/* A list of options ends with one that has neither name nor letter. */
struct cmd_option {
	const char *name; /* without "--"; NULL: it has a letter only */
	char letter;	  /* '\0': it has a name only */
	enum option_show show;
	enum option_group group;

	/* The value. */
	const char *value; /* its word in the help: "TIME" */
	enum value_kind kind;
	bool optional;			  /* the value may be missing */
	bool (*next)(const char *word);	  /* the next word is the optional value if this says so */
	uint64_t least, most;		  /* most 0: no limit */
	double low, high;		  /* of VALUE_DECIMAL */
	const struct cmd_choice *choices; /* of VALUE_CHOICE, VALUE_LIST */
	const char *initial;		  /* stored before the command line is read */
	const char *otherwise;		  /* what holds where it is not said, if the verb decides */
	const char *wrong;		  /* the error of a value that does not fit */

	/* Where it goes. */
	enum option_store store;
	size_t offset; /* in the verb's arguments */
	int constant;
	option_take take;

	/* What is told. */
	const char *text;  /* what it does; lines are broken where the help breaks them */
	const char *row;   /* the text in the help, where it differs; NO_ROW: the help has none */
	const char *label; /* how the line in the help begins, where it differs */
	const char *usage; /* in the usage line, where it differs; "": it is not in it */
	bool hidden;	   /* taken, but neither told in the help nor suggested */
	bool required;
	bool alternative; /* to the option before, in the usage line */
	bool early;	  /* stands before the operands in the usage line */
};

/* A list of operands ends with a NULL word. */
struct cmd_operand {
	const char *word;    /* in the usage line: "NODE" */
	const char *keyword; /* is typed before it: "via" */
	enum value_kind kind;
	const struct cmd_choice *choices;
	bool optional;
	bool many;	   /* it may be repeated */
	unsigned form;	   /* operands of another form stand instead of those of the form before */
	const char *text;  /* what it is */
	const char *row;   /* as of an option */
	const char *label; /* as of an option */
};

#define NO_ROW ""

/*
 * Where the value of an option goes: INTO_BOOL(struct up_args, options.isolated). A member of
 * another type does not compile without a warning.
 */
#define INTO_MEMBER(type, of, member)                                                              \
	.offset = offsetof(of, member) + 0 * sizeof((type *)0 == &((of *)0)->member)
#define INTO_BOOL(of, member)	  .store = STORE_TRUE, INTO_MEMBER(bool, of, member)
#define INTO_TEXT(of, member)	  .store = STORE_TEXT, INTO_MEMBER(const char *, of, member)
#define INTO_U64(of, member)	  .store = STORE_U64, INTO_MEMBER(uint64_t, of, member)
#define INTO_UNSIGNED(of, member) .store = STORE_UNSIGNED, INTO_MEMBER(unsigned, of, member)
#define INTO_DOUBLE(of, member)	  .store = STORE_DOUBLE, INTO_MEMBER(double, of, member)
#define INTO_CALL(function, type, of, member)                                                      \
	.store = STORE_CALL, .take = function, INTO_MEMBER(type, of, member)
/* The function gets the verb's arguments as a whole. */
#define INTO_ARGS(function) .store = STORE_CALL, .take = function

struct cmd {
	const char *name;
	const char *summary;		    /* one line */
	const struct cmd_operand *operands; /* NULL: none */
	const struct cmd_option *options;
	bool stops; /* options end at the first operand: the rest is another program's */
	/* The help: about, operands and options, notes, examples; NULL: it has none of it. */
	const char *about, *notes;	/* lines */
	const char *examples;		/* commands, one a line */
	unsigned column;		/* where the texts of options begin; 0: OPTION_COLUMN */
	const char *usage_end;		/* what the usage line ends with: "..." */
	const struct cmd *const *verbs; /* verbs of this verb (`bench build`), NULL at the end */
	const struct cmd *of;		/* the verb that this one is a verb of */
	/* argv[0] is the verb. Returns the exit status: enum err_code, or a child's. */
	int (*run)(int argc, char **argv, struct err *err);
};
enum { OPTION_COLUMN = 18 };

/* The operands that were typed. */
struct cmd_words {
	int argc;
	char **argv;
};

/*
 * Parse the options of a verb into args, a struct that the verb's table knows; argv[0] is the verb.
 * Options may stand behind operands, unless the verb says otherwise; `--` ends them. argv is put
 * into another order. Returns 0 or the exit status with err set.
 */
int options_parse(const struct cmd *cmd, void *args, int argc, char **argv, struct cmd_words *words,
		  struct err *err);

/* The option that may be meant by a word like "--flod"; NULL: none. */
const struct cmd_option *options_near(const struct cmd *cmd, const char *typed);
/* Whether options and operands have a line in the help. */
bool option_has_row(const struct cmd_option *option);
/* "-c", "--for": as errors and usage lines call it. */
enum { OPTION_TEXT_SIZE = 48 };
const char *option_text(const struct cmd_option *option, char buf[OPTION_TEXT_SIZE]);

/* "FILE|NAME [--isolated] ...": all that follows the verb, in one line. */
enum { USAGE_SIZE = 320 };
const char *help_usage(const struct cmd *cmd, char buf[USAGE_SIZE]);
/* `vethlab help VERB` */
void help_print(const struct cmd *cmd, FILE *f);
/* Of a list of verbs, those from first on, until another group begins; a NULL first ends a list. */
struct cmd_group {
	const struct cmd *first;
	const char *title;
};
/* `vethlab help`: the verbs of a list that ends with NULL, under the titles of groups. */
void help_print_verbs(const struct cmd *const *verbs, const struct cmd_group *groups, FILE *f);
/* `vethlab help exit`: what each exit status says. */
void help_print_exit(FILE *f);

/* What all man pages say. */
struct manual {
	const char *version; /* of the program */
	const char *date;    /* of the pages: "2026-11-27" */
};

/* The man page of a verb, with all of its options, and that of the program, in man(7)'s macros. */
void manual_verb(const struct cmd *cmd, const struct manual *manual, FILE *f);
void manual_program(const struct cmd *const *verbs, const struct manual *manual, FILE *f);

/* Who asks which words may come next. */
struct completion {
	/* Called with each word, which is valid during the call; text: what it is, or NULL. */
	void (*offer)(const char *word, const char *text, void *arg);
	/* Called to offer values of one kind that no table has: labs, nodes, files. */
	void (*values)(const char *typed, enum value_kind kind, void *arg);
	void *arg;
};

/*
 * The words that may stand where words[n - 1], which may be "", is being typed; words[0] is the
 * first one behind "vethlab", n is 1 or more. The order of words is changed.
 */
void completion_words(const struct cmd *const *verbs, const struct completion *completion, int n,
		      char **words);

/* A usage error that ends with how the verb is called; returns ERR_USAGE. */
int cmd_usage(struct err *err, const struct cmd *cmd, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Add how the verb is called to a usage error. */
void cmd_usage_hint(struct err *err, const struct cmd *cmd);

#endif
