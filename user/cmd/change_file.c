// SPDX-License-Identifier: GPL-2.0-only
/* change_file.c - what plan, apply and reset share: see change_file.h. */
#include <errno.h>
#include <limits.h>

#include "user/base/hook_word.h"
#include "user/cmd/change_file.h"
#include "user/output/output.h"
#include "user/render/changes.h"

int change_file_read(const struct cmd *cmd, struct change_args *change_args, int argc, char **argv,
		     struct lab **lab, struct err *err)
{
	struct diags diags = {0};
	struct cmd_args *args = &change_args->common;
	char path[PATH_MAX];
	int ret = cmd_parse(cmd, args, argc, argv, err);

	if (ret)
		return ret;
	if (args->argc != 1)
		return cmd_usage(err, cmd, "%s",
				 args->argc ? "one lab file at a time" : "which lab file?");
	if (cmd_lab_path(args->argv[0], path, sizeof(path), err))
		return err->code;
	*lab = lab_read_file(path, &diags);
	if (!*lab)
		output_diags(&diags, stderr);
	else
		cmd_tell_warnings(&diags, args->argv[0]);
	diags_free(&diags);
	return *lab ? 0 : ERR_INPUT;
}

/* Namespaces and ends that were deleted, which no change brings back. */
static void print_gone(const struct change_plan *plan)
{
	const struct lab *lab = plan->now->lab;
	struct err gone = {0};

	for (size_t i = 0; i < lab->n_nodes; i++)
		if (lab->nodes[i]->gone)
			fprintf(stderr,
				"%s: its network namespace is gone, and was not compared; "
				"`vethlab down %s`, then `up`, makes the lab anew\n",
				lab->nodes[i]->name, plan->now->name);
	for (size_t i = 0; i < lab_n_ends(lab); i++) {
		if (!lab_end(lab, i)->gone)
			continue;
		running_end_gone(plan->now, lab_end(lab, i), &gone);
		fprintf(stderr, "%s; %s\n", gone.what, gone.hint);
		err_clear(&gone);
	}
}

static json_t *gone_json(const struct lab *lab)
{
	json_t *list = json_array();

	for (size_t i = 0; i < lab->n_nodes; i++)
		if (lab->nodes[i]->gone)
			output_json_append(list, output_json_text(lab->nodes[i]->name));
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		if (lab_end(lab, i)->gone)
			output_json_append(list, output_json_text(lab_end(lab, i)->name));
	return list;
}

/* One after the other, the programs that are or were to be attached again. */
static bool next_program(const struct change_plan *plan, size_t *i, int *hook,
			 const struct end **end)
{
	for (; *i < plan->n_programs; ++*i, *hook = 0)
		for (; *hook < VL_HOOKS; ++*hook)
			if (plan->programs[*i].hooks & 1 << *hook &&
			    !plan->programs[*i].refused[0]) {
				*end = plan->programs[*i].end;
				++*hook;
				return true;
			}
	return false;
}

static size_t print_programs(const struct change_plan *plan)
{
	const struct end *end;
	char text[END_NAME_SIZE + 128];
	size_t i = 0, n = 0;
	int hook = 0;

	for (; next_program(plan, &i, &hook, &end); n++) {
		snprintf(text, sizeof(text),
			 "%s program of `%s`: it was taken off; what passed meanwhile was not "
			 "counted",
			 end->name, hook_word(hook - 1));
		output_fold("+ ", text, stdout);
	}
	return n;
}

static json_t *programs_json(const struct change_plan *plan)
{
	json_t *list = json_array();
	const struct end *end;
	size_t i = 0;
	int hook = 0;

	while (next_program(plan, &i, &hook, &end))
		output_json_append(list, output_json_pack("{s:s, s:s}", "end", end->name, "hook",
							  hook_word(hook - 1)));
	return list;
}

static void print_text(const struct change_plan *plan, bool applied)
{
	struct changes_counts counts = changes_count(&plan->diff);

	changes_print(&plan->diff, stdout);
	counts.added += print_programs(plan);
	print_gone(plan);
	if (plan->by_file)
		fputs("only the files were compared: the namespaces can be read as root\n", stderr);
	if (counts.added + counts.changed + counts.removed == 0)
		printf("lab %s: nothing to change\n", plan->was->name);
	else
		printf("lab %s: %zu %s, %zu %s, %zu %s\n", plan->was->name, counts.added,
		       applied ? "added" : "to add", counts.changed,
		       applied ? "changed" : "to change", counts.removed,
		       applied ? "removed" : "to remove");
}

static void print_json(const struct change_plan *plan, json_t *notes)
{
	json_t *doc = output_json_document("vethlab.plan/1");
	struct changes_counts counts = changes_count(&plan->diff);

	output_json_set(doc, "lab", output_json_text(plan->was->name));
	output_json_set(doc, "file", output_json_text(plan->now->lab->path));
	output_json_set(doc, "applied", json_boolean(notes != NULL));
	output_json_set(doc, "add", json_integer(counts.added));
	output_json_set(doc, "change", json_integer(counts.changed));
	output_json_set(doc, "remove", json_integer(counts.removed));
	output_json_set(doc, "kernel", json_boolean(!plan->by_file));
	output_json_set(doc, "programs", programs_json(plan));
	output_json_set(doc, "gone", gone_json(plan->now->lab));
	output_json_set(doc, "changes", changes_json(&plan->diff));
	if (notes)
		output_json_set(doc, "notes", notes);
	output_json_print(doc, stdout);
}

void change_file_print(const struct change_plan *plan, bool applied, bool json, json_t *notes)
{
	if (json)
		print_json(plan, notes);
	else
		print_text(plan, applied);
}

int change_file_finish(const char *lab, struct err *err)
{
	int ret = output_finish(stdout, err);

	if (ret != -EPIPE && ret)
		err_hint(err, "lab %s is changed all the same, as its file says", lab);
	else
		err_clear(err);
	return ret == -EPIPE ? 0 : ret;
}
