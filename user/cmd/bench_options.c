// SPDX-License-Identifier: GPL-2.0-only
/* bench_options.c - the command line of `vethlab bench`. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/number.h"
#include "user/bench/bench.h"
#include "user/cmd/bench_options.h"

/* Calls take with each word of a list; a word that it does not take is the error. */
static int each_word(const struct cmd_option *option, const char *list,
		     bool (*take)(const char *word, void *arg), void *arg, const char *expected,
		     struct err *err)
{
	char copy[160], *save = NULL;
	size_t words = 0;

	if (list[0] == ',' || strstr(list, ",,") || (list[0] && list[strlen(list) - 1] == ','))
		return cmd_usage(err, &cmd_bench, "--%s %s: a word is missing at a comma",
				 option->name, list);
	if (strlen(list) >= sizeof(copy))
		return cmd_usage(err, &cmd_bench, "--%s: the list is too long", option->name);
	strcpy(copy, list);
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		words++;
		if (!take(word, arg))
			return cmd_usage(err, &cmd_bench, "--%s %s: '%s' is not one of %s",
					 option->name, list, word, expected);
	}
	return words ? 0 : cmd_usage(err, &cmd_bench, "--%s needs %s", option->name, expected);
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

static bool take_hooks_word(const char *word, void *arg)
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

static bool take_size(const char *word, void *arg)
{
	struct bench_options *options = arg;
	uint64_t size;

	if (!number_parse(word, 60, 65549, &size) || options->n_sizes == BENCH_SIZES_MAX)
		return false;
	options->sizes[options->n_sizes++] = size;
	return true;
}

static bool take_cpu(const char *word, void *arg)
{
	struct bench_options *options = arg;
	int *cpu = &options->cpus[options->cpus[0] >= 0];
	uint64_t value;

	if (options->cpus[1] >= 0 || !number_parse(word, 0, CPU_SETSIZE - 1, &value))
		return false;
	*cpu = value;
	return true;
}

static int take_cpus(const struct cmd *cmd, const struct cmd_option *option, const char *list,
		     void *target, struct err *err)
{
	struct bench_options *options = target;
	int ret;

	(void)cmd;
	options->pinned = strcmp(list, "none");
	options->cpus[0] = options->cpus[1] = -1;
	if (!options->pinned)
		return 0;
	ret = each_word(option, list, take_cpu, options, "one CPU, two (sender,receiver), or none",
			err);
	if (ret)
		return ret;
	if (options->cpus[1] < 0)
		options->cpus[1] = options->cpus[0];
	return 0;
}

static int take_topics(const struct cmd *cmd, const struct cmd_option *option, const char *list,
		       void *options, struct err *err)
{
	(void)cmd;
	return each_word(option, list, take_topic, options, "rtt, pps, tcp, udp, rr", err);
}

static int take_hooks_list(const struct cmd *cmd, const struct cmd_option *option, const char *list,
			   void *options, struct err *err)
{
	(void)cmd;
	return each_word(option, list, take_hooks_word, options,
			 "none, tcx, clsact, xdp-generic, xdp-native, default", err);
}

static int take_sets(const struct cmd *cmd, const struct cmd_option *option, const char *list,
		     void *options, struct err *err)
{
	(void)cmd;
	return each_word(option, list, take_set, options, "gro, threaded, no-tso", err);
}

static int take_sizes(const struct cmd *cmd, const struct cmd_option *option, const char *list,
		      void *options, struct err *err)
{
	(void)cmd;
	return each_word(option, list, take_size, options,
			 "at most 8 frame sizes from 60 to 65549 bytes", err);
}

