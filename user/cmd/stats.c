// SPDX-License-Identifier: GPL-2.0-only
/* stats.c - `vethlab stats`: the ledger of a running lab, once or again and again. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/duration.h"
#include "user/base/interrupt.h"
#include "user/cmd/cmd.h"
#include "user/ledger/reading.h"
#include "user/render/record_view.h"
#include "user/render/rates.h"
#include "user/output/output.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_OPENMETRICS, FORMAT_CSV };

struct stats_run {
	const char *lab, *link, *node, *since;
	enum format format;
	double interval_s;     /* 0: once */
	double echo_timeout_s; /* 0: leave it */
	bool reset, all, time;
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

/* `--watch` alone is a second; a number behind it is how many. */
static int parse_watch(struct stats_run *stats, char **argv, struct err *err)
{
	const char *text = optarg;

	stats->interval_s = 1;
	if (!text && argv[optind] &&
	    (is_time(argv[optind], &stats->interval_s) || is_number(argv[optind])))
		text = argv[optind++];
	if (text && !(is_time(text, &stats->interval_s) && stats->interval_s >= 0.1 &&
		      stats->interval_s <= 86400))
		return cmd_usage(err, "stats",
				 "--watch takes a time from 100ms to 86400s, not '%s'", text);
	return 0;
}

enum {
	OPTION_LINK = 256,
	OPTION_NODE,
	OPTION_SINCE,
	OPTION_RESET,
	OPTION_ALL,
	OPTION_OPENMETRICS,
	OPTION_CSV,
	OPTION_TIME,
	OPTION_ECHO_TIMEOUT
};

static int set_format(struct stats_run *stats, enum format format, struct err *err)
{
	if (stats->format != FORMAT_TEXT && stats->format != format)
		return cmd_usage(err, "stats", "one of --json, --openmetrics, --csv at a time");
	stats->format = format;
	return 0;
}

static int parse_option(struct stats_run *stats, int option, char **argv, struct err *err)
{
	switch (option) {
	case 'l':
		stats->lab = optarg;
		return 0;
	case 'j':
		return set_format(stats, FORMAT_JSON, err);
	case OPTION_OPENMETRICS:
		return set_format(stats, FORMAT_OPENMETRICS, err);
	case OPTION_CSV:
		return set_format(stats, FORMAT_CSV, err);
	case 'w':
		return parse_watch(stats, argv, err);
	case OPTION_TIME:
		stats->time = true;
		return 0;
	case OPTION_ECHO_TIMEOUT:
		if (is_time(optarg, &stats->echo_timeout_s) && stats->echo_timeout_s >= 1e-6 &&
		    stats->echo_timeout_s <= 3600)
			return 0;
		return cmd_usage(err, "stats", "--echo-timeout takes seconds up to 3600, not '%s'",
				 optarg);
	case OPTION_LINK:
		stats->link = optarg;
		return 0;
	case OPTION_NODE:
		stats->node = optarg;
		return 0;
	case OPTION_SINCE:
		stats->since = optarg;
		return 0;
	case OPTION_RESET:
		stats->reset = true;
		return 0;
	case OPTION_ALL:
		stats->all = true;
		return 0;
	default:
		return cmd_bad_option(err, "stats", option, argv);
	}
}

static int parse(struct stats_run *stats, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{"lab", required_argument, NULL, 'l'},
		{"json", no_argument, NULL, 'j'},
		{"watch", optional_argument, NULL, 'w'},
		{"link", required_argument, NULL, OPTION_LINK},
		{"end", required_argument, NULL, OPTION_LINK},
		{"node", required_argument, NULL, OPTION_NODE},
		{"since", required_argument, NULL, OPTION_SINCE},
		{"reset", no_argument, NULL, OPTION_RESET},
		{"all", no_argument, NULL, OPTION_ALL},
		{"openmetrics", no_argument, NULL, OPTION_OPENMETRICS},
		{"csv", no_argument, NULL, OPTION_CSV},
		{"time", no_argument, NULL, OPTION_TIME},
		{"echo-timeout", required_argument, NULL, OPTION_ECHO_TIMEOUT},
		{NULL},
	};
	int option, rc = 0;

	optind = 0;
	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, ":l:jw::", options, NULL)) != -1)
		rc = parse_option(stats, option, argv, err);
	if (rc)
		return rc;
	if (argc - optind > 1 || (argc > optind && stats->lab))
		return cmd_usage(err, "stats", "one lab at a time, not '%s' too", argv[argc - 1]);
	if (argc > optind)
		stats->lab = argv[optind];
	if (stats->reset && (stats->interval_s || stats->since || stats->all || stats->time))
		return cmd_usage(err, "stats",
				 "--reset goes with none of --watch, --since, --all, --time");
	if (stats->reset && (stats->link || stats->node))
		return cmd_usage(err, "stats",
				 "--reset is of all links: leave --link and --node out");
	if (stats->reset && stats->format != FORMAT_TEXT && stats->format != FORMAT_JSON)
		return cmd_usage(err, "stats", "--reset prints text or, with --json, a document");
	if (stats->interval_s && stats->format == FORMAT_OPENMETRICS)
		return cmd_usage(err, "stats", "--openmetrics is one document: not with --watch");
	if (stats->time && (stats->interval_s || stats->format == FORMAT_CSV))
		return cmd_usage(err, "stats", "--time goes with neither --watch nor --csv");
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
			ledger_print(ledger, &stats->filter, stdout);
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
	int rc = reading_reset(&stats->reading, &read_ns, &time_ns, err);

	if (rc)
		return rc;
	if (stats->format == FORMAT_TEXT) {
		printf("lab %s: counts from now on; --all counts from when it was built\n", name);
		return 0;
	}
	document = output_json_document("vethlab.stats-reset/1");
	json_object_set_new(document, "lab", json_string(name));
	json_object_set_new(document, "time", json_string(ledger_time(time_ns, time)));
	json_object_set_new(document, "since_ns", json_integer((json_int_t)read_ns));
	output_json_print(document, stdout);
	return 0;
}

