// SPDX-License-Identifier: GPL-2.0-only
/* graph.c - vethlab graph: draw a lab file or a running lab. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "topology/graph.h"
#include "user/cmd/cmd.h"
#include "user/out/out.h"

static void draw(const struct lab *lab, enum graph_format format)
{
	graph_write(stdout, lab, format, NULL, NULL);
}

static int draw_running(const char *name, enum graph_format format, struct err *err)
{
	struct running *run = NULL;

	if (lab_open(&run, name, err))
		return err->code;
	draw(run->lab, format);
	running_free(run);
	return 0;
}

static int draw_file(const char *typed, enum graph_format format, struct err *err)
{
	struct diags diags = {0};
	char path[PATH_MAX];
	struct lab *lab;

	if (cmd_lab_path(typed, path, sizeof(path), err))
		return err->code;
	lab = lab_read_file(path, &diags);
	if (!lab)
		out_diags(&diags, stderr);
	diags_free(&diags);
	if (!lab)
		return ERR_LABFILE;
	draw(lab, format);
	lab_free(lab);
	return 0;
}

/* A name is a running lab first, since that may differ from the bundled file. */
static bool is_running(const char *name)
{
	struct err ignored = {0};
	bool found = false;
	char **names;
	size_t n;

	if (lab_list(&names, &n, &ignored))
		return false;
	for (size_t i = 0; i < n; i++)
		found |= !strcmp(names[i], name);
	lab_list_free(names, n);
	return found;
}

int cmd_graph(int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {
		{"lab", required_argument, NULL, 'l'},
		{"text", no_argument, NULL, 't'},
		{"dot", no_argument, NULL, 'd'},
		{"mermaid", no_argument, NULL, 'm'},
		{NULL},
	};
	enum graph_format format = GRAPH_TEXT;
	const char *lab = NULL;
	int c;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":l:", longs, NULL)) != -1) {
		if (c == 'l')
			lab = optarg;
		else if (c == 't')
			format = GRAPH_TEXT;
		else if (c == 'd')
			format = GRAPH_DOT;
		else if (c == 'm')
			format = GRAPH_MERMAID;
		else
			return cmd_bad_option(err, "graph", c, argv);
	}
	if (argc - optind > 1 || (argc - optind && lab))
		return cmd_usage(err, "graph", "one lab at a time");
	if (optind == argc)
		return draw_running(lab, format, err);
	if (is_running(argv[optind]))
		return draw_running(argv[optind], format, err);
	return draw_file(argv[optind], format, err);
}
