// SPDX-License-Identifier: GPL-2.0-only
/* up.c - vethlab up: build a lab from its file. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/interrupt.h"
#include "user/cmd/cmd.h"
#include "user/cmd/lesson.h"
#include "user/output/output.h"
#include "user/render/show_text.h"

struct up_args {
	struct lab_options options;
	bool json;
	const char *file;
};

static int parse_args(int argc, char **argv, struct up_args *args, struct err *err)
{
	struct cmd_words words;
	int ret = options_parse(&cmd_up, args, argc, argv, &words, err);

	if (ret)
		return ret;
	if (words.argc != 1)
		return cmd_usage(err, &cmd_up, "%s",
				 words.argc ? "one lab file at a time" : "which lab file?");
	args->file = words.argv[0];
	if (args->options.as && lab_name_problem(args->options.as))
		return cmd_usage(err, &cmd_up, "lab name '%s': %s", args->options.as,
				 lab_name_problem(args->options.as));
	return 0;
}

/* Whether one sentence says for all ends what watches them. */
static bool same_hooks(const struct running *run)
{
	const struct end *first = lab_end(run->lab, 0);

	for (size_t i = 1; i < lab_n_ends(run->lab); i++)
		if (running_hooks(run, lab_end(run->lab, i)) != running_hooks(run, first) ||
		    running_xdp(run, lab_end(run->lab, i)) != running_xdp(run, first))
			return false;
	return true;
}

/* The first thing to try in a bundled lab; NULL: the lab is none, or says nothing. */
static const char *first_try(const struct up_args *args, const struct running *run,
			     char buf[LESSON_TRY_SIZE])
{
	const char *lab = args->options.as ? run->name : NULL;

	return cmd_is_lab_name(args->file) && lesson_first_try(run->lab->text, lab, buf) ? buf
											 : NULL;
}

static void print_text(const struct up_args *args, const struct running *run, uint64_t took_ns)
{
	char try[LESSON_TRY_SIZE];
	char took[OUTPUT_NUMBER_SIZE], hooks[RUNNING_HOOKS_SIZE];
	size_t n_ends = lab_n_ends(run->lab);

	if (run->mounted_bpffs)
		printf("mounted bpffs on %s, where the programs are pinned\n", BPFFS);
	printf("%s is up: %zu node%s, %zu link%s, in %s\n", run->name, run->lab->n_nodes,
	       run->lab->n_nodes == 1 ? "" : "s", run->lab->n_links,
	       run->lab->n_links == 1 ? "" : "s", output_duration(took_ns, took));
	if (n_ends)
		printf("watched at %zu ends: %s%s\n", n_ends,
		       running_hooks_text(run, lab_end(run->lab, 0), hooks),
		       same_hooks(run) ? "" : ", ...");
	if (first_try(args, run, try))
		printf("try: %s (`vethlab labs %s` tells more)\n", try, args->file);
}

static void print_json(const struct up_args *args, const struct running *run, uint64_t took_ns)
{
	json_t *doc = output_json_document("vethlab.up/1");
	char try[LESSON_TRY_SIZE];

	output_json_set(doc, "lab", output_json_text(run->name));
	output_json_set(doc, "nodes", json_integer(run->lab->n_nodes));
	output_json_set(doc, "links", json_integer(run->lab->n_links));
	output_json_set(doc, "tc", output_json_text(tc_word(run->tc)));
	output_json_set(doc, "mounted_bpffs", json_boolean(run->mounted_bpffs));
	output_json_set(doc, "took_ns", json_integer(took_ns));
	if (first_try(args, run, try))
		output_json_set(doc, "try", output_json_text(try));
	output_json_print(doc, stdout);
}

/* A line that tells how far it is, for those who wait longer than a second at a terminal. */
struct progress {
	uint64_t start;
	atomic_uint_least64_t shown; /* when; 0: not yet */
};

