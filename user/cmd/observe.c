// SPDX-License-Identifier: GPL-2.0-only
/* observe.c - vethlab observe: a lab of links that are there, whoever made them. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/interrupt.h"
#include "user/base/number.h"
#include "user/cmd/cmd.h"
#include "user/observe/follow.h"
#include "user/observe/observe.h"
#include "user/output/output.h"
#include "user/render/show_text.h"

enum { LINKS_SHOWN = 16, REFRESH_FAIL_MAX = 5 };

struct observing {
	struct observe_options options;
	struct netns_id *scope; /* options.scope */
	bool follow, json;
	bool running;  /* the first refresh is over: changes are told as they come */
	json_t *notes; /* of the first refresh */
};

/* ---- what is asked for ----------------------------------------------------------------------- */

static int add_scope(struct observing *observing, int fd, struct err *err)
{
	size_t n = observing->options.n_scope;
	struct netns_id *list = realloc(observing->scope, (n + 1) * sizeof(*list));
	int ret;

	if (!list) {
		close(fd);
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	}
	observing->scope = list;
	ret = netns_identify(fd, &list[n], err);
	close(fd);
	if (ret)
		return ret;
	observing->options.scope = list;
	observing->options.n_scope = n + 1;
	return 0;
}

/* "did you mean ...?" among the names below NETNS_DIR. */
static void suggest_name(const char *typed, struct err *err)
{
	const char *names[256], *near;
	struct dirent **entries;
	int n = scandir(NETNS_DIR, &entries, NULL, alphasort);
	size_t kept = 0;

	for (int i = 0; i < n; i++)
		if (entries[i]->d_name[0] != '.' && kept < 256)
			names[kept++] = entries[i]->d_name;
	near = nearest_name(typed, names, kept);
	if (near)
		err_hint(err, "did you mean '%s'?", near);
	else
		err_hint(err, "`ip netns` lists those with names; --pid N takes a process's, --all "
			      "looks in all");
	for (int i = 0; i < n; i++)
		free(entries[i]);
	if (n >= 0)
		free(entries);
}

static int take_netns(const struct cmd *cmd, const struct cmd_option *option, const char *name,
		      void *observing, struct err *err)
{
	struct err cause = {0};
	int fd = netns_open(name, &cause);

	(void)cmd;
	(void)option;
	if (fd >= 0)
		return add_scope(observing, fd, err);
	if (fd != -ENOENT && err) {
		*err = cause;
		return fd;
	}
	err_set(err, ERR_FAILED, ENOENT, "there is no network namespace '%s'", name);
	suggest_name(name, err);
	return -ENOENT;
}

static int take_pid(const struct cmd *cmd, const struct cmd_option *option, const char *word,
		    void *observing, struct err *err)
{
	struct err cause = {0};
	uint64_t pid;
	int fd;

	if (!number_parse(word, option->least, option->most, &pid))
		return cmd_usage(err, cmd, "--pid %s: not the number of a process", word);
	fd = netns_open_pid(pid, &cause);
	if (fd >= 0)
		return add_scope(observing, fd, err);
	if (fd != -ENOENT && err) {
		*err = cause;
		return fd;
	}
	return err_set(err, ERR_FAILED, ESRCH, "there is no process %s", word);
}

static int parse_args(struct observing *observing, int argc, char **argv, struct err *err)
{
	struct observe_options *options = &observing->options;
	struct cmd_words words;
	int ret = options_parse(&cmd_observe, observing, argc, argv, &words, err);

	if (ret)
		return ret;
	options->may_be_empty = observing->follow;
	if (words.argc)
		return cmd_usage(err, &cmd_observe, "unexpected '%s'", words.argv[0]);
	if (options->all && options->n_scope)
		return cmd_usage(err, &cmd_observe,
				 "--all looks at all namespaces: leave --netns and "
				 "--pid out");
	if (lab_name_problem(options->name))
		return cmd_usage(err, &cmd_observe, "lab name '%s': %s", options->name,
				 lab_name_problem(options->name));
	return 0;
}

/* ---- what is told ---------------------------------------------------------------------------- */

static json_t *link_json(const struct link *link)
{
	char name[2 * END_NAME_SIZE + 8];

	return output_json_pack("{s:s, s:[o, o]}", "link", output_link(link, name, sizeof(name)),
				"ends", output_json_end(link->ends[0]),
				output_json_end(link->ends[1]));
}

static void tell_change(const struct observing *observing, const struct running *run,
			const struct link *link, bool came)
{
	char name[2 * END_NAME_SIZE + 8];
	json_t *line;

	if (!observing->running)
		return;
	if (!observing->json) {
		printf("%c %s\n", came ? '+' : '-', output_link(link, name, sizeof(name)));
		return;
	}
	line = output_json_document("vethlab.observe-change/1");
	output_json_set(line, "lab", output_json_text(run->name));
	output_json_set(line, "change", output_json_text(came ? "came" : "went"));
	output_json_merge(line, link_json(link));
	output_json_line(line, stdout);
}

