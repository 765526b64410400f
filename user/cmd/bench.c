// SPDX-License-Identifier: GPL-2.0-only
/* bench.c - `vethlab bench`: how fast a veth link is, and what watching it costs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/cmd/bench.h"
#include "user/cmd/cmd.h"
#include "user/cmd/reading.h"
#include "user/out/out.h"

enum { LABS_MAX = 2 * BENCH_HOOKS_COUNT + 1, SERIES_MAX = 256, WAY_ECHOES = 200, ECHO_FRAME = 98 };

struct bench {
	struct bench_options options;
	struct bench_lab *labs[LABS_MAX];
	size_t n_labs;
	struct running *run; /* of a link that the user named */
	struct bench_link link; /* and that link */
	struct series list[SERIES_MAX];
	size_t n;
};

/* ---- links --------------------------------------------------------------------------------- */

static void pin(const struct bench *bench, struct bench_link *link)
{
	link->from.cpu = bench->options.pinned ? bench->options.cpus[0] : -1;
	link->to.cpu = bench->options.pinned ? bench->options.cpus[1] : -1;
}

static int add_lab(struct bench *bench, const struct bench_variant *variant,
		   struct bench_link **link, struct err *err)
{
	struct bench_lab *lab;
	int ret = bench_lab_up(&lab, variant, bench->n_labs, &cmd_interrupted, err);

	if (ret)
		return ret;
	bench->labs[bench->n_labs++] = lab;
	*link = bench_lab_link(lab);
	pin(bench, *link);
	return 0;
}

/* LINK is an end; FROM and TO are two ends of one link, or two nodes with a link between them. */
static const struct end *find_end(const struct running *run, char *const *argv, int argc,
				  struct err *err)
{
	const struct node *from, *to;
	const struct end *end, *down = NULL;

	if (strchr(argv[0], ':')) {
		end = cmd_find_end(run, argv[0], err);
		if (end && argc == 2 && strcmp(end->peer->name, argv[1]) &&
		    strcmp(end->peer->node->name, argv[1])) {
			err_set(err, ERR_USAGE, EINVAL, "%s is not the other end of %s: %s is",
				argv[1], end->name, end->peer->name);
			return NULL;
		}
		return end;
	}
	if (argc < 2) {
		err_set(err, ERR_USAGE, EINVAL, "'%s' is no end of a link", argv[0]);
		err_hint(err, "LINK is one of its ends, as node:interface; FROM TO are two nodes");
		return NULL;
	}
	from = cmd_find_node(run, argv[0], err);
	to = from ? cmd_find_node(run, argv[1], err) : NULL;
	for (size_t i = 0; to && i < from->n_ends; i++) {
		end = from->ends[i];
		if (end->peer->node != to)
			continue;
		if (end->up && end->peer->up)
			return end;
		down = down ? down : end; /* by its lab file; it may be up by now */
	}
	if (to && !down)
		err_set(err, ERR_FAILED, ENOLINK, "there is no link between %s and %s", argv[0],
			argv[1]);
	return down;
}

static int open_named_link(struct bench *bench, struct err *err)
{
	const struct bench_options *options = &bench->options;
	const struct end *end;
	int ret = lab_open(&bench->run, options->lab, err);

	if (ret)
		return ret;
	end = find_end(bench->run, options->argv, options->argc, err);
	if (!end)
		return -ENOENT;
	ret = bench_link_open(&bench->link, bench->run, end, err);
	if (ret)
		return ret;
	bench->link.interrupted = &cmd_interrupted;
	pin(bench, &bench->link);
	return 0;
}

/* ---- what is measured ---------------------------------------------------------------------- */

static void add(struct bench *bench, enum bench_what what, unsigned size, enum bench_hooks hooks,
		const struct bench_link *link)
{
	struct series *series = &bench->list[bench->n];

	if (bench->n == SERIES_MAX)
		return;
	bench->n++;
	*series = (struct series){
		.work = {what, size, bench->options.threads}, .hooks = hooks, .link = link};
}