static int print_once(const struct stats_run *stats, struct err *err)
{
	struct snapshot snapshot;
	struct ledger ledger;
	int rc = reading_take(&stats->reading, &ledger, &snapshot, err);

	if (rc)
		return rc;
	if (stats->time && !snapshot.timing)
		rc = err_set(err, ERR_FAILED, ENOENT, "lab %s keeps no times of echoes",
			     stats->reading.run->name);
	else
		print_ledger(stats, &ledger);
	ledger_free(&ledger);
	snapshot_free(&snapshot);
	return rc;
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
	int rc = snapshot_copy(&recent, ledger->snapshot);

	if (rc)
		return rc;
	snapshot_subtract(&recent, &watcher->before);
	rc = ledger_make(&difference, ledger->name, ledger->lab, &recent);
	if (!rc) {
		ledger->recent = &difference;
		rates_add(watcher->rates, &difference);
		print_frame(watcher, ledger);
		ledger->recent = NULL;
		ledger_free(&difference);
	}
	snapshot_free(&recent);
	return rc;
}

static int watch_step(struct watcher *watcher, struct err *err)
{
	struct snapshot now;
	struct ledger ledger;
	int rc = reading_resume(&watcher->stats->reading, err);

	if (!rc)
		rc = reading_take(&watcher->stats->reading, &ledger, &now, err);
	reading_pause(&watcher->stats->reading);
	if (rc)
		return rc;
	rc = print_recent(watcher, &ledger);
	if (rc)
		err_set(err, ERR_SYSTEM, -rc, "stats: %s", strerror(-rc));
	ledger_free(&ledger);
	snapshot_free(&watcher->before);
	watcher->before = now;
	return rc;
}

static int watch_loop(struct watcher *watcher, struct err *err)
{
	uint64_t step = (uint64_t)(watcher->stats->interval_s * 1e9);
	uint64_t next = clock_ns(CLOCK_MONOTONIC) + step;
	int rc = 0;

	/* A reader that went away ends it: nobody looks any more. */
	for (; !rc && !ferror(stdout); next += step) {
		wait_until(next);
		if (interrupt_requested)
			break;
		rc = watch_step(watcher, err);
	}
	/* The terminal shows ^C where the prompt would stand. */
	if (interrupt_requested && watcher->screen.terminal)
		putchar('\n');
	return rc;
}

static int print_watching(struct stats_run *stats, struct err *err)
{
	struct sigaction action = {.sa_handler = on_resize};
	struct watcher watcher = {.stats = stats};
	struct ledger ledger;
	int rc;

	watcher.rates = rates_new(lab_n_ends(stats->reading.run->lab));
	if (!watcher.rates)
		return err_set(err, ERR_SYSTEM, ENOMEM, "stats: %s", strerror(ENOMEM));
	interrupt_catch_signals();
	sigaction(SIGWINCH, &action, NULL);
	screen_open(&watcher.screen, stdout);
	rc = reading_take(&stats->reading, &ledger, &watcher.before, err);
	reading_pause(&stats->reading);
	if (!rc) {
		ledger_free(&ledger);
		rc = watch_loop(&watcher, err);
		snapshot_free(&watcher.before);
	}
	rates_free(watcher.rates);
	return rc;
}

/* ---- the verb ------------------------------------------------------------------------------ */

static int run_stats(struct stats_run *stats, struct err *err)
{
	int rc = reading_open(&stats->reading, stats->lab, err);

	if (!rc)
		rc = find_filter(stats, err);
	if (rc)
		return rc;
	if (stats->echo_timeout_s)
		rc = watch_set_echo_timeout(stats->reading.watch,
					    (uint64_t)(stats->echo_timeout_s * 1e9), err);
	if (rc)
		return rc;
	if (stats->reset)
		return reset(stats, err);
	stats->reading.with_times = stats->time;
	stats->reading.shown = &stats->filter;
	rc = reading_set_base(&stats->reading, stats->all, stats->since, err);
	if (rc)
		return rc;
	return stats->interval_s ? print_watching(stats, err) : print_once(stats, err);
}

int cmd_stats(int argc, char **argv, struct err *err)
{
	struct stats_run stats = {0};
	int rc = parse(&stats, argc, argv, err);

	if (rc)
		return rc;
	rc = run_stats(&stats, err);
	reading_close(&stats.reading);
	return rc;
}