static void on_came(const struct running *run, const struct link *link, void *arg)
{
	tell_change(arg, run, link, true);
}

static void on_went(const struct running *run, const struct link *link, void *arg)
{
	tell_change(arg, run, link, false);
}

static void on_note(const char *text, void *arg)
{
	struct observing *observing = arg;
	json_t *line;

	if (!observing->running) {
		output_json_append(observing->notes, output_json_text(text));
	} else if (!observing->json) {
		output_wrap("note: ", text, stdout);
	} else {
		line = output_json_document("vethlab.observe-change/1");
		output_json_set(line, "lab", output_json_text(observing->options.name));
		output_json_set(line, "change", output_json_text("note"));
		output_json_set(line, "text", output_json_text(text));
		output_json_line(line, stdout);
	}
}

static size_t count_watched(const struct running *run)
{
	size_t n = 0;

	for (size_t i = 0; i < lab_n_ends(run->lab); i++) {
		const struct end *end = lab_end(run->lab, i);

		n += running_hooks(run, end) != HOOKS_NONE || running_xdp(run, end) != XDP_MODE_OFF;
	}
	return n;
}

static const char *unseen_words(const struct running *run, const struct link *link)
{
	for (int side = 0; side < 2; side++)
		if (running_is_unseen(run, link->ends[side]->node))
			return "  (one end: the other's namespace cannot be seen)";
	return "";
}

static void print_text(const struct observing *observing, const struct running *run)
{
	char name[2 * END_NAME_SIZE + 8];
	size_t n = run->lab->n_links, shown = n > LINKS_SHOWN ? LINKS_SHOWN : n, i;
	json_t *note;

	if (run->mounted_bpffs)
		printf("mounted bpffs on %s, where the programs are pinned\n", BPFFS);
	printf("%s: %zu link%s of others, watched at %zu end%s%s%s\n", run->name, n,
	       n == 1 ? "" : "s", count_watched(run), count_watched(run) == 1 ? "" : "s",
	       run->tc == WATCH_TC_NONE ? "" : " by ",
	       run->tc == WATCH_TC_NONE ? "" : tc_word(run->tc));
	for (i = 0; i < shown; i++)
		printf("  %s%s\n", output_link(run->lab->links[i], name, sizeof(name)),
		       unseen_words(run, run->lab->links[i]));
	if (shown < n)
		printf("  and %zu more: vethlab show %s\n", n - shown, run->name);
	json_array_foreach(observing->notes, i, note)
		output_wrap("note: ", json_string_value(note), stdout);
	if (run->xdp != XDP_MODE_OFF)
		output_wrap("note: ",
			    run->xdp == XDP_MODE_NATIVE
				    ? "native xdp changes these links: their "
				      "receive paths go by NAPI, and their "
				      "peers lose TSO and GSO, until the lab goes"
				    : "generic xdp changes these links: packets "
				      "are linearized, until the lab goes",
			    stdout);
	if (observing->follow)
		printf("following what comes and goes; Ctrl-C ends that, and the lab stays\n");
	else
		printf("`vethlab down %s` removes its programs; the links stay\n", run->name);
}

static void print_json(const struct observing *observing, const struct running *run, bool changed)
{
	json_t *doc = output_json_document("vethlab.observe/1"), *links = json_array();

	for (size_t i = 0; i < run->lab->n_links; i++)
		output_json_append(links, link_json(run->lab->links[i]));
	output_json_set(doc, "lab", output_json_text(run->name));
	output_json_set(doc, "changed", json_boolean(changed));
	output_json_set(doc, "nodes", json_integer(run->lab->n_nodes));
	output_json_set(doc, "links", links);
	output_json_set(doc, "watched_ends", json_integer(count_watched(run)));
	output_json_set(doc, "tc", output_json_text(tc_word(run->tc)));
	output_json_set(doc, "xdp", output_json_text(xdp_mode_word(run->xdp)));
	output_json_set(doc, "mounted_bpffs", json_boolean(run->mounted_bpffs));
	output_json_set(doc, "notes", json_incref(observing->notes));
	if (observing->follow)
		output_json_line(doc, stdout);
	else
		output_json_print(doc, stdout);
}

/* ---- following ------------------------------------------------------------------------------- */

/* 0 to go on, -ENOENT: the lab was taken down, or another -errno with err set. */
static int refresh(struct observing *observing, const struct observe_listener *listener,
		   struct err *err)
{
	struct running *run = NULL;
	int ret = observe_refresh(&run, &observing->options, listener, err);

	running_free(run);
	output_flush(stdout);
	if (ret == -EBUSY) { /* another vethlab changes the lab: it lets it go in a moment */
		err_clear(err);
		return 0;
	}
	return ret < 0 ? ret : 0;
}

/*
 * Refresh the lab at each event until the user interrupts (0), it was taken down (-ENOENT) or it
 * cannot be refreshed. A namespace that is removed at this moment may make one refresh fail.
 */
