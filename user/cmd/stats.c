// SPDX-License-Identifier: GPL-2.0-only
/* stats.c - `vethlab stats`: the ledger of a running lab, once or again and again. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/duration.h"
#include "user/base/interrupt.h"
#include "user/cmd/cmd.h"
#include "user/ledger/reading.h"
#include "user/render/ledger_report.h"
#include "user/render/record_view.h"
#include "user/render/rates.h"
#include "user/output/output.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_OPENMETRICS, FORMAT_CSV };

struct stats_run {
	const char *lab, *link, *node, *since;
	enum format format;
	double interval_s;     /* 0: once */
	double echo_timeout_s; /* 0: leave it */
	bool reset, all, time, verbose;
	struct reading reading;
	struct ledger_filter filter;
};

/* ---- arguments ----------------------------------------------------------------------------- */

static bool is_time(const char *text, double *seconds)
{
	uint64_t ns;

	if (!duration_parse(text, &ns))
		return false;
	*seconds = ns / 1e9;
	return true;
}

/* Of any size, which is_time() may refuse. A lab may be called e2e. */
static bool is_number(const char *text)
{
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return false;
	strtod(text, &end);
	return end != text && !*end;
}

static bool is_interval(const char *word)
{
	double seconds;

	return is_time(word, &seconds) || is_number(word);
}

/* `--watch` alone is a second. */
static int take_watch(const struct cmd *cmd, const struct cmd_option *option, const char *text,
		      void *target, struct err *err)
{
	double *interval_s = target;

	(void)option;
	*interval_s = 1;
	if (text && !(is_time(text, interval_s) && *interval_s >= 0.1 && *interval_s <= 86400))
		return cmd_usage(err, cmd, "--watch takes a time from 100ms to 86400s, not '%s'",
				 text);
	return 0;
}

static int take_echo_timeout(const struct cmd *cmd, const struct cmd_option *option,
			     const char *text, void *target, struct err *err)
{
	double *seconds = target;

	(void)option;
	if (is_time(text, seconds) && *seconds >= 1e-6 && *seconds <= 3600)
		return 0;
	return cmd_usage(err, cmd, "--echo-timeout takes seconds up to 3600, not '%s'", text);
}

/* One format; the same one twice is no error. */
static int take_format(const struct cmd *cmd, const struct cmd_option *option, const char *text,
		       void *target, struct err *err)
{
	enum format *format = target, said = option->constant;

	(void)text;
	if (*format != FORMAT_TEXT && *format != said)
		return cmd_usage(err, cmd, "one of --json, --openmetrics, --csv at a time");
	*format = said;
	return 0;
}

static int parse(struct stats_run *stats, int argc, char **argv, struct err *err)
{
	struct cmd_words words;
	int ret = options_parse(&cmd_stats, stats, argc, argv, &words, err);

	if (ret)
		return ret;
	if (words.argc > 1 || (words.argc && stats->lab))
		return cmd_usage(err, &cmd_stats, "one lab at a time, not '%s' too",
				 words.argv[words.argc - 1]);
	if (words.argc)
		stats->lab = words.argv[0];
	if (stats->reset && (stats->interval_s || stats->since || stats->all || stats->time))
		return cmd_usage(err, &cmd_stats,
				 "--reset goes with none of --watch, --since, --all, --time");
	if (stats->verbose && (stats->reset || stats->interval_s || stats->time))
		return cmd_usage(err, &cmd_stats, "-v goes with none of --watch, --time, --reset");
	if (stats->reset && (stats->link || stats->node))
		return cmd_usage(err, &cmd_stats,
				 "--reset is of all links: leave --link and --node out");
	if (stats->reset && stats->format != FORMAT_TEXT && stats->format != FORMAT_JSON)
		return cmd_usage(err, &cmd_stats,
				 "--reset prints text or, with --json, a document");
	if (stats->interval_s && stats->format == FORMAT_OPENMETRICS)
		return cmd_usage(err, &cmd_stats,
				 "--openmetrics is one document: not with --watch");
	if (stats->time && (stats->interval_s || stats->format == FORMAT_CSV))
		return cmd_usage(err, &cmd_stats, "--time goes with neither --watch nor --csv");
	return 0;
}

