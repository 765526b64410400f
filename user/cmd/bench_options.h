/* SPDX-License-Identifier: GPL-2.0-only */
/* bench_options.h - the command line of `vethlab bench`. */
#ifndef VETHLAB_USER_CMD_BENCH_OPTIONS_H
#define VETHLAB_USER_CMD_BENCH_OPTIONS_H

#include "user/bench/suite.h"
#include "user/cmd/cmd.h"

extern const struct cmd_operand bench_operands[];
extern const struct cmd_option bench_options[];

/* Returns 0 or ERR_USAGE. The words of options are argv's. */
int bench_parse(struct bench_options *options, int argc, char **argv, struct err *err);

#endif
