// SPDX-License-Identifier: GPL-2.0-only
/* generate.c - vethlab generate: write a lab file of a regular shape. */
#include <errno.h>
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
			return cmd_usage(err, &cmd_generate, "%s needs %s", kind->name, size->name);
		if (i < argc && !number_parse(argv[i], size->least, size->most, &n))
			return cmd_usage(err, &cmd_generate,
					 "%s of %s is a number from %u to %u, not '%s'", size->name,
					 kind->name, size->least, size->most, argv[i]);
		options->sizes[i] = n;
	}
	if (i < argc)
		return cmd_usage(err, &cmd_generate, "%s takes no '%s'", kind->name, argv[i]);
	if (!strcmp(kind->name, "fat-tree") && options->sizes[0] % 2)
		return cmd_usage(err, &cmd_generate, "K of a fat-tree is even");
	return 0;
}

static int parse_args(int argc, char **argv, struct generate_args *args, struct err *err)
{
	struct cmd_words words;
	int ret = options_parse(&cmd_generate, args, argc, argv, &words, err);

	if (ret)
		return ret;
	if (!args->options.v4 && !args->options.v6)
		args->options.v4 = args->options.v6 = true;
	if (args->options.name && lab_name_problem(args->options.name))
		return cmd_usage(err, &cmd_generate, "lab name '%s': %s", args->options.name,
				 lab_name_problem(args->options.name));
	if (!words.argc)
		return cmd_usage(err, &cmd_generate, "which shape?");
	if (find_kind(words.argv[0], &args->options.kind, err))
		return ERR_USAGE;
	return parse_sizes(&args->options, words.argc - 1, words.argv + 1, err);
}

static int generate_main(int argc, char **argv, struct err *err)
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

const struct cmd_choice shape_choices[] = {
	{"chain", "N", VALUE_NUMBER, "nodes in a line; the inner ones are routers"},
	{"ring", "N", VALUE_NUMBER, "routers in a circle"},
	{"star", "N", VALUE_NUMBER, "hosts around a router"},
	{"tree", "DEPTH [FANOUT]", VALUE_NUMBER,
	 "routers that branch DEPTH times, hosts as leaves"},
	{"mesh", "N", VALUE_NUMBER, "hosts, each with a link to each other"},
	{"grid", "COLUMNS ROWS", VALUE_NUMBER, "routers in columns and rows"},
	{"clos", "SPINES LEAVES [HOSTS]", VALUE_NUMBER,
	 "leaves with HOSTS (2) each, each leaf linked to each spine"},
	{"fat-tree", "K", VALUE_NUMBER, "a fat tree of switches with K ports"},
	{NULL},
};

static const struct cmd_operand operands[] = {
	{"SHAPE", .kind = VALUE_CHOICE, .choices = shape_choices,
	 .text = "how the nodes are linked", .row = NO_ROW},
	{"SIZE", .kind = VALUE_NUMBER, .many = true, .text = "how many nodes of each kind",
	 .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{"v4", '4', .show = SHOW_NAME, .text = "only addresses of this family",
	 .label = "--v4, --v6", INTO_BOOL(struct generate_args, options.v4)},
	{"v6", '6', .show = SHOW_NAME, .alternative = true, .text = "only addresses of this family",
	 .row = NO_ROW, INTO_BOOL(struct generate_args, options.v6)},
	{"routes", .text = "write every route, instead of `routing: static`",
	 INTO_BOOL(struct generate_args, options.routes)},
	{"name", .value = "NAME", .kind = VALUE_NAME, .otherwise = "the shape",
	 .text = "what the lab is called", .row = NO_ROW,
	 INTO_TEXT(struct generate_args, options.name)},
	{"output", 'o', .show = SHOW_LETTER, .value = "FILE", .kind = VALUE_NEW_FILE,
	 .text = "write a new file instead of the standard output",
	 INTO_TEXT(struct generate_args, output)},
	OPTIONS_END,
};

const struct cmd cmd_generate = {
	.name = "generate",
	.summary = "write a lab file of a regular shape, to edit",
	.operands = operands,
	.options = options,
	.run = generate_main,
};
