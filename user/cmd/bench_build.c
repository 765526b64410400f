// SPDX-License-Identifier: GPL-2.0-only
/* bench_build.c - vethlab bench build: how long labs take to build and to remove. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/interrupt.h"
#include "user/base/number.h"
#include "user/cmd/bench_options.h"
#include "user/cmd/cmd.h"
#include "user/figures/bench_report.h"

static int parse_size(const struct shape_size *size, const char *text, unsigned *value)
{
	uint64_t found = size->normal;

	if (text ? !number_parse(text, size->least, size->most, &found) : !size->normal)
		return -1;
	*value = found;
	return 0;
}

static int parse_shape(struct shape_options *shape, int argc, char **argv, struct err *err)
{
	static char *const usual[] = {"chain", "100"};
	int i;

	if (!argc) {
		argc = 2;
		argv = (char **)usual;
	}
	for (shape->kind = generate_kinds; shape->kind->name; shape->kind++)
		if (!strcmp(shape->kind->name, argv[0]))
			break;
	if (!shape->kind->name)
		return cmd_usage(err, &cmd_bench_build,
				 "build: there is no shape '%s'; `vethlab help "
				 "generate` lists them",
				 argv[0]);
	for (i = 0; i < GENERATE_SIZES_MAX && shape->kind->sizes[i].name; i++) {
		const struct shape_size *size = &shape->kind->sizes[i];

		if (parse_size(size, i + 1 < argc ? argv[i + 1] : NULL, &shape->sizes[i]))
			return cmd_usage(err, &cmd_bench_build,
					 "build: %s of %s is a number from %u to %u", size->name,
					 shape->kind->name, size->least, size->most);
	}
	if (i + 1 < argc)
		return cmd_usage(err, &cmd_bench_build, "build: %s takes no '%s'",
				 shape->kind->name, argv[i + 1]);
	return 0;
}

static int measure(struct bench_build *build, struct err *err)
{
	struct bench_guard guard = {0};
	int ret = bench_guard_begin(&guard, err);

	if (ret)
		return ret;
	interrupt_catch_signals();
	ret = bench_build_measure(build, err);
	bench_guard_end(&guard);
	return ret;
}

struct build_args {
	struct shape_options shape;
	unsigned runs;
	bool json;
};

static int bench_build_main(int argc, char **argv, struct err *err)
{
	cleanup_free struct bench_build *build = calloc(1, sizeof(*build));
	struct build_args args = {.shape.v4 = true};
	struct cmd_words words;
	int ret;

	if (!build)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	ret = options_parse(&cmd_bench_build, &args, argc, argv, &words, err);
	if (ret)
		return ret;
	if (parse_shape(&args.shape, words.argc, words.argv, err))
		return err->code;
	build->shape = &args.shape;
	build->runs = args.runs;
	if (measure(build, err))
		return err->code;
	if (args.json)
		bench_build_print_json(build, stdout);
	else
		bench_build_print_text(build, stdout);
	return 0;
}

_Static_assert(BENCH_RUNS_MAX == 1000, "the error of --runs says so");

static const struct cmd_operand operands[] = {
	{"SHAPE SIZE", .kind = VALUE_CHOICE | VALUE_NUMBER, .choices = shape_choices,
	 .optional = true, .many = true, .text = "as of `vethlab generate`", .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{"runs", .value = "N", .kind = VALUE_NUMBER, .least = 1, .most = BENCH_RUNS_MAX,
	 .initial = "5", .wrong = "not a number from 1 to 1000",
	 .text = "runs of each, in turns (5)", INTO_UNSIGNED(struct build_args, runs)},
	OPTION_JSON(struct build_args),
	OPTIONS_END,
};

const struct cmd cmd_bench_build = {
	.name = "build",
	.of = &cmd_bench,
	.summary = "how long a generated lab takes to build and to remove",
	.operands = operands,
	.options = options,
	.run = bench_build_main,
};
