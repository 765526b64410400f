// SPDX-License-Identifier: GPL-2.0-only
/* bench_options.c - the command line of `vethlab bench`. */
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/bench/suite.h"
#include "user/cmd/cmd.h"

enum { OPTION_CSV = 256, OPTION_THRESHOLD, OPTION_MATRIX, OPTION_CPU, OPTION_SET, OPTION_PLOT };

/* Calls take with each word of a list; a word that it does not take is the error. */
static int each_word(const char *name, const char *list, bool (*take)(const char *word, void *arg),
		     void *arg, const char *expected, struct err *err)
{
	char copy[160], *save = NULL;
	size_t words = 0;

	if (list[0] == ',' || strstr(list, ",,") || (list[0] && list[strlen(list) - 1] == ','))
		return cmd_usage(err, "bench", "%s %s: a word is missing at a comma", name, list);
	if (strlen(list) >= sizeof(copy))
		return cmd_usage(err, "bench", "%s: the list is too long", name);
	strcpy(copy, list);
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		words++;
		if (!take(word, arg))
			return cmd_usage(err, "bench", "%s %s: '%s' is not one of %s", name, list,
					 word, expected);
	}
	return words ? 0 : cmd_usage(err, "bench", "%s needs %s", name, expected);
}

static bool take_topic(const char *word, void *arg)
{
	static const char *const words[] = {"rtt", "pps", "tcp", "udp", "rr"};
	struct bench_options *options = arg;

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(word, words[i])) {
			options->topics |= 1u << i;
			return true;
		}
	return false;
}

static bool has_hooks(const struct bench_options *options, enum bench_hooks hooks)
{
	for (size_t i = 0; i < options->n_hooks; i++)
		if (options->hooks[i] == hooks)
			return true;
	return false;
}

static bool take_hooks(const char *word, void *arg)
{
	struct bench_options *options = arg;
	enum bench_hooks hooks;

	if (!bench_hooks_parse(word, &hooks))
		return false;
	if (!has_hooks(options, hooks))
		options->hooks[options->n_hooks++] = hooks;
	return true;
}

static bool take_set(const char *word, void *arg)
{
	struct bench_options *options = arg;

	return bench_set_parse(word, &options->set);
}

static bool number(const char *text, double min, double max, double *value)
{
	char *end;
	double found = strtod(text, &end);

	if (end == text || *end || !(found >= min && found <= max))
		return false;
	*value = found;
	return true;
}

static bool take_size(const char *word, void *arg)
{
	struct bench_options *options = arg;
	double size;

	if (!number(word, 60, 65549, &size) || size != (unsigned)size ||
	    options->n_sizes == BENCH_SIZES_MAX)
		return false;
	options->sizes[options->n_sizes++] = size;
	return true;
}

static bool take_cpu(const char *word, void *arg)
{
	struct bench_options *options = arg;
	int *cpu = &options->cpus[options->cpus[0] >= 0];
	double value;

	if (options->cpus[1] >= 0 || !number(word, 0, CPU_SETSIZE - 1, &value) ||
	    value != (int)value)
		return false;
	*cpu = value;
	return true;
}

static int parse_cpus(struct bench_options *options, const char *list, struct err *err)
{
	int ret;

	options->pinned = strcmp(list, "none");
	options->cpus[0] = options->cpus[1] = -1;
	if (!options->pinned)
		return 0;
	ret = each_word("--cpu", list, take_cpu, options, "one CPU, two (sender,receiver), or none",
			err);
	if (!ret && options->cpus[1] < 0)
		options->cpus[1] = options->cpus[0];
	return ret;
}

static int parse_number(const char *name, const char *text, double min, double max, double *value,
			struct err *err)
{
	if (number(text, min, max, value))
		return 0;
	return cmd_usage(err, "bench", "%s %s: not a number from %g to %g", name, text, min, max);
}

static int parse_count(const char *name, const char *text, unsigned max, unsigned *count,
		       struct err *err)
{
	double value;

	if (!number(text, 1, max, &value) || value != (unsigned)value)
		return cmd_usage(err, "bench", "%s %s: not a whole number from 1 to %u", name, text,
				 max);
	*count = value;
	return 0;
}

/* One format; the same one twice is no matter. */
static int parse_format(struct bench_options *options, enum bench_format format, struct err *err)
{
	if (options->format != BENCH_TEXT && options->format != format)
		return cmd_usage(err, "bench", "--json and --csv do not go together");
	options->format = format;
	return 0;
}