static int refresh_until_end(struct observing *observing, struct follow *following,
			     const struct observe_listener *listener, struct err *err)
{
	unsigned failures = 0;
	int ret;

	for (;;) {
		struct err cause = {0};

		ret = refresh(observing, listener, &cause);
		failures = ret ? failures + 1 : 0;
		if (interrupt_requested || ferror(stdout))
			return 0;
		if (ret == -ENOENT && !cause.code)
			return ret;
		if (failures == REFRESH_FAIL_MAX) {
			*err = cause;
			return ret;
		}
		ret = follow_wait(following, err);
		if (ret < 1 && ret != -EINTR)
			return ret ? ret : -ENOENT;
	}
}

static int follow(struct observing *observing, const struct observe_listener *listener,
		  struct err *err)
{
	struct follow *following = NULL;
	int ret = follow_open(&following, observing->options.name, err);

	observing->options.again = true;
	observing->running = true;
	/* The first refresh finds what changed before follow_open() listened. */
	if (!ret)
		ret = refresh_until_end(observing, following, listener, err);
	follow_close(following);
	if (ret != -ENOENT || err->code)
		return ret;
	if (!observing->json)
		printf("%s was taken down\n", observing->options.name);
	return 0;
}

static int nothing_there(const struct observing *observing, struct err *err)
{
	const char *why = json_string_value(json_array_get(observing->notes, 0));

	err_set(err, ERR_FAILED, ENOENT, "no veth link to observe %s%s%s",
		observing->options.all	     ? "in any namespace that can be seen"
		: observing->options.n_scope ? "in that namespace"
					     : "in this namespace",
		why ? "; " : "", why ? why : "");
	if (!observing->options.all)
		err_hint(err, "--all looks in all namespaces, --netns NAME in one, --follow waits");
	return -ENOENT;
}

static int observe(struct observing *observing, struct err *err)
{
	const struct notes notes = {on_note, observing};
	const struct observe_listener listener = {on_came, on_went, observing, &notes};
	struct running *run = NULL;
	int ret = observe_refresh(&run, &observing->options, &listener, err), changed = ret;

	if (ret < 0)
		return ret == -ENODATA ? nothing_there(observing, err) : ret;
	if (observing->json)
		print_json(observing, run, changed);
	else
		print_text(observing, run);
	running_free(run);
	output_flush(stdout);
	return observing->follow ? follow(observing, &listener, err) : 0;
}

static int observe_main(int argc, char **argv, struct err *err)
{
	struct observing observing = {.notes = json_array()};
	int ret = parse_args(&observing, argc, argv, err);

	if (!ret) {
		interrupt_catch_signals();
		observing.options.interrupted = &interrupt_requested;
		ret = observe(&observing, err) ? (int)err->code : 0;
	}
	free(observing.scope);
	json_decref(observing.notes);
	return ret;
}

static const struct cmd_option options[] = {
	{"netns", .value = "NAME", .kind = VALUE_NETNS,
	 .text = "those with an end in a namespace of `ip netns`, or at a path",
	 INTO_ARGS(take_netns)},
	{"pid", .alternative = true, .value = "N", .kind = VALUE_PROCESS, .least = 1,
	 .most = 1 << 22, .text = "in the namespace of a process, which may be a container's",
	 INTO_ARGS(take_pid)},
	{"all", .alternative = true,
	 .text = "in any namespace that can be seen: by name or process",
	 INTO_BOOL(struct observing, options.all)},
	{"name", .value = "LAB", .kind = VALUE_NAME | VALUE_LAB, .initial = "observed",
	 .text = "what the lab is called (observed)", INTO_TEXT(struct observing, options.name)},
	{"follow", 'f', .usage = "--follow",
	 .text = "go on: links and namespaces that come are watched too",
	 INTO_BOOL(struct observing, follow)},
	{"hooks", .value = "LIST", .kind = VALUE_LIST, .choices = hooks_choices,
	 .otherwise = "in,out", .text = "in,out (default), in, or out",
	 INTO_CALL(take_hooks, unsigned, struct observing, options.hooks)},
	{"xdp", .value = "MODE", .kind = VALUE_CHOICE, .choices = xdp_choices, .otherwise = "off",
	 .text = "off (default), generic, native: these change a link",
	 INTO_CALL(take_xdp, enum xdp_mode, struct observing, options.xdp)},
	{"tc", .value = "HOW", .kind = VALUE_CHOICE, .choices = tc_choices, .otherwise = "auto",
	 .text = "auto (default), tcx, clsact",
	 INTO_CALL(take_tc, enum watch_tc, struct observing, options.tc)},
	OPTION_JSON(struct observing),
	OPTIONS_END,
};

const struct cmd cmd_observe = {
	.name = "observe",
	.summary = "watch links that exist already, whoever made them",
	.options = options,
	.about = "Without options: veth links with an end in this namespace, the other anywhere.\n",
	.notes = "Programs of others on the same hooks stay and run. `down` removes vethlab's\n"
		 "programs, and nothing else. Run again for an observed lab, it updates the lab.\n",
	.examples = "vethlab observe --all --follow\n"
		    "vethlab observe --netns web --name web\n",
	.run = observe_main,
};