/* One format; the same one twice is no error. */
static int take_format(const struct cmd *cmd, const struct cmd_option *option, const char *value,
		       void *target, struct err *err)
{
	enum bench_format *format = target, said = option->constant;

	(void)value;
	if (*format != BENCH_TEXT && *format != said)
		return cmd_usage(err, cmd, "--json and --csv do not go together");
	*format = said;
	return 0;
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

int bench_parse(struct bench_args *args, int argc, char **argv, struct err *err)
{
	struct bench_options *options = &args->options;
	struct cmd_words words;
	int ret;

	*args = (struct bench_args){.options = {.pinned = true, .cpus = {-1, -1}}};
	ret = options_parse(&cmd_bench, args, argc, argv, &words, err);
	if (ret)
		return ret;
	options->argc = words.argc;
	options->argv = words.argv;
	if (options->argc > 2)
		return cmd_usage(err, &cmd_bench, "unexpected '%s'", options->argv[2]);
	if (options->argc && (options->matrix || options->n_hooks || options->set))
		return cmd_usage(err, &cmd_bench,
				 "--matrix, --hooks and --set are for labs of the bench's "
				 "own: name no link");
	if (options->matrix && (options->topics || options->set))
		return cmd_usage(err, &cmd_bench, "--matrix and %s do not go together",
				 options->topics ? "--what" : "--set");
	if (options->n_sizes && options->topics && !(options->topics & (TOPIC_PPS | TOPIC_UDP)))
		return cmd_usage(err, &cmd_bench,
				 "--size is of frames of pps and udp: --what names neither");
	if (args->plot && args->format != BENCH_TEXT)
		return cmd_usage(err, &cmd_bench, "--plot is text: neither --json nor --csv");
	set_defaults(options);
	return 0;
}

_Static_assert(BENCH_RUNS_MAX == 1000, "the error of --runs says so");

static const struct cmd_choice topics[] = {{"rtt"}, {"pps"}, {"tcp"}, {"udp"}, {"rr"}, {NULL}};
static const struct cmd_choice ways[] = {{"none"},	 {"tcx"},     {"clsact"}, {"xdp-generic"},
					 {"xdp-native"}, {"default"}, {NULL}};
static const struct cmd_choice sets[] = {{"gro"}, {"threaded"}, {"no-tso"}, {NULL}};

const struct cmd_operand bench_operands[] = {
	{"LINK", .kind = VALUE_END, .optional = true,
	 .text = "an end (node:interface) of a running lab",
	 .row = "an end (node:interface) of a running lab; FROM TO: two nodes"},
	{"FROM", .kind = VALUE_NODE, .optional = true, .form = 1, .text = "the node that sends",
	 .row = NO_ROW},
	{"TO", .kind = VALUE_NODE, .optional = true, .form = 1, .text = "the node that receives",
	 .row = NO_ROW},
	OPERANDS_END,
};

const struct cmd_option bench_options[] = {
	{"what", .value = "LIST", .kind = VALUE_LIST, .choices = topics, .otherwise = "all",
	 .text = "rtt, pps, tcp, udp, rr (all; pps only in labs of its own)",
	 INTO_ARGS(take_topics)},
	{"hooks", .value = "LIST", .kind = VALUE_LIST, .choices = ways, .otherwise = "none",
	 .text = "none (default), tcx, clsact, xdp-generic, xdp-native, default",
	 INTO_ARGS(take_hooks_list)},
	{"set", .value = "LIST", .kind = VALUE_LIST, .choices = sets,
	 .text = "gro, threaded (NAPI), no-tso, at both ends of its own links", .usage = "",
	 INTO_ARGS(take_sets)},
	{"matrix",
	 .text = "none to xdp-native with frames of 64 and 1500 bytes and TCP,\n"
		 "by TSO, GRO and threaded NAPI, beside the unobserved link",
	 INTO_BOOL(struct bench_args, options.matrix)},
	{"size", .value = "LIST", .kind = VALUE_LIST | VALUE_NUMBER, .least = 60, .most = 65549,
	 .otherwise = "64,1500", .text = "bytes of a frame (64,1500)", .usage = "",
	 INTO_ARGS(take_sizes)},
	{"time", .value = "S", .kind = VALUE_DECIMAL, .low = 0.01, .high = 3600,
	 .otherwise = "0.3; 0.1 for --matrix", .wrong = "not a number from 0.01 to 3600",
	 .text = "seconds of one measurement (0.3; 0.1 for --matrix)", .usage = "",
	 INTO_DOUBLE(struct bench_args, options.time_s)},
	{"runs", .value = "N", .kind = VALUE_NUMBER, .least = 1, .most = BENCH_RUNS_MAX,
	 .otherwise = "9; 15 for --matrix", .wrong = "not a whole number from 1 to 1000",
	 .text = "runs of each, in turns (9, --matrix 15; compare by 6 or more)", .usage = "",
	 INTO_UNSIGNED(struct bench_args, options.runs)},
	{"threads", .value = "N", .kind = VALUE_NUMBER, .least = 1, .most = 64,
	 .otherwise = "one a CPU", .wrong = "not a whole number from 1 to 64",
	 .text = "threads that generate live frames (one a CPU)", .usage = "",
	 INTO_UNSIGNED(struct bench_args, options.threads)},
	{"cpu", .value = "A,B", .kind = VALUE_LIST | VALUE_NUMBER, .most = CPU_SETSIZE - 1,
	 .otherwise = "two that the bench chooses",
	 .text = "CPUs of sender and receiver; none: not pinned", .usage = "",
	 INTO_ARGS(take_cpus)},
	{"compare", .value = "FILE", .kind = VALUE_FILE,
	 .text = "beside an earlier --json, and whatever differs in how it\n"
		 "was measured; exit status 1 if something is worse",
	 .usage = "--compare OLD.json", INTO_TEXT(struct bench_args, compare)},
	{"threshold", .value = "P", .kind = VALUE_DECIMAL, .high = 1000, .initial = "5",
	 .wrong = "not a number from 0 to 1000", .text = "by more than P percent (5)", .usage = "",
	 INTO_DOUBLE(struct bench_args, threshold)},
	{"plot", .group = OPTIONS_OUTPUT, .text = "also medians and their intervals as bars",
	 .usage = "", INTO_BOOL(struct bench_args, plot)},
	{"csv", .group = OPTIONS_OUTPUT, .text = "one line a measurement", .usage = "",
	 .constant = BENCH_CSV,
	 INTO_CALL(take_format, enum bench_format, struct bench_args, format)},
	{"json", 'j', .show = SHOW_LETTER, .group = OPTIONS_COMMON, .text = "output for programs",
	 .row = NO_ROW, .usage = "", .constant = BENCH_JSON,
	 INTO_CALL(take_format, enum bench_format, struct bench_args, format)},
	OPTION_LAB(struct bench_options, .hidden = true),
	OPTIONS_END,
};
