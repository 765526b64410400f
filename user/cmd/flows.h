/* SPDX-License-Identifier: GPL-2.0-only */
/* flows.h - what the verbs flows and flow share. */
#ifndef VETHLAB_USER_CMD_FLOWS_H
#define VETHLAB_USER_CMD_FLOWS_H

#include "user/cmd/cmd.h"
#include "user/cmd/record_args.h"
#include "user/flow/flow.h"
#include "user/trace/recording.h"

struct flow_args {
	const char *lab;
	const char *from;  /* -r: a recording; NULL: live */
	const char *into;  /* -w: the recording to write; NULL: none */
	double interval_s; /* --watch; 0: not */
	uint64_t for_ns;   /* 0: no limit */
	bool follows;	   /* one flow is told: */
	uint64_t id;	   /* FLOW_ALL: the one that fits the filter */
	bool detail, json;
	struct record_filter filter;
	int argc; /* words of the filter */
	char **argv;
};

/* Flows, and what they point into. */
struct flow_run {
	struct flow_args *args;
	struct running *run;
	struct recording *recording;
	struct flows *flows;
	const struct lab *lab;
	uint64_t zero_ns;
	bool cut; /* the recording ends early */
};

/* Called once a second or so while flows go on; NULL: not. */
typedef void (*flow_frame)(struct flow_run *run, void *arg);

/* Open what args say, and choose flows by the words of the filter. 0, or ERR_* with err set. */
int flow_run_open(struct flow_run *run, struct flow_args *args, struct err *err);
/* Take records until the recording, the time or the user ends; judge. 0 or -errno. */
int flow_run_take(struct flow_run *run, flow_frame frame, void *arg, struct err *err);
void flow_run_close(struct flow_run *run);
#define cleanup_flow_run __attribute__((cleanup(flow_run_close)))

#define OPTION_FROM(...)                                                                           \
	{                                                                                          \
		.name = "read", .letter = 'r', .show = SHOW_LETTER, .value = "FILE",               \
		.kind = VALUE_FILE, .text = "of a recording, `-` the standard input; else live",   \
		INTO_TEXT(struct flow_args, from), __VA_ARGS__                                     \
	}
#define OPTION_INTO(...)                                                                           \
	{                                                                                          \
		.name = "write", .letter = 'w', .show = SHOW_LETTER, .value = "FILE",              \
		.kind = VALUE_NEW_FILE, .text = "write the records to a recording, too",           \
		INTO_TEXT(struct flow_args, into), __VA_ARGS__                                     \
	}
#define OPTION_FLOW_FOR()                                                                          \
	{                                                                                          \
		.name = "for", .value = "TIME", .kind = VALUE_DURATION, .least = 1,                \
		.wrong = "that is no time (10s, 500ms)",                                           \
		.text = "end after 10s, 500ms, ...; a bare number is seconds",                     \
		INTO_U64(struct flow_args, for_ns)                                                 \
	}

#endif