static int find_filter(struct stats_run *stats, struct err *err)
{
	const struct running *run = stats->reading.run;

	if (stats->link) {
		const struct end *end = running_find_end(run, stats->link, err);

		if (!end)
			return -ENOENT;
		stats->filter.link = end->link;
	}
	if (stats->node)
		stats->filter.node = running_find_node(run, stats->node, err);
	return stats->node && !stats->filter.node ? -ENOENT : 0;
}

/* ---- once ---------------------------------------------------------------------------------- */

static void print_ledger(const struct stats_run *stats, const struct ledger *ledger)
{
	switch (stats->format) {
	case FORMAT_TEXT:
		if (ledger->snapshot->timing)
			ledger_print_times(ledger, &stats->filter, stdout);
		else
			ledger_print(ledger, &stats->filter, stats->verbose, stdout);
		break;
	case FORMAT_JSON:
		output_json_print(ledger_to_json(ledger, &stats->filter), stdout);
		break;
	case FORMAT_OPENMETRICS:
		ledger_print_openmetrics(ledger, &stats->filter, stdout);
		break;
	case FORMAT_CSV:
		ledger_print_csv(ledger, &stats->filter, true, stdout);
		break;
	}
}

static int reset(struct stats_run *stats, struct err *err)
{
	const char *name = stats->reading.run->name;
	char time[TIME_TEXT_SIZE];
	uint64_t read_ns, time_ns;
	json_t *document;
	int ret = reading_reset(&stats->reading, &read_ns, &time_ns, err);

	if (ret)
		return ret;
	if (stats->format == FORMAT_TEXT) {
		printf("lab %s: counts from now on; --all counts from when it was built\n", name);
		return 0;
	}
	document = output_json_document("vethlab.stats-reset/1");
	output_json_set(document, "lab", output_json_text(name));
	output_json_set(document, "time", output_json_text(ledger_time(time_ns, time)));
	output_json_set(document, "since_ns", json_integer((json_int_t)read_ns));
	output_json_print(document, stdout);
	return 0;
}

static int print_once(const struct stats_run *stats, struct err *err)
{
	struct snapshot snapshot;
	struct ledger ledger;
	int ret = reading_take(&stats->reading, &ledger, &snapshot, err);

	if (ret)
		return ret;
	if (stats->time && !snapshot.timing) {
		ret = err_set(err, ERR_FAILED, ENOENT, "lab %s keeps no times of echoes",
			      stats->reading.run->name);
	} else {
		ledger_read_programs(&ledger, stats->reading.run);
		print_ledger(stats, &ledger);
	}
	ledger_free(&ledger);
	snapshot_free(&snapshot);
	return ret;
}

/* ---- again and again ----------------------------------------------------------------------- */

struct watcher {
	struct stats_run *stats;
	struct screen screen;
	struct rates *rates;
	struct snapshot before; /* the last reading */
};

static volatile sig_atomic_t resized;

static void on_resize(int sig)
{
	(void)sig;
	resized = 1;
}

/* Until the time has come, or a signal says to end. */
static void wait_until(uint64_t mono_ns)
{
	struct timespec until = {(time_t)(mono_ns / 1000000000), (long)(mono_ns % 1000000000)};

	while (!interrupt_requested)
		if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != EINTR)
			return;
}

static void print_frame(struct watcher *watcher, const struct ledger *ledger)
{
	const struct stats_run *stats = watcher->stats;
	char *text = NULL;
	size_t size;
	FILE *f;

	if (stats->format == FORMAT_JSON) {
		output_json_line(ledger_to_json(ledger, &stats->filter), stdout);
		return;
	}
	if (stats->format == FORMAT_CSV) {
		ledger_print_csv(ledger, &stats->filter, !watcher->screen.frames++, stdout);
		output_flush(stdout);
		return;
	}
	f = open_memstream(&text, &size);
	if (!f) {
		output_fail(errno);
		return;
	}
	rates_print(watcher->rates, ledger, &stats->filter,
		    watcher->screen.terminal ? output_width(stdout) : 0,
		    screen_room(&watcher->screen), f);
	fclose(f);
	if (resized)
		screen_resized(&watcher->screen);
	resized = 0;
	screen_draw(&watcher->screen, text);
	free(text);
}

