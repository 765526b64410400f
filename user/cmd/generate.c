// SPDX-License-Identifier: GPL-2.0-only
/* generate.c - vethlab generate: write a lab file of a regular shape. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/shapes.h"
#include "user/base/number.h"
#include "user/cmd/cmd.h"

struct generate_args {
	struct shape_options options;
	const char *output; /* NULL: stdout */
};

static int find_kind(const char *typed, const struct shape_kind **kind, struct err *err)
{
	const char *names[16], *near;
	size_t n = 0;

	for (const struct shape_kind *k = generate_kinds; k->name; k++) {
		if (!strcmp(k->name, typed)) {
			*kind = k;
			return 0;
		}
		names[n++] = k->name;
	}
	near = nearest_name(typed, names, n);
	err_set(err, ERR_USAGE, 0, "generate: there is no shape '%s'", typed);
	if (near)
		err_hint(err, "did you mean '%s'?", near);
	else
		err_hint(err, "shapes: chain, ring, star, tree, mesh, grid, clos, fat-tree");
	return ERR_USAGE;
}

static int parse_sizes(struct shape_options *options, int argc, char **argv, struct err *err)
{
	const struct shape_kind *kind = options->kind;
	int i;

	for (i = 0; i < GENERATE_SIZES_MAX && kind->sizes[i].name; i++) {
		const struct shape_size *size = &kind->sizes[i];
		uint64_t n = size->normal;

		if (i >= argc && !size->normal)
			return cmd_usage(err, "generate", "%s needs %s", kind->name, size->name);
		if (i < argc && !number_parse(argv[i], size->least, size->most, &n))
			return cmd_usage(err, "generate",
					 "%s of %s is a number from %u to %u, not '%s'", size->name,
					 kind->name, size->least, size->most, argv[i]);
		options->sizes[i] = n;
	}
	if (i < argc)
		return cmd_usage(err, "generate", "%s has no use for '%s'", kind->name, argv[i]);
	if (!strcmp(kind->name, "fat-tree") && options->sizes[0] % 2)
		return cmd_usage(err, "generate", "K of a fat-tree is even");
	return 0;
}

static int parse_args(int argc, char **argv, struct generate_args *args, struct err *err)
{
	static const struct option longs[] = {
		{"v4", no_argument, NULL, '4'},		  {"v6", no_argument, NULL, '6'},
		{"routes", no_argument, NULL, 'r'},	  {"name", required_argument, NULL, 'n'},
		{"output", required_argument, NULL, 'o'}, {NULL},
	};
	int c;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":46o:", longs, NULL)) != -1) {
		switch (c) {
		case '4':
			args->options.v4 = true;
			break;
		case '6':
			args->options.v6 = true;
			break;
		case 'r':
			args->options.routes = true;
			break;
		case 'n':
			args->options.name = optarg;
			break;
		case 'o':
			args->output = optarg;
			break;
		default:
			return cmd_bad_option(err, "generate", c, argv);
		}
	}
	if (!args->options.v4 && !args->options.v6)
		args->options.v4 = args->options.v6 = true;
	if (args->options.name && lab_name_problem(args->options.name))
		return cmd_usage(err, "generate", "lab name '%s': %s", args->options.name,
				 lab_name_problem(args->options.name));
	if (optind == argc)
		return cmd_usage(err, "generate", "which shape?");
	if (find_kind(argv[optind], &args->options.kind, err))
		return ERR_USAGE;
	return parse_sizes(&args->options, argc - optind - 1, argv + optind + 1, err);
}

int cmd_generate(int argc, char **argv, struct err *err)
{
	struct generate_args args = {0};
	int ret = parse_args(argc, argv, &args, err);
	FILE *f = stdout;

	if (ret)
		return ret;
	if (args.output) {
		f = fopen(args.output, "wxe"); /* somebody's file is not ours to write over */
		if (!f) {
			err_set(err, errno == EEXIST ? ERR_FAILED : ERR_SYSTEM, errno,
				"cannot write %s: %s", args.output, strerror(errno));
			if (errno == EEXIST)
				err_hint(err, "a file that is there is not written over");
			return err->code;
		}
	}
	ret = shape_write(f, &args.options, err);
	if (args.output && fclose(f) && !ret)
		ret = err_set(err, ERR_SYSTEM, errno, "cannot write %s: %s", args.output,
			      strerror(errno));
	if (args.output && ret)
		remove(args.output);
	return ret ? (int)err->code : 0;
}
