// SPDX-License-Identifier: GPL-2.0-only
/* suite.c - what `vethlab bench` measures, and the links that it makes for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/interrupt.h"
#include "user/bench/internal.h"
#include "user/bench/series.h"

enum { ECHO_FRAME = 98, ETHERNET = 14, STEP_ECHOES = 1000, PROGRAMS_NS = 50000000 };

/* ---- links --------------------------------------------------------------------------------- */

static void pin(const struct bench_suite *bench, struct bench_link *link)
{
	link->from.cpu = bench->options.pinned ? bench->options.cpus[0] : -1;
	link->to.cpu = bench->options.pinned ? bench->options.cpus[1] : -1;
}

static int add_lab(struct bench_suite *bench, const struct bench_variant *variant,
		   struct bench_link **link, struct err *err)
{
	struct bench_lab *lab;
	int ret;

	if (bench->n_labs == BENCH_LABS_MAX)
		return err_set(err, ERR_USAGE, E2BIG, "too many labs at once");
	ret = bench_lab_up(&lab, variant, bench->n_labs, &interrupt_requested, err);

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
		end = running_find_end(run, argv[0], err);
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
	from = running_find_node(run, argv[0], err);
	to = from ? running_find_node(run, argv[1], err) : NULL;
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

static bool has_node(const struct running *run, const char *name)
{
	for (size_t i = 0; i < run->lab->n_nodes; i++)
		if (!strcmp(run->lab->nodes[i]->name, name))
			return true;
	return false;
}

static int open_named_link(struct bench_suite *bench, struct err *err)
{
	const struct bench_options *options = &bench->options;
	const char *build = "build";
	const struct end *end;
	int ret = lab_open(&bench->run, options->lab, err);

	if (ret) {
		if (nearest_name(options->argv[0], &build, 1)) {
			err->hint[0] = '\0'; /* not to start a lab */
			err_hint(err, "did you mean `vethlab bench build`?");
		}
		return ret;
	}
	if (!strchr(options->argv[0], ':') && nearest_name(options->argv[0], &build, 1) &&
	    !has_node(bench->run, options->argv[0])) {
		err_set(err, ERR_FAILED, EINVAL, "lab %s has no node '%s'", bench->run->name,
			options->argv[0]);
		err_hint(err, "did you mean `vethlab bench build`?");
		return -EINVAL;
	}
	end = find_end(bench->run, options->argv, options->argc, err);
	if (!end)
		return -ENOENT;
	ret = bench_link_open(&bench->link, bench->run, end, err);
	if (ret)
		return ret;
	bench->link.interrupted = &interrupt_requested;
	pin(bench, &bench->link);
	return 0;
}

/* ---- what is measured ---------------------------------------------------------------------- */

/* What watches a link, and how it is set. */
struct suite_link {
	enum bench_hooks hooks;
	unsigned set;
	const struct bench_link *link;
};

static void add(struct bench_suite *bench, enum bench_what what, unsigned size,
		const struct suite_link *place)
{
	struct series *series = &bench->list[bench->n];

	if (bench->n == BENCH_SERIES_MAX)
		return;
	bench->n++;
	*series = (struct series){.work = {what, size, bench->options.threads},
				  .hooks = place->hooks,
				  .set = place->set,
				  .link = place->link};
}

static bool wants(const struct bench_suite *bench, enum bench_topic topic)
{
	return !bench->options.topics || bench->options.topics & topic;
}

static void add_echoes(struct bench_suite *bench, const struct suite_link *place)
{
	add(bench, BENCH_RTT, ECHO_FRAME, place);
	add(bench, BENCH_RTT_FLOOD, ECHO_FRAME, place);
}

static void add_stack(struct bench_suite *bench, const struct suite_link *place)
{
	const struct bench_options *options = &bench->options;

	if (wants(bench, TOPIC_RTT))
		add_echoes(bench, place);
	if (wants(bench, TOPIC_TCP))
		add(bench, BENCH_TCP, 0, place);
	for (size_t i = 0; wants(bench, TOPIC_UDP) && i < options->n_sizes; i++)
		add(bench, BENCH_UDP, options->sizes[i], place);
	if (wants(bench, TOPIC_RR)) {
		add(bench, BENCH_TCP_RR, 0, place);
		add(bench, BENCH_UDP_RR, 0, place);
	}
}

/* Live frames meet no tc on their way out; XDP that watches leaves no room for XDP that receives.
 */
static void add_pps(struct bench_suite *bench, const struct suite_link *place)
{
	const struct bench_options *options = &bench->options;
	bool has_xdp = place->hooks == BENCH_HOOKS_GENERIC || place->hooks == BENCH_HOOKS_NATIVE;

	for (enum bench_what what = BENCH_PPS_DROP; what <= BENCH_PPS_SOCKET; what++)
		for (size_t i = 0; i < options->n_sizes; i++)
			if (!has_xdp || what == BENCH_PPS_TC || what == BENCH_PPS_SOCKET)
				add(bench, what, options->sizes[i], place);
}

static int add_place(struct bench_suite *bench, enum bench_hooks hooks, unsigned queues,
		     unsigned set, struct suite_link *place, struct err *err)
{
	struct bench_variant variant = {hooks, queues, set};
	struct bench_link *link = NULL;
	int ret = add_lab(bench, &variant, &link, err);

	if (ret)
		return ret;
	*place = (struct suite_link){hooks, set, link};
	return 0;
}

/* Only what watches both ways keeps times of echoes, and tells where these go. */
static bool any_watched(const struct bench_suite *bench)
{
	for (size_t i = 0; i < bench->n; i++)
		if (bench->list[i].link->watched)
			return true;
	return false;
}

static int plan_own(struct bench_suite *bench, struct err *err)
{
	const struct bench_options *options = &bench->options;
	enum bench_hooks tc =
		watch_tc_available() == WATCH_TC_TCX ? BENCH_HOOKS_TCX : BENCH_HOOKS_CLSACT;
	struct suite_link place;
	int ret;

	for (size_t i = 0; i < options->n_hooks; i++) {
		enum bench_hooks hooks = options->hooks[i];

		if (options->topics != TOPIC_PPS) {
			ret = add_place(bench, hooks, 0, options->set, &place, err);
			if (ret)
				return ret;
			add_stack(bench, &place);
		}
		if (wants(bench, TOPIC_PPS)) {
			ret = add_place(bench, hooks, options->threads,
					options->set | BENCH_SET_GRO, &place, err);
			if (ret)
				return ret;
			add_pps(bench, &place);
		}
	}
	if (!wants(bench, TOPIC_RTT) || any_watched(bench))
		return 0;
	ret = add_place(bench, tc, 0, options->set, &place, err);
	if (ret)
		return ret;
	add_echoes(bench, &place);
	return 0;
}

/*
 * The same traffic through each way of watching and of setting. Threads matter where there is NAPI,
 * which GRO brings; TSO is TCP's. What is compared follows each other: sizes first, hooks last.
 */
static int plan_matrix(struct bench_suite *bench, struct err *err)
{
	static const unsigned sets[] = {
		0,
		BENCH_SET_GRO,
		BENCH_SET_GRO | BENCH_SET_THREADED,
		BENCH_SET_NO_TSO,
		BENCH_SET_NO_TSO | BENCH_SET_GRO,
		BENCH_SET_NO_TSO | BENCH_SET_GRO | BENCH_SET_THREADED,
	};
	const struct bench_options *options = &bench->options;
	struct suite_link places[BENCH_HOOKS_COUNT];
	int ret = 0;

	for (size_t s = 0; !ret && s < sizeof(sets) / sizeof(*sets); s++) {
		size_t n_sizes = sets[s] & BENCH_SET_NO_TSO ? 0 : options->n_sizes;

		for (size_t i = 0; !ret && i < options->n_hooks; i++)
			ret = add_place(bench, options->hooks[i], 0, sets[s], &places[i], err);
		for (size_t size = 0; !ret && size <= n_sizes; size++)
			for (size_t i = 0; i < options->n_hooks; i++)
				if (size < n_sizes)
					add(bench, BENCH_SEND, options->sizes[size], &places[i]);
				else
					add(bench, BENCH_TCP, 0, &places[i]);
	}
	return ret;
}

/*
 * Each is compared with the same on the unobserved link that is set alike, and that with the one
 * that is as the kernel makes it.
 */
static bool is_base(const struct series *base, const struct series *series)
{
	bool none = series->hooks == BENCH_HOOKS_NONE;

	return base->hooks == BENCH_HOOKS_NONE && base != series &&
	       base->work.what == series->work.what && base->work.size == series->work.size &&
	       base->set == (none ? 0 : series->set);
}

static void set_bases(struct bench_suite *bench)
{
	for (size_t i = 0; i < bench->n; i++)
		for (size_t k = 0; k < bench->n; k++)
			if (is_base(&bench->list[k], &bench->list[i]))
				bench->list[i].base = &bench->list[k];
}

/* The usual sizes, which nobody asked for, as a link of the user's can carry them. */
static void fit_sizes(struct bench_options *options, const struct bench_link *link)
{
	unsigned most = ETHERNET + (link->from.mtu < link->to.mtu ? link->from.mtu : link->to.mtu);

	while (options->usual_sizes && options->n_sizes &&
	       options->sizes[options->n_sizes - 1] > most) {
		options->sizes[options->n_sizes - 1] = most;
		if (options->n_sizes > 1 && options->sizes[options->n_sizes - 2] >= most)
			options->n_sizes--;
	}
}

int bench_plan(struct bench_suite *bench, struct err *err)
{
	const struct bench_options *options = &bench->options;
	struct suite_link named = {BENCH_HOOKS_NONE, 0, &bench->link};
	int ret;

	if (options->argc) {
		ret = open_named_link(bench, err);
		if (ret)
			return ret;
		fit_sizes(&bench->options, &bench->link);
		if (options->topics & TOPIC_PPS) /* refused, with the reason */
			add(bench, BENCH_PPS_DROP, options->sizes[0], &named);
		add_stack(bench, &named);
		return 0;
	}
	ret = options->matrix ? plan_matrix(bench, err) : plan_own(bench, err);
	set_bases(bench);
	return ret;
}

/* ---- measuring ------------------------------------------------------------------------------ */

/*
 * What cannot be measured is found before anything is: each kind and size is opened once.
 */
static int preflight(const struct bench_suite *bench, struct err *err)
{
	for (size_t i = 0; i < bench->n; i++) {
		const struct bench_work *work = &bench->list[i].work;
		struct bench_run *run = NULL;
		bool again = false;
		int ret;

		for (size_t k = 0; k < i; k++)
			again = again || (bench->list[k].work.what == work->what &&
					  bench->list[k].work.size == work->size);
		if (again)
			continue;
		ret = bench_open(&run, bench->list[i].link, work, err);
		if (ret)
			return ret;
		bench_close(run);
	}
	return 0;
}

/* Where the time of an echo goes: needs programs that stamp, at both ends. */
static int measure_steps(struct bench_suite *bench, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < bench->n; i++) {
		struct series *series = &bench->list[i];

		if (bench_what_is_time(series->work.what) && series->link->watched)
			ret = echo_steps_measure(series->link, series->work.what, STEP_ECHOES,
						 &series->steps, err);
	}
	return ret;
}