/* What the ledger has more than the last reading, and the frame that shows it. */
static int print_recent(struct watcher *watcher, struct ledger *ledger)
{
	struct ledger difference;
	struct snapshot recent;
	int ret = snapshot_copy(&recent, ledger->snapshot);

	if (ret)
		return ret;
	snapshot_subtract(&recent, &watcher->before);
	ret = ledger_make(&difference, ledger->name, ledger->lab, &recent);
	if (!ret) {
		ledger->recent = &difference;
		rates_add(watcher->rates, &difference);
		print_frame(watcher, ledger);
		ledger->recent = NULL;
		ledger_free(&difference);
	}
	snapshot_free(&recent);
	return ret;
}

static int watch_step(struct watcher *watcher, struct err *err)
{
	struct snapshot now;
	struct ledger ledger;
	int ret = reading_resume(&watcher->stats->reading, err);

	if (!ret)
		ret = reading_take(&watcher->stats->reading, &ledger, &now, err);
	reading_pause(&watcher->stats->reading);
	if (ret)
		return ret;
	ret = print_recent(watcher, &ledger);
	if (ret)
		err_set(err, ERR_SYSTEM, -ret, "stats: %s", strerror(-ret));
	ledger_free(&ledger);
	snapshot_free(&watcher->before);
	watcher->before = now;
	return ret;
}

static int watch_loop(struct watcher *watcher, struct err *err)
{
	uint64_t step = (uint64_t)(watcher->stats->interval_s * 1e9);
	uint64_t next = clock_ns(CLOCK_MONOTONIC) + step;
	int ret = 0;

	/* A reader that went away ends it: nobody looks any more. */
	while (!ret && !ferror(stdout)) {
		wait_until(next);
		if (interrupt_requested)
			break;
		ret = watch_step(watcher, err);
		next += step;
		if (next < clock_ns(CLOCK_MONOTONIC)) /* stopped meanwhile: never a burst */
			next = clock_ns(CLOCK_MONOTONIC) + step;
	}
	/* The terminal shows ^C where the prompt would stand. */
	if (interrupt_requested && watcher->screen.terminal)
		putchar('\n');
	return ret;
}

static int print_watching(struct stats_run *stats, struct err *err)
{
	struct sigaction action = {.sa_handler = on_resize};
	struct watcher watcher = {.stats = stats};
	struct ledger ledger;
	int ret;

	watcher.rates = rates_new(lab_n_ends(stats->reading.run->lab));
	if (!watcher.rates)
		return err_set(err, ERR_SYSTEM, ENOMEM, "stats: %s", strerror(ENOMEM));
	interrupt_catch_signals();
	sigaction(SIGWINCH, &action, NULL);
	screen_open(&watcher.screen, stdout);
	ret = reading_take(&stats->reading, &ledger, &watcher.before, err);
	reading_pause(&stats->reading);
	if (!ret) {
		ledger_free(&ledger);
		ret = watch_loop(&watcher, err);
		snapshot_free(&watcher.before);
	}
	rates_free(watcher.rates);
	return ret;
}

/* ---- the verb ------------------------------------------------------------------------------ */

static int run_stats(struct stats_run *stats, struct err *err)
{
	int ret = reading_open(&stats->reading, stats->lab, err);

	if (ret)
		return ret;
	ret = find_filter(stats, err);
	if (ret)
		return ret;
	if (stats->echo_timeout_s)
		ret = watch_set_echo_timeout(stats->reading.watch,
					     (uint64_t)(stats->echo_timeout_s * 1e9), err);
	if (ret)
		return ret;
	if (stats->reset)
		return reset(stats, err);
	stats->reading.with_times = stats->time;
	stats->reading.shown = &stats->filter;
	ret = reading_set_base(&stats->reading, stats->all, stats->since, err);
	if (ret)
		return ret;
	return stats->interval_s ? print_watching(stats, err) : print_once(stats, err);
}