static void show_progress(size_t step, size_t total, void *arg)
{
	struct progress *progress = arg;
	uint64_t now = clock_monotonic_ns(), shown = atomic_load(&progress->shown);

	if (now - progress->start < 1000000000 || now - shown < 100000000 ||
	    !atomic_compare_exchange_strong(&progress->shown, &shown, now))
		return;
	fprintf(stderr, "\rbuilding: %zu %% ", 100 * step / total);
	fflush(stderr);
}

static void end_progress(const struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	fflush(stderr);
}

/* A note stands on a line of its own. */
static void note(const char *text, void *progress)
{
	end_progress(progress);
	cmd_note(text, NULL);
}

/*
 * What nobody could read did not happen: exit status 5 says that what was done is undone. A reader
 * that went away (head) had what it wanted.
 */
static int print(const struct up_args *args, const struct running *run, uint64_t took_ns,
		 struct err *err)
{
	int ret;

	if (args->json)
		print_json(args, run, took_ns);
	else
		print_text(args, run, took_ns);
	ret = output_finish(stdout, err);
	if (!ret || ret == -EPIPE) {
		err_clear(err);
		return 0;
	}
	if (lab_down(run->name, NULL, NULL) == 1)
		err_hint(err, "lab %s was built, and is down again", run->name);
	else
		err_hint(err, "lab %s is up: `vethlab down %s` removes it", run->name, run->name);
	return ret;
}

static int up_main(int argc, char **argv, struct err *err)
{
	struct up_args args = {0};
	struct diags diags = {0};
	cleanup_running struct running *run = NULL;
	char path[PATH_MAX];
	struct lab *lab;
	struct progress progress = {0};
	struct notes notes = {note, &progress};
	int ret = parse_args(argc, argv, &args, err);

	if (ret || cmd_lab_path(args.file, path, sizeof(path), err))
		return ret ? ret : (int)err->code;
	lab = lab_read_file(path, &diags);
	if (!lab)
		output_diags(&diags, stderr);
	else
		cmd_tell_warnings(&diags, args.file);
	diags_free(&diags);
	if (!lab)
		return ERR_INPUT;
	interrupt_catch_signals();
	args.options.interrupted = &interrupt_requested;
	args.options.notes = &notes;
	progress.start = clock_monotonic_ns();
	if (isatty(STDERR_FILENO)) {
		args.options.progress = show_progress;
		args.options.progress_arg = &progress;
	}
	ret = lab_up(&run, lab, &args.options, err);
	end_progress(&progress);
	if (ret)
		return err->code;
	ret = print(&args, run, clock_monotonic_ns() - progress.start, err);
	return ret ? (int)err->code : 0;
}

static const struct cmd_operand operands[] = {
	{"FILE|NAME", .kind = VALUE_LAB_FILE | VALUE_BUNDLED,
	 .text = "a lab file (-: standard input), or the name of a bundled lab"},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{"isolated", .text = "use a new namespace in place of this machine's",
	 INTO_BOOL(struct up_args, options.isolated)},
	{"as", .value = "NAME", .kind = VALUE_NAME, .otherwise = "as the file says",
	 .text = "run it under another name, with namespaces called NAME-NODE",
	 INTO_TEXT(struct up_args, options.as)},
	{"hooks", .value = "LIST", .kind = VALUE_LIST, .choices = hooks_choices,
	 .otherwise = "in,out", .text = "in,out (default), in, out, or none",
	 INTO_CALL(take_hooks, unsigned, struct up_args, options.hooks)},
	{"xdp", .value = "MODE", .kind = VALUE_CHOICE, .choices = xdp_choices, .otherwise = "off",
	 .text = "off (default), generic, native",
	 INTO_CALL(take_xdp, enum xdp_mode, struct up_args, options.xdp)},
	{"tc", .value = "HOW", .kind = VALUE_CHOICE, .choices = tc_choices, .otherwise = "auto",
	 .text = "auto (default), tcx, clsact",
	 INTO_CALL(take_tc, enum watch_tc, struct up_args, options.tc)},
	OPTION_JSON(struct up_args),
	OPTIONS_END,
};

const struct cmd cmd_up = {
	.name = "up",
	.summary = "build a lab and watch every end of its links",
	.operands = operands,
	.options = options,
	.run = up_main,
};
