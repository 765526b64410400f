// SPDX-License-Identifier: GPL-2.0-only
/* down.c - vethlab down: remove a lab. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/cmd/cmd.h"
#include "user/output/output.h"

struct down_args {
	const char *lab; /* -l */
	bool json, all;
	struct cmd_words words;
};

/* The name of the lab that is meant by a word: said, or read from a lab file. Returns a status. */
static int lab_name(const char *said, char *name, size_t size, struct err *err)
{
	struct diags diags = {0};
	char path[PATH_MAX];
	struct lab *lab;

	if (cmd_is_lab_name(said)) {
		snprintf(name, size, "%s", said);
		return 0;
	}
	if (cmd_lab_path(said, path, sizeof(path), err))
		return err->code;
	lab = lab_read_file(path, &diags);
	output_diags(&diags, stderr);
	diags_free(&diags);
	if (!lab)
		return ERR_INPUT;
	snprintf(name, size, "%s", lab->name);
	lab_free(lab);
	return 0;
}

/* Tell that a lab is down; name NULL: none runs. Takes the notes. */
static void print(const char *name, bool json, json_t *notes)
{
	json_t *doc;

	if (!json) {
		if (name)
			printf("%s is down\n", name);
		else
			printf("no lab runs; nothing was changed\n");
		return;
	}
	doc = output_json_document("vethlab.down/1");
	output_json_set(doc, "lab", name ? output_json_text(name) : json_null());
	output_json_set(doc, "removed", json_boolean(name));
	output_json_set(doc, "notes", notes);
	output_json_print(doc, stdout);
}

/* Take down the lab that a word means. Returns the exit status. */
static int take_down(const char *said, bool json, struct err *err)
{
	struct notes notes = {cmd_note, json ? json_array() : NULL};
	char name[256];
	int ret = lab_name(said, name, sizeof(name), err);

	if (!ret && !lab_down(name, &notes, err) && !err->code)
		cmd_no_lab(name, err);
	if (ret || err->code) {
		json_decref(notes.arg);
		return ret ?: (int)err->code;
	}
	print(name, json, notes.arg);
	return 0;
}

/* All words, also those behind one that fails; the status is that of the first that failed. */
static int take_down_each(char *const *words, size_t n, bool json, struct err *err)
{
	int status = 0;

	if (n == 1)
		return take_down(words[0], json, err);
	for (size_t i = 0; i < n; i++) {
		struct err one = {0};
		int ret = take_down(words[i], json, &one);

		if (one.code)
			output_error(&one, stderr);
		status = status ?: ret;
	}
	return status;
}

/* Keep the labs that may be meant: not those of a bench that runs. */
static size_t leave_out_bench(char **names, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (lab_is_of_bench(names[i]))
			free(names[i]);
		else
			names[left++] = names[i];
	}
	return left;
}

/* The labs of this machine: all of them, or the only one. */
static int take_down_found(const struct down_args *args, struct err *err)
{
	char **names;
	size_t n;
	int ret = 0;

	if (lab_list(&names, &n, err))
		return err->code;
	n = leave_out_bench(names, n);
	if (!n) {
		print(NULL, args->json, args->json ? json_array() : NULL);
	} else if (n > 1 && !args->all) {
		err_set(err, ERR_FAILED, 0, "several labs run: %s, %s%s", names[0], names[1],
			n > 2 ? ", ..." : "");
		err_hint(err,
			 "say which, as `vethlab ls` lists them; --all takes all of them down");
		ret = err->code;
	} else {
		ret = take_down_each(names, n, args->json, err);
	}
	lab_list_free(names, n);
	return ret;
}

static int down_main(int argc, char **argv, struct err *err)
{
	struct down_args args = {0};
	int ret = options_parse(&cmd_down, &args, argc, argv, &args.words, err);

	if (ret)
		return ret;
	if (!!args.words.argc + !!args.lab + args.all > 1)
		return cmd_usage(err, &cmd_down, "labs, or -l LAB, or --all: one of them");
	if (args.lab)
		return take_down(args.lab, args.json, err);
	if (args.words.argc)
		return take_down_each(args.words.argv, args.words.argc, args.json, err);
	return take_down_found(&args, err);
}

static const struct cmd_operand operands[] = {
	{"LAB|FILE", .kind = VALUE_LAB | VALUE_LAB_FILE, .optional = true, .many = true,
	 .text = "a lab that runs, or its lab file", .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{"all", .text = "all labs of this machine", INTO_BOOL(struct down_args, all)},
	OPTION_LAB(struct down_args, .hidden = true),
	OPTION_JSON(struct down_args),
	OPTIONS_END,
};

const struct cmd cmd_down = {
	.name = "down",
	.summary = "remove labs and everything that they made",
	.operands = operands,
	.options = options,
	.notes = "Each of several labs has a line of its own (with -j: a document). If one cannot\n"
		 "be removed, the others are removed all the same.\n"
		 "Interfaces of others in its namespaces are handed back or named; processes in\n"
		 "them are named. It waits until the kernel has released all; for a lab of 100\n"
		 "nodes or more it does not wait, and says so. Verbs that watch the lab until\n"
		 "Ctrl-C (trace, record, capture, ping, stats --watch) end with exit status 1.\n",
	.run = down_main,
};
