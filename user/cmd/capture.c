// SPDX-License-Identifier: GPL-2.0-only
/* capture.c - vethlab capture: frames of ends into a pcapng file. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/interrupt.h"
#include "user/capture/capture_session.h"
#include "user/capture/pcap_filter.h"
#include "user/cmd/cmd.h"
#include "user/output/output.h"
#include "user/render/drop_text.h"
#include "user/render/record_view.h"

struct capture_args {
	const char *lab, *path, *expression;
	unsigned snap;
	uint64_t count, for_ns;
	int argc; /* words that say which ends */
	char **argv;
};

static int parse_args(int argc, char **argv, struct capture_args *args, struct err *err)
{
	struct cmd_words words;
	int ret = options_parse(&cmd_capture, args, argc, argv, &words, err);

	if (ret)
		return ret;
	if (!args->path)
		return cmd_usage(err, &cmd_capture, "-w FILE is missing (-w - is stdout)");
	if (!strcmp(args->path, "-") && isatty(STDOUT_FILENO))
		return cmd_usage(err, &cmd_capture,
				 "frames are not text: use -w FILE, or -w - with a pipe");
	args->argc = words.argc;
	args->argv = words.argv;
	return 0;
}

static void print_totals(const struct capture_totals *totals)
{
	fprintf(stderr, "%" PRIu64 " frame%s, %" PRIu64 " lost, %" PRIu64 " drop%s noted\n",
		totals->written, totals->written == 1 ? "" : "s", totals->lost, totals->drops,
		totals->drops == 1 ? "" : "s");
	if (totals->drops_lost)
		fprintf(stderr, "%" PRIu64 " drops are not noted: the buffer was full\n",
			totals->drops_lost);
}

static int run_session(struct capture_session *session, const struct capture_args *args,
		       struct err *err)
{
	struct capture_totals totals;
	int ret = capture_session_start(session, args->path, err), ended;

	if (ret)
		return ret;
	ret = capture_session_run(session, err);
	ended = capture_session_end(session, &totals, err);
	if (!strcmp(args->path, "-"))
		record_view_reader_left();
	print_totals(&totals);
	return ret ? ret : ended;
}

static int capture(const struct running *run, struct capture_selection *ends,
		   const struct capture_args *args, struct err *err)
{
	const struct capture_config config = {.run = run,
					      .ends = ends,
					      .expression = args->expression,
					      .snap = args->snap,
					      .count = args->count,
					      .for_ns = args->for_ns,
					      .explain = drop_explain,
					      .flush = output_flush};
	struct capture_session *session = NULL;
	char why[512];
	int ret = capture_choose(ends, run, args->argc, args->argv, err);

	if (ret && err->code == ERR_USAGE)
		cmd_usage_hint(err, &cmd_capture); /* unless it says which end may be meant */
	if (ret)
		return ret;
	ret = capture_session_open(&session, &config, why, sizeof(why), err);
	if (ret)
		return ret;
	if (why[0])
		fprintf(stderr, "what the nodes drop is not noted: %s\n", why);
	ret = run_session(session, args, err);
	capture_session_close(session);
	return ret;
}

static int capture_main(int argc, char **argv, struct err *err)
{
	struct capture_args args = {0};
	struct capture_selection ends = {0};
	cleanup_running struct running *run = NULL;
	int ret = parse_args(argc, argv, &args, err);

	if (ret)
		return ret;
	/* First: who sees the file has the right to interrupt. */
	interrupt_catch_signals();
	if (lab_open(&run, args.lab, err))
		return err->code;
	ret = capture(run, &ends, &args, err);
	capture_close(&ends);
	return ret ? (int)err->code : 0;
}

_Static_assert(SNIFF_SNAP_MAX == 262144, "the texts of -s say so");

static const struct cmd_operand operands[] = {
	{"WHAT", .kind = VALUE_END | VALUE_NODE | VALUE_LINK, .optional = true, .many = true,
	 .text = "ends (node:interface), nodes, `link END`, all (the default)"},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{"write", 'w', .show = SHOW_LETTER, .value = "FILE|-", .kind = VALUE_NEW_FILE,
	 .required = true, .text = "the file to write; -: the standard output", .row = NO_ROW,
	 INTO_TEXT(struct capture_args, path)},
	{"filter", 'f', .show = SHOW_LETTER, .value = "FILTER", .kind = VALUE_FILTER,
	 .text = "in the language of tcpdump: 'icmp or arp'",
	 INTO_TEXT(struct capture_args, expression)},
	{"snap", 's', .show = SHOW_LETTER, .value = "SNAP", .kind = VALUE_NUMBER, .least = 1,
	 .most = SNIFF_SNAP_MAX, .initial = "262144", .wrong = "that is not 1 to 262144 bytes",
	 .text = "bytes of a frame to keep (262144)", INTO_UNSIGNED(struct capture_args, snap)},
	{"count", 'c', .show = SHOW_LETTER, .value = "N", .kind = VALUE_NUMBER, .least = 1,
	 .wrong = "that is no number of frames", .text = "end after N frames",
	 .row = "end after N frames; --for TIME: after 10s, 500ms, ...",
	 INTO_U64(struct capture_args, count)},
	{"for", .value = "TIME", .kind = VALUE_DURATION, .least = 1, .wrong = "that is no time",
	 .text = "end after 10s, 500ms, ...", .row = NO_ROW, INTO_U64(struct capture_args, for_ns)},
	OPTION_LAB(struct capture_args),
	OPTIONS_END,
};

const struct cmd cmd_capture = {
	.name = "capture",
	.summary = "write whole frames of ends to a pcapng file, for Wireshark",
	.operands = operands,
	.options = options,
	.notes = "A file that is there already is overwritten.\n"
		 "Each end has two interfaces, one a direction. Packet comments number the echoes\n"
		 "(with their fragments and the ICMP errors about them) and note what nodes and\n"
		 "links dropped, of any protocol, within 0.2 s of the frame; and which frames\n"
		 "have no transport checksum, since it was left to the device.\n",
	.examples = "vethlab capture blue -w - | wireshark -k -i -\n",
	.run = capture_main,
};

void cmd_pcap_version(char *number, size_t size)
{
	pcap_filter_version(number, size);
}