static int stats_main(int argc, char **argv, struct err *err)
{
	struct stats_run stats = {0};
	int ret = parse(&stats, argc, argv, err);

	if (ret)
		return ret;
	ret = run_stats(&stats, err);
	reading_close(&stats.reading);
	return ret;
}

static const struct cmd_operand operands[] = {
	{"LAB", .kind = VALUE_LAB, .optional = true, .text = "a lab that runs", .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{"watch", 'w', .show = SHOW_NAME, .value = "N", .kind = VALUE_DURATION, .least = 100000000,
	 .most = 86400000000000, .optional = true, .next = is_interval, .otherwise = "1",
	 .text = "rates every N seconds (1), the busiest first if not all fit",
	 .usage = "--watch [SECONDS]", INTO_CALL(take_watch, double, struct stats_run, interval_s)},
	{"verbose", 'v', .text = "packets by type, and all drops, also harmless ones",
	 .usage = "-v", INTO_BOOL(struct stats_run, verbose)},
	{"link", .value = "END", .kind = VALUE_LINK, .text = "only the link of this end",
	 .row = "only the link of this end; --node NODE: only this node's links",
	 INTO_TEXT(struct stats_run, link)},
	{"node", .alternative = true, .value = "NODE", .kind = VALUE_NODE,
	 .text = "only this node's links", .row = NO_ROW, INTO_TEXT(struct stats_run, node)},
	{"end", .value = "END", .kind = VALUE_LINK, .text = "the same as --link", .hidden = true,
	 INTO_TEXT(struct stats_run, link)},
	{"json", 'j', .show = SHOW_LETTER, .group = OPTIONS_COMMON, .text = "output for programs",
	 .row = NO_ROW, .usage = "-j|...", .constant = FORMAT_JSON,
	 INTO_CALL(take_format, enum format, struct stats_run, format)},
	{"time", .text = "how long echoes took, and what became of them", .usage = "",
	 INTO_BOOL(struct stats_run, time)},
	{"echo-timeout", .value = "SECONDS", .kind = VALUE_DURATION, .least = 1000,
	 .most = 3600000000000, .otherwise = "1",
	 .text = "when a request without a reply is unanswered (1)", .usage = "",
	 INTO_CALL(take_echo_timeout, double, struct stats_run, echo_timeout_s)},
	{"reset", .text = "count from now on",
	 .row = "count from now on; --all counts from when the lab was built", .usage = "",
	 INTO_BOOL(struct stats_run, reset)},
	{"all", .text = "count from when the lab was built", .row = NO_ROW, .usage = "",
	 INTO_BOOL(struct stats_run, all)},
	{"since", .value = "FILE", .kind = VALUE_FILE,
	 .text = "count from when FILE was made: vethlab stats --json > FILE", .usage = "",
	 INTO_TEXT(struct stats_run, since)},
	{"openmetrics", .group = OPTIONS_OUTPUT, .text = "for a monitoring system",
	 .row = "for a monitoring system; --csv: for a spreadsheet", .usage = "",
	 .constant = FORMAT_OPENMETRICS,
	 INTO_CALL(take_format, enum format, struct stats_run, format)},
	{"csv", .group = OPTIONS_OUTPUT, .text = "for a spreadsheet", .row = NO_ROW, .usage = "",
	 .constant = FORMAT_CSV, INTO_CALL(take_format, enum format, struct stats_run, format)},
	OPTION_LAB(struct stats_run, .hidden = true),
	OPTIONS_END,
};

const struct cmd cmd_stats = {
	.name = "stats",
	.summary = "the ledger: what each link sent, received and lost",
	.operands = operands,
	.options = options,
	.notes = "Packets are counted as on a wire: a TSO super-packet counts as its segments.\n",
	.run = stats_main,
};