static bool wants(const struct bench *bench, enum bench_topic topic)
{
	return !bench->options.topics || bench->options.topics & topic;
}

static void add_stack(struct bench *bench, enum bench_hooks hooks, const struct bench_link *link)
{
	const struct bench_options *options = &bench->options;

	if (wants(bench, TOPIC_RTT)) {
		add(bench, BENCH_RTT, ECHO_FRAME, hooks, link);
		add(bench, BENCH_RTT_FLOOD, ECHO_FRAME, hooks, link);
	}
	if (wants(bench, TOPIC_TCP))
		add(bench, BENCH_TCP, 0, hooks, link);
	for (size_t i = 0; wants(bench, TOPIC_UDP) && i < options->n_sizes; i++)
		add(bench, BENCH_UDP, options->sizes[i], hooks, link);
	if (wants(bench, TOPIC_RR)) {
		add(bench, BENCH_TCP_RR, 0, hooks, link);
		add(bench, BENCH_UDP_RR, 0, hooks, link);
	}
}

/* Live frames meet no tc on their way out; XDP that watches leaves no room for XDP that receives. */
static void add_pps(struct bench *bench, enum bench_hooks hooks, const struct bench_link *link)
{
	const struct bench_options *options = &bench->options;
	bool has_xdp = hooks == BENCH_HOOKS_GENERIC || hooks == BENCH_HOOKS_NATIVE;

	for (enum bench_what what = BENCH_PPS_DROP; what <= BENCH_PPS_SOCKET; what++)
		for (size_t i = 0; i < options->n_sizes; i++)
			if (!has_xdp || what == BENCH_PPS_TC || what == BENCH_PPS_SOCKET)
				add(bench, what, options->sizes[i], hooks, link);
}

static int plan_own(struct bench *bench, struct err *err)
{
	const struct bench_options *options = &bench->options;
	struct bench_link *link;
	int ret = 0;

	for (size_t i = 0; !ret && i < options->n_hooks; i++) {
		enum bench_hooks hooks = options->hooks[i];

		if (options->topics != TOPIC_PPS) {
			ret = add_lab(bench, &(struct bench_variant){.hooks = hooks}, &link, err);
			if (!ret)
				add_stack(bench, hooks, link);
		}
		if (!ret && wants(bench, TOPIC_PPS)) {
			struct bench_variant variant = {hooks, options->threads, true};

			ret = add_lab(bench, &variant, &link, err);
			if (!ret)
				add_pps(bench, hooks, link);
		}
	}
	return ret;
}

/* The same traffic through each way of watching. */
static int plan_matrix(struct bench *bench, struct err *err)
{
	const struct bench_options *options = &bench->options;
	int ret = 0;

	for (size_t i = 0; !ret && i < options->n_hooks; i++) {
		enum bench_hooks hooks = options->hooks[i];
		struct bench_link *link;

		ret = add_lab(bench, &(struct bench_variant){.hooks = hooks}, &link, err);
		for (size_t size = 0; !ret && size < options->n_sizes; size++)
			add(bench, BENCH_SEND, options->sizes[size], hooks, link);
		if (!ret)
			add(bench, BENCH_TCP, 0, hooks, link);
	}
	return ret;
}

/* Each is compared with the same on the unobserved link. */
static void set_bases(struct bench *bench)
{
	for (size_t i = 0; i < bench->n; i++)
		for (size_t k = 0; k < bench->n; k++) {
			const struct series *base = &bench->list[k];

			if (base->hooks == BENCH_HOOKS_NONE &&
			    bench->list[i].hooks != BENCH_HOOKS_NONE &&
			    base->work.what == bench->list[i].work.what &&
			    base->work.size == bench->list[i].work.size)
				bench->list[i].base = base;
		}
}

