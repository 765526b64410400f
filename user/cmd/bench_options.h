/* SPDX-License-Identifier: GPL-2.0-only */
/* bench_options.h - the command line of `vethlab bench`. */
#ifndef VETHLAB_USER_CMD_BENCH_OPTIONS_H
#define VETHLAB_USER_CMD_BENCH_OPTIONS_H

#include "user/bench/bench.h"
#include "user/cmd/cmd.h"

enum bench_format { BENCH_TEXT, BENCH_JSON, BENCH_CSV };

struct bench_args {
	struct bench_options
		options; /* what is measured; first, so that a target of options is it */
	enum bench_format format;
	bool plot;
	const char *compare; /* borrowed; NULL: with nothing */
	double threshold;    /* percent */
};

extern const struct cmd_operand bench_operands[];
extern const struct cmd_option bench_options[];

/* Returns 0 or ERR_USAGE. The words of options are argv's. */
int bench_parse(struct bench_args *args, int argc, char **argv, struct err *err);

#endif
