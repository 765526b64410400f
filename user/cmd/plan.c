// SPDX-License-Identifier: GPL-2.0-only
/* plan.c - vethlab plan and apply: a running lab becomes what its file says now. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "user/base/interrupt.h"
#include "user/cmd/cmd.h"
#include "user/lab/apply.h"
#include "user/output/output.h"
#include "user/render/changes.h"

static struct lab *read_file(const char *typed, struct err *err)
{
	struct diags diags = {0};
	char path[PATH_MAX];
	struct lab *lab;

	if (cmd_lab_path(typed, path, sizeof(path), err))
		return NULL;
	lab = lab_read_file(path, &diags);
	if (!lab)
		output_diags(&diags, stderr);
	else if (diags.count)
		fprintf(stderr, "%zu warning%s: see `vethlab check %s`\n", diags.count,
			diags.count == 1 ? "" : "s", typed);
	diags_free(&diags);
	return lab;
}

static void print_text(const struct change_plan *plan, bool applied)
{
	struct changes_counts counts = changes_count(&plan->diff);

	changes_print(&plan->diff, stdout);
	if (counts.added + counts.changed + counts.removed == 0)
		printf("lab %s: nothing to change\n", plan->was->name);
	else
		printf("lab %s: %zu %s, %zu %s, %zu %s\n", plan->was->name, counts.added,
		       applied ? "added" : "to add", counts.changed,
		       applied ? "changed" : "to change", counts.removed,
		       applied ? "removed" : "to remove");
}

/* notes: those of an apply, taken; NULL for a plan. */
static void print_json(const struct change_plan *plan, json_t *notes)
{
	json_t *doc = output_json_document("vethlab.plan/1");
	struct changes_counts counts = changes_count(&plan->diff);

	json_object_set_new(doc, "lab", json_string(plan->was->name));
	json_object_set_new(doc, "file", json_string(plan->now->lab->path));
	json_object_set_new(doc, "applied", json_boolean(notes != NULL));
	json_object_set_new(doc, "add", json_integer(counts.added));
	json_object_set_new(doc, "change", json_integer(counts.changed));
	json_object_set_new(doc, "remove", json_integer(counts.removed));
	json_object_set_new(doc, "changes", changes_json(&plan->diff));
	if (notes)
		json_object_set_new(doc, "notes", notes);
	output_json_print(doc, stdout);
}

/* Before the end of the program, which would not know what an output that fails means for the lab.
 */
static int finish(const char *lab, struct err *err)
{
	int ret = output_finish(stdout, err);

	if (ret != -EPIPE && ret)
		err_hint(err, "lab %s is changed all the same, as its file says", lab);
	else
		err_clear(err);
	return ret == -EPIPE ? 0 : ret;
}

static int run(int argc, char **argv, bool apply, struct err *err)
{
	struct notes notes = {cmd_note, NULL};
	struct change_plan plan = {0};
	struct cmd_args args;
	struct lab *lab;
	int ret = cmd_parse(&args, argc, argv, false, err);

	if (ret)
		return ret;
	if (args.argc != 1)
		return cmd_usage(err, argv[0], "%s",
				 args.argc ? "one lab file at a time" : "which lab file?");
	lab = read_file(args.argv[0], err);
	if (!lab)
		return err->code ? (int)err->code : ERR_LABFILE;
	if (apply) {
		interrupt_catch_signals();
		if (args.json)
			notes.arg = json_array();
		ret = lab_apply(&plan, args.lab, lab, &notes, &interrupt_requested, err);
	} else {
		ret = lab_plan(&plan, args.lab, lab, err);
	}
	if (!ret && args.json)
		print_json(&plan, json_incref(notes.arg));
	else if (!ret)
		print_text(&plan, apply);
	json_decref(notes.arg);
	if (!ret && apply)
		ret = finish(plan.was->name, err);
	change_plan_free(&plan);
	return ret ? (int)err->code : 0;
}

int cmd_plan(int argc, char **argv, struct err *err)
{
	return run(argc, argv, false, err);
}

int cmd_apply(int argc, char **argv, struct err *err)
{
	return run(argc, argv, true, err);
}
