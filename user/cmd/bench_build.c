// SPDX-License-Identifier: GPL-2.0-only
/* bench_build.c - `vethlab bench build`: how long labs take to build and to remove. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "topology/shapes.h"
#include "user/base/cleanup.h"
#include "user/base/interrupt.h"
#include "user/base/number.h"
#include "user/bench/suite.h"
#include "user/cmd/cmd.h"

static bool whole(const char *text, unsigned least, unsigned most, unsigned *value)
{
	uint64_t found;

	if (!number_parse(text, least, most, &found))
		return false;
	*value = found;
	return true;
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
		return cmd_usage(err, "bench",
				 "build: there is no shape '%s'; `vethlab help "
				 "generate` lists them",
				 argv[0]);
	for (i = 0; i < GENERATE_SIZES_MAX && shape->kind->sizes[i].name; i++) {
		const struct shape_size *size = &shape->kind->sizes[i];

		shape->sizes[i] = size->normal;
		if (i + 1 >= argc ? !size->normal
				  : !whole(argv[i + 1], size->least, size->most, &shape->sizes[i]))
			return cmd_usage(err, "bench", "build: %s of %s is a number from %u to %u",
					 size->name, shape->kind->name, size->least, size->most);
	}
	if (i + 1 < argc)
		return cmd_usage(err, "bench", "build: %s has no use for '%s'", shape->kind->name,
				 argv[i + 1]);
	return 0;
}

static int parse(struct bench_build *build, struct shape_options *shape, bool *json, int argc,
		 char **argv, struct err *err)
{
	static const struct option longs[] = {
		{"runs", required_argument, NULL, 'r'}, {"json", no_argument, NULL, 'j'}, {NULL}};
	int c;

	build->shape = shape;
	build->runs = 5;
	*shape = (struct shape_options){.v4 = true};
	*json = false;
	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":j", longs, NULL)) != -1) {
		if (c == 'j')
			*json = true;
		else if (c != 'r')
			return cmd_bad_option(err, "bench", c, argv);
		else if (!whole(optarg, 1, BENCH_RUNS_MAX, &build->runs))
			return cmd_usage(err, "bench", "--runs %s: not a number from 1 to %d",
					 optarg, BENCH_RUNS_MAX);
	}
	return parse_shape(shape, argc - optind, argv + optind, err);
}

static int measure(struct bench_build *build, struct err *err)
{
	struct bench_guard guard = {0};
	int ret = bench_guard_begin(&guard, err);

	interrupt_catch_signals();
	if (!ret)
		ret = bench_build_measure(build, err);
	bench_guard_end(&guard);
	return ret;
}

int bench_build(int argc, char **argv, struct err *err)
{
	cleanup_free struct bench_build *build = calloc(1, sizeof(*build));
	struct shape_options shape;
	bool json;

	if (!build)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	if (parse(build, &shape, &json, argc, argv, err)) {
		err->hint[0] = '\0'; /* it is about `bench`, not about this */
		err_hint(err, "usage: vethlab bench build [SHAPE SIZE...] [--runs N] [-j]");
		return err->code;
	}
	if (measure(build, err))
		return err->code;
	if (json)
		bench_build_print_json(build, stdout);
	else
		bench_build_print_text(build, stdout);
	return 0;
}