/* Of one link of each way of watching; once all is measured, for statistics cost time. */
static int measure_programs(struct bench_suite *bench, struct err *err)
{
	unsigned seen = 1u << BENCH_HOOKS_NONE;
	int ret = 0;

	for (size_t i = 0; !ret && i < bench->n; i++) {
		const struct series *series = &bench->list[i];
		struct program_costs *programs = &bench->programs[bench->n_programs];

		if (series->link->own ? seen & 1u << series->hooks : i || !series->link->watched)
			continue;
		seen |= 1u << series->hooks;
		programs->hooks = series->hooks;
		ret = program_cost_measure(series->link, PROGRAMS_NS, programs->list, &programs->n,
					   err);
		bench->n_programs += !ret && programs->n;
		if (ret && !err->code) {
			bench->no_statistics = true;
			return 0;
		}
	}
	return ret;
}

int bench_measure_planned(struct bench_suite *bench,
			  void (*tell)(const struct series *now, size_t done, size_t of, void *arg),
			  void *arg, struct err *err)
{
	const struct bench_options *options = &bench->options;
	int ret = preflight(bench, err);

	if (ret)
		return ret;
	ret = series_run(bench->list, bench->n, options->runs, options->time_s * 1e9, tell, arg,
			 err);
	if (ret)
		return ret;
	ret = measure_steps(bench, err);
	return ret ? ret : measure_programs(bench, err);
}

int bench_remove_labs(struct bench_suite *bench, struct err *err)
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

struct bench_suite *bench_suite_new(void)
{
	struct bench_suite *bench = calloc(1, sizeof(*bench));

	if (bench)
		bench->link.from.netns_fd = bench->link.to.netns_fd = -1;
	return bench;
}

void bench_suite_free(struct bench_suite *bench)
{
	if (!bench)
		return;
	series_free(bench->list, bench->n);
	free(bench);
}
