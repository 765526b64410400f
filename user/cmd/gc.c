// SPDX-License-Identifier: GPL-2.0-only
/* gc.c - vethlab gc: remove what crashes left. */
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
		output_json_append(collected->list,
				   output_json_pack("{s:s, s:o}", "kind", kind_words[kind], "name",
						    output_json_text(name)));
	else
		output_print(stdout, "%s %s %s\n", collected->dry_run ? "would remove" : "removing",
			     kind_words[kind], name);
}

static int gc_main(int argc, char **argv, struct err *err)
{
	const struct notes notes = {cmd_note, NULL};
	struct collected collected = {0};
	struct cmd_words words;
	int ret = options_parse(&cmd_gc, &collected, argc, argv, &words, err);

	if (ret)
		return ret;
	if (words.argc)
		return cmd_usage(err, &cmd_gc, "unexpected '%s'", words.argv[0]);
	collected.list = json_array();
	ret = lab_gc(collected.dry_run, on_found, &collected, &notes, err);
	if (collected.json) {
		json_t *doc = output_json_document("vethlab.gc/1");

		output_json_set(doc, "found", json_incref(collected.list));
		output_json_set(doc, "removed", json_boolean(!collected.dry_run && !ret));
		output_json_print(doc, stdout);
	} else if (!collected.n && !ret) {
		printf("nothing is left of any crash\n");
	}
	json_decref(collected.list);
	return ret ? (int)err->code : 0;
}

static const struct cmd_option options[] = {
	{"dry-run", 'n', .usage = "--dry-run", .text = "only say what would be removed",
	 INTO_BOOL(struct collected, dry_run)},
	OPTION_JSON(struct collected),
	OPTIONS_END,
};

const struct cmd cmd_gc = {
	.name = "gc",
	.summary = "remove what crashed labs left, and nothing else",
	.options = options,
	.about = "A lab whose files are lost is known by the marks of its namespaces and by what\n"
		 "it pinned: both go, and namespaces of others that it was in are named.\n",
	.run = gc_main,
};