static int parse_option(struct bench_options *options, int c, struct err *err)
{
	switch (c) {
	case 'w':
		return each_word("--what", optarg, take_topic, options, "rtt, pps, tcp, udp, rr",
				 err);
	case 'H':
		return each_word("--hooks", optarg, take_hooks, options,
				 "none, tcx, clsact, xdp-generic, xdp-native, default", err);
	case 's':
		return each_word("--size", optarg, take_size, options,
				 "at most 8 frame sizes from 60 to 65549 bytes", err);
	case 't':
		return parse_number("--time", optarg, 0.01, 3600, &options->time_s, err);
	case 'r':
		return parse_count("--runs", optarg, BENCH_RUNS_MAX, &options->runs, err);
	case 'T':
		return parse_count("--threads", optarg, 64, &options->threads, err);
	case OPTION_SET:
		return each_word("--set", optarg, take_set, options, "gro, threaded, no-tso", err);
	case OPTION_PLOT:
		options->plot = true;
		return 0;
	case OPTION_THRESHOLD:
		return parse_number("--threshold", optarg, 0, 1000, &options->threshold, err);
	case OPTION_CPU:
		return parse_cpus(options, optarg, err);
	case 'c':
		options->compare = optarg;
		return 0;
	case 'l':
		options->lab = optarg;
		return 0;
	case 'j':
		return parse_format(options, BENCH_JSON, err);
	case OPTION_CSV:
		return parse_format(options, BENCH_CSV, err);
	default:
		options->matrix = true;
		return 0;
	}
}

/* What was not said. */
static void set_defaults(struct bench_options *options)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!options->n_hooks && options->matrix)
		for (int i = 0; i < BENCH_HOOKS_UP;
		     i++) /* one by one: what `up` attaches is of these */
			if (i != BENCH_HOOKS_TCX || watch_tc_available() == WATCH_TC_TCX)
				options->hooks[options->n_hooks++] = i;
	/* What nobody watches is what a matrix compares with. */
	if (options->matrix && !has_hooks(options, BENCH_HOOKS_NONE)) {
		memmove(options->hooks + 1, options->hooks,
			options->n_hooks++ * sizeof(*options->hooks));
		options->hooks[0] = BENCH_HOOKS_NONE;
	}
	if (!options->n_hooks)
		options->hooks[options->n_hooks++] = BENCH_HOOKS_NONE;
	if (!options->n_sizes) {
		options->usual_sizes = true;
		options->sizes[options->n_sizes++] = 64;
		options->sizes[options->n_sizes++] = 1500;
	}
	if (!options->runs)
		options->runs = options->matrix ? 15 : 9;
	if (!options->threads)
		options->threads = cpus < 1 ? 1 : cpus > 64 ? 64 : cpus;
	if (options->time_s == 0)
		options->time_s = options->matrix ? 0.1 : 0.3;
	if (options->pinned && options->cpus[0] < 0)
		bench_choose_cpus(&options->cpus[0], &options->cpus[1]);
}

int bench_parse(struct bench_options *options, int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {
		{"what", required_argument, NULL, 'w'},
		{"hooks", required_argument, NULL, 'H'},
		{"size", required_argument, NULL, 's'},
		{"time", required_argument, NULL, 't'},
		{"runs", required_argument, NULL, 'r'},
		{"threads", required_argument, NULL, 'T'},
		{"compare", required_argument, NULL, 'c'},
		{"threshold", required_argument, NULL, OPTION_THRESHOLD},
		{"cpu", required_argument, NULL, OPTION_CPU},
		{"set", required_argument, NULL, OPTION_SET},
		{"plot", no_argument, NULL, OPTION_PLOT},
		{"matrix", no_argument, NULL, OPTION_MATRIX},
		{"csv", no_argument, NULL, OPTION_CSV},
		{"json", no_argument, NULL, 'j'},
		{"lab", required_argument, NULL, 'l'},
		{NULL},
	};
	int c, ret = 0;

	*options = (struct bench_options){.pinned = true, .cpus = {-1, -1}, .threshold = 5};
	optind = 1;
	opterr = 0;
	while (!ret && (c = getopt_long(argc, argv, ":l:j", longs, NULL)) != -1)
		ret = c == ':' || c == '?' ? cmd_bad_option(err, "bench", c, argv)
					   : parse_option(options, c, err);
	if (ret)
		return ret;
	options->argc = argc - optind;
	options->argv = argv + optind;
	if (options->argc > 2)
		return cmd_usage(err, "bench", "unexpected '%s'", options->argv[2]);
	if (options->argc && (options->matrix || options->n_hooks || options->set))
		return cmd_usage(err, "bench",
				 "--matrix, --hooks and --set are for labs of the bench's "
				 "own: name no link");
	if (options->matrix && (options->topics || options->set))
		return cmd_usage(err, "bench", "--matrix and %s do not go together",
				 options->topics ? "--what" : "--set");
	if (options->n_sizes && options->topics && !(options->topics & (TOPIC_PPS | TOPIC_UDP)))
		return cmd_usage(err, "bench",
				 "--size is of frames of pps and udp: --what names neither");
	if (options->plot && options->format != BENCH_TEXT)
		return cmd_usage(err, "bench", "--plot is text: neither --json nor --csv");
	set_defaults(options);
	return 0;
}
