// SPDX-License-Identifier: GPL-2.0-only
/* gc.c - vethlab gc: remove what crashes left. */
#include <getopt.h>
#include <stdio.h>

#include "user/cmd/cmd.h"
#include "user/output/output.h"

static const char *const kind_words[] = {
	[GC_LAB] = "lab",
	[GC_PINS] = "pins",
	[GC_NETNS_FILE] = "netns file",
};

struct collected {
	bool json, dry_run;
	size_t n;
	json_t *list;
};

static void on_found(enum gc_kind kind, const char *name, void *arg)
{
	struct collected *collected = arg;

	collected->n++;
	if (collected->json)
		json_array_append_new(collected->list, json_pack("{s:s, s:s}", "kind",
								 kind_words[kind], "name", name));
	else
		printf("%s %s %s\n", collected->dry_run ? "would remove" : "removing",
		       kind_words[kind], name);
}

int cmd_gc(int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {
		{"dry-run", no_argument, NULL, 'n'},
		{"json", no_argument, NULL, 'j'},
		{NULL},
	};
	const struct notes notes = {cmd_note, NULL};
	struct collected collected = {0};
	int c, ret;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":nj", longs, NULL)) != -1) {
		if (c == 'n')
			collected.dry_run = true;
		else if (c == 'j')
			collected.json = true;
		else
			return cmd_bad_option(err, "gc", c, argv);
	}
	if (optind < argc)
		return cmd_usage(err, "gc", "unexpected '%s'", argv[optind]);
	collected.list = json_array();
	ret = lab_gc(collected.dry_run, on_found, &collected, &notes, err);
	if (collected.json) {
		json_t *doc = output_json_document("vethlab.gc/1");

		json_object_set(doc, "found", collected.list);
		json_object_set_new(doc, "removed", json_boolean(!collected.dry_run && !ret));
		output_json_print(doc, stdout);
	} else if (!collected.n && !ret) {
		printf("nothing is left of any crash\n");
	}
	json_decref(collected.list);
	return ret ? (int)err->code : 0;
}