static int plan(struct bench *bench, struct err *err)
{
	const struct bench_options *options = &bench->options;
	int ret;

	if (options->argc) {
		ret = open_named_link(bench, err);
		if (ret)
			return ret;
		if (options->topics & TOPIC_PPS)
			add(bench, BENCH_PPS_DROP, options->sizes[0], BENCH_HOOKS_NONE,
			    &bench->link); /* refused, with the reason */
		add_stack(bench, BENCH_HOOKS_NONE, &bench->link);
		return 0;
	}
	ret = options->matrix ? plan_matrix(bench, err) : plan_own(bench, err);
	set_bases(bench);
	return ret;
}

/* ---- running ------------------------------------------------------------------------------- */

static void tell(const struct series *now, size_t done, size_t of, void *arg)
{
	(void)arg;
	fprintf(stderr, "\r\033[K%zu of %zu: %s, %s", done + 1, of, bench_what_word(now->work.what),
		bench_hooks_word(now->hooks));
	fflush(stderr);
}

/* Needs programs that stamp: the user's link, if it is watched, or a lab of its own. */
static int find_way(struct bench *bench, struct bench_way *way, struct err *err)
{
	struct bench_link *link = bench->options.argc ? &bench->link : NULL;
	int ret = 0;

	if (bench->options.matrix || !wants(bench, TOPIC_RTT) || (link && !link->watched))
		return 0;
	if (!link)
		ret = add_lab(bench, &(struct bench_variant){.hooks = BENCH_HOOKS_UP}, &link, err);
	return ret ? ret : bench_way(link, WAY_ECHOES, way, err);
}

static int run(struct bench *bench, struct bench_report *report, struct err *err)
{
	bool terminal = isatty(2);
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	int ret = plan(bench, err);

	if (!ret)
		ret = series_run(bench->list, bench->n, bench->options.runs,
				 bench->options.time_s * 1e9, terminal ? tell : NULL, NULL, err);
	if (!ret)
		ret = find_way(bench, &report->way, err);
	if (terminal)
		fprintf(stderr, "\r\033[K");
	report->options = &bench->options;
	report->link = bench->n ? bench->list[0].link : NULL;
	report->list = bench->list;
	report->n = bench->n;
	report->took_ns = clock_ns(CLOCK_MONOTONIC) - start;
	bench_machine(&report->machine);
	return ret;
}

static int show(const struct bench_report *report, const struct bench_old *old)
{
	const struct bench_options *options = report->options;
	json_t *doc = options->format == BENCH_JSON ? bench_to_json(report) : NULL;
	size_t worse = 0;

	if (options->format == BENCH_TEXT)
		bench_print_text(report, stdout);
	else if (options->format == BENCH_CSV)
		bench_print_csv(report, stdout);
	if (options->compare)
		worse = bench_compare(old, report, doc,
				      options->format == BENCH_TEXT ? stdout : NULL);
	if (doc)
		out_json_print(doc, stdout);
	return worse ? ERR_FAILED : 0;
}

/* Everything that was made goes, after a failure too; the first failure is the one that is told. */
static int tidy(struct bench *bench, struct err *err)
{
	int first = 0;

	while (bench->n_labs) {
		int ret = bench_lab_down(bench->labs[--bench->n_labs], err);

		first = first ? first : ret;
	}
	bench_link_close(&bench->link);
	running_free(bench->run);
	return first;
}

int cmd_bench(int argc, char **argv, struct err *err)
{
	struct bench_report report = {0};
	struct bench_old old = {0};
	struct bench *bench;
	int ret, status;

	if (argc > 1 && !strcmp(argv[1], "build"))
		return bench_build(argc - 1, argv + 1, err);
	bench = calloc(1, sizeof(*bench));
	if (!bench)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	bench->link.from.netns_fd = bench->link.to.netns_fd = -1;
	ret = bench_parse(&bench->options, argc, argv, err);
	if (!ret && bench->options.compare)
		ret = bench_old_load(&old, bench->options.compare, err);
	if (!ret) {
		cmd_catch_signals();
		ret = run(bench, &report, err);
		status = tidy(bench, err);
		ret = ret ? ret : status;
	}
	status = ret ? (int)err->code : show(&report, &old);
	series_free(bench->list, bench->n);
	bench_old_free(&old);
	free(bench);
	return status;
}
