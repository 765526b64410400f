// SPDX-License-Identifier: GPL-2.0-only
/* capture.c - vethlab capture: frames of ends into a pcapng file. */
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/drop_causes.h"
#include "user/base/duration.h"
#include "user/base/interrupt.h"
#include "user/base/number.h"
#include "user/capture/capture.h"
#include "user/cmd/cmd.h"
#include "user/trace/stream.h"
#include "user/render/record_view.h"
#include "user/render/drop_text.h"
#include "user/output/output.h"
#include "user/capture/pcapng.h"

/* How long frames wait for older ones of other sockets, and for word of a drop. */
static const uint64_t hold_ns = 200000000;
enum { POLL_MS = 50, BATCH = 4096 };

struct capture {
	const char *lab, *path, *expression;
	unsigned snap;
	uint64_t count, for_ns;
	int argc; /* words that say which ends */
	char **argv;
	struct running *run;
	FILE *file;
	struct capture_selection ends;
	struct bpf_program filter;
	struct node_tracer *stack;
	struct vl_frame_drop *dropped; /* read, and not noted yet */
	size_t n_dropped, dropped_room;
	uint64_t clocks_ns; /* CLOCK_REALTIME less CLOCK_MONOTONIC */
	struct held_frames held;
	struct echo_numbers *numbers;
	uint64_t start_ns, written, drops;
	uint64_t end_ns; /* frames of later are not wanted; 0: it has not ended */
	int error;	 /* the first errno of writing the file; of stdout, main tells */
};

/* CLOCK_REALTIME less CLOCK_MONOTONIC, of the readings that lie closest together. */
static uint64_t clocks_apart(void)
{
	uint64_t best = UINT64_MAX, apart = 0;

	for (int i = 0; i < 5; i++) {
		uint64_t before = clock_monotonic_ns(), now = clock_realtime_ns(),
			 took = clock_monotonic_ns() - before;

		if (took < best) {
			best = took;
			apart = now - before;
		}
	}
	return apart;
}

static int parse_args(int argc, char **argv, struct capture *capture, struct err *err)
{
	struct cmd_words words;
	int ret = options_parse(&cmd_capture, capture, argc, argv, &words, err);

	if (ret)
		return ret;
	if (!capture->path)
		return cmd_usage(err, &cmd_capture, "-w FILE is missing (-w - is stdout)");
	if (!strcmp(capture->path, "-") && isatty(STDOUT_FILENO))
		return cmd_usage(err, &cmd_capture,
				 "this is no text: -w FILE, or a pipe behind -w -");
	capture->argc = words.argc;
	capture->argv = words.argv;
	return 0;
}

static int compile(struct capture *capture, struct err *err)
{
	pcap_t *dead;
	int ret = 0;

	if (!capture->expression)
		return 0;
	dead = pcap_open_dead(DLT_EN10MB, SNIFF_SNAP_MAX);
	if (!dead)
		return err_set(err, ERR_SYSTEM, ENOMEM, "capture: out of memory");
	if (pcap_compile(dead, &capture->filter, capture->expression, 1, PCAP_NETMASK_UNKNOWN))
		ret = err_set(err, ERR_USAGE, EINVAL, "filter '%s': %s", capture->expression,
			      pcap_geterr(dead));
	pcap_close(dead);
	return ret;
}

static void flush(struct capture *capture)
{
	if (capture->file == stdout) {
		output_flush(stdout);
		return;
	}
	errno = 0;
	if ((fflush(capture->file) || ferror(capture->file)) && !capture->error)
		capture->error = errno ? errno : EIO;
}

/* Two interfaces an end, one a direction: 2 * place is in, 2 * place + 1 is out. */
static void write_start(struct capture *capture)
{
	pcapng_start(capture->file, "vethlab");
	for (size_t i = 0; i < capture->ends.n; i++) {
		const struct end *end = capture->ends.list[i].end;

		for (int out = 0; out < 2; out++) {
			char text[256];

			snprintf(text, sizeof(text),
				 "frames %s node %s of lab %s, by its link with %s",
				 out ? "out of" : "into", end->node->name, capture->run->name,
				 end->peer->name);
			pcapng_interface(capture->file, end->name, text, capture->snap,
					 capture->expression);
		}
	}
	flush(capture);
}

static int open_capture(struct capture *capture, struct err *err)
{
	char why[512] = "";
	struct sniff_config config = {.snap = capture->snap};
	int ret = capture_choose(&capture->ends, capture->run, capture->argc, capture->argv, err);

	if (ret && err->code == ERR_USAGE)
		cmd_usage_hint(err, &cmd_capture); /* unless it says which end may be meant */
	if (!ret)
		ret = compile(capture, err);
	config.filter = (struct sock_filter *)capture->filter.bf_insns;
	config.filter_len = capture->filter.bf_len;
	if (!ret)
		ret = capture_open(&capture->ends, capture->run, &config, err);
	if (ret)
		return ret;
	capture->numbers = echo_numbers_new();
	if (!capture->numbers)
		return err_set(err, ERR_SYSTEM, ENOMEM, "capture: out of memory");
	record_stream_open_nodes(&capture->stack, capture->run,
				 (struct node_trace_config){.depth = NODE_TRACE_FRAMES}, why,
				 sizeof(why));
	if (!capture->stack)
		fprintf(stderr, "what the nodes drop is not noted: %s\n", why);
	capture->file = strcmp(capture->path, "-") ? fopen(capture->path, "we") : stdout;
	if (!capture->file)
		return err_set(err, ERR_SYSTEM, errno, "%s: cannot create it (kernel: %s)",
			       capture->path, strerror(errno));
	capture->start_ns = clock_realtime_ns();
	write_start(capture);
	return 0;
}

static int take_frames(struct capture *capture, struct captured_end *tapped, struct err *err)
{
	struct sniffed sniffed;
	int ret = 0;

	/* At the end all that is there, however much: nobody would count what stays behind. */
	for (int i = 0; capture->end_ns || i < BATCH; i++) {
		struct held_frame frame = {.end = tapped->end};

		ret = sniff_receive(tapped->sniffer, &sniffed, err);
		if (ret == -ENETDOWN) {
			/* It was set down: what it carried before is here, more may come. */
			err_clear(err);
			continue;
		}
		if (ret <= 0 || (capture->end_ns && sniffed.time_ns > capture->end_ns))
			return ret < 0 ? ret : 0;
		frame.time_ns = sniffed.time_ns;
		frame.out = sniffed.out;
		frame.len = sniffed.len;
		frame.whole = sniffed.whole;
		frame.bytes = (uint8_t *)sniffed.bytes;
		frame.key = frame_key_of(frame.bytes, frame.len);
		frame.echo = echo_number(capture->numbers, &frame.key);
		if (held_frames_add(&capture->held, &frame))
			return err_set(err, ERR_SYSTEM, ENOMEM, "capture: out of memory");
	}
	return 0;
}

/* Not what is to be expected: copies for sockets that sniff, and answers whose sockets have them.
 */
static bool is_ordinary(const struct packet_key *key, const char *reason, const char *function)
{
	return drop_classify(reason, function).traits & (DROP_COPY | DROP_ORDINARY) ||
	       (key->echo.family && !strcmp(reason, "NO_SOCKET"));
}

static void on_drop(const struct vl_frame_drop *drop, void *arg)
{
	struct capture *capture = arg;

	if (capture->n_dropped == capture->dropped_room) {
		size_t room = capture->dropped_room ? 2 * capture->dropped_room : 64;
		struct vl_frame_drop *list = reallocarray(capture->dropped, room, sizeof(*list));

		if (!list)
			return; /* a comment is missing */
		capture->dropped = list;
		capture->dropped_room = room;
	}
	capture->dropped[capture->n_dropped++] = *drop;
}

static void note_drop(struct capture *capture, const struct vl_frame_drop *record)
{
	const struct vl_drop *at = &record->at;
	char reason[SYMBOL_NAME_SIZE], function[SYMBOL_NAME_SIZE], text[512];
	const struct running *run = capture->run;
	const struct node *node = at->node < run->lab->n_nodes ? run->lab->nodes[at->node] : NULL;
	struct frame_drop drop = {
		.time_ns = at->packet.time_ns + capture->clocks_ns,
		.key = packet_key_of(record->protocol, record->bytes, sizeof(record->bytes)),
		.node = node,
		.end = lab_find_number(run->lab, at->packet.end),
		.text = text};
	const char *meaning;

	if (!node)
		return;
	record_stream_drop_names(at, reason, function, NULL);
	if (is_ordinary(&drop.key, reason, function))
		return;
	meaning = drop_explain(reason, function);
	snprintf(text, sizeof(text), "dropped in %s: %s%s%s%s%s", node->name, reason,
		 function[0] ? ", in " : "", function, meaning ? ": " : "", meaning ? meaning : "");
	capture->drops += held_frames_note_drop(&capture->held, &drop);
}

/* Drops first: the frame that a drop is about then is there already. */
static int take_all(struct capture *capture, struct err *err)
{
	int ret = 0;

	if (capture->stack)
		ret = node_tracer_poll_frames(capture->stack, on_drop, capture, err);
	for (size_t i = 0; ret >= 0 && i < capture->ends.n; i++)
		ret = take_frames(capture, &capture->ends.list[i], err);
	held_frames_sort(&capture->held);
	capture->clocks_ns = clocks_apart();
	for (size_t i = 0; i < capture->n_dropped; i++)
		note_drop(capture, &capture->dropped[i]);
	capture->n_dropped = 0;
	return ret < 0 ? ret : 0;
}

/* "itinerary 3; dropped in blue: NETFILTER_DROP, ..."; NULL: there is nothing to say. */
static const char *comment_of(const struct held_frame *frame, char *buf, size_t size)
{
	if (!frame->echo)
		return frame->note;
	snprintf(buf, size, "itinerary %" PRIu32 "%s%s", frame->echo, frame->note ? "; " : "",
		 frame->note ? frame->note : "");
	return buf;
}

/* Write the frames that are older than before_ns. Returns true when there are enough. */
static bool write_frames(struct capture *capture, uint64_t before_ns)
{
	char comment[600];
	size_t n;

	for (n = 0; n < capture->held.n; n++) {
		const struct held_frame *frame = &capture->held.list[n];
		struct captured_end *tapped = capture->ends.list;
		struct pcapng_packet packet = {.time_ns = frame->time_ns,
					       .bytes = frame->bytes,
					       .len = frame->len,
					       .whole = frame->whole,
					       .out = frame->out};

		if (frame->time_ns >= before_ns ||
		    (capture->count && capture->written == capture->count))
			break;
		while (tapped->end != frame->end)
			tapped++;
		packet.interface = 2 * (tapped - capture->ends.list) + frame->out;
		packet.comment = comment_of(frame, comment, sizeof(comment));
		pcapng_packet(capture->file, &packet);
		tapped->received[frame->out]++;
		capture->written++;
	}
	held_frames_forget(&capture->held, n);
	if (n)
		flush(capture);
	return capture->count && capture->written == capture->count;
}

static void wait_for_frames(struct capture *capture, struct pollfd *fds)
{
	for (size_t i = 0; i < capture->ends.n; i++)
		fds[i] = (struct pollfd){.fd = sniff_fd(capture->ends.list[i].sniffer),
					 .events = POLLIN};
	poll(fds, capture->ends.n, POLL_MS);
}

static int follow(struct capture *capture, struct err *err)
{
	uint64_t until = capture->for_ns ? capture->start_ns + capture->for_ns : UINT64_MAX;
	struct pollfd *fds = calloc(capture->ends.n + 1, sizeof(*fds));
	bool last = !fds, enough = false, gone = false;
	int ret = fds ? 0 : err_set(err, ERR_SYSTEM, ENOMEM, "capture: out of memory");

	while (!ret && !last && !enough && !ferror(capture->file)) {
		uint64_t now;

		/* One more round after the end takes what came before it. */
		gone = running_is_gone(capture->run);
		last = gone || interrupt_requested || clock_realtime_ns() >= until;
		if (last)
			capture->end_ns = clock_realtime_ns();
		else
			wait_for_frames(capture, fds);
		ret = take_all(capture, err);
		now = clock_realtime_ns();
		enough = write_frames(capture, last ? UINT64_MAX : now - hold_ns);
	}
	free(fds);
	return ret || !gone || enough ? ret : running_taken_down(capture->run, err);
}

static int write_end(struct capture *capture, struct err *err)
{
	uint64_t now = clock_realtime_ns(), lost = 0, unread;

	for (size_t i = 0; i < capture->ends.n; i++) {
		struct captured_end *tapped = &capture->ends.list[i];
		uint32_t missed = sniff_lost(tapped->sniffer);

		lost += missed;
		/* The socket counts both directions as one: the loss stands once, with `in`. */
		for (int out = 0; out < 2; out++)
			pcapng_statistics(capture->file, 2 * i + out, capture->start_ns, now,
					  tapped->received[out], out ? 0 : missed);
	}
	flush(capture);
	if (capture->file != stdout)
		fclose(capture->file);
	else
		record_view_reader_left();
	fprintf(stderr, "%" PRIu64 " frame%s, %" PRIu64 " lost, %" PRIu64 " drop%s noted\n",
		capture->written, capture->written == 1 ? "" : "s", lost, capture->drops,
		capture->drops == 1 ? "" : "s");
	unread = capture->stack ? node_tracer_lost(capture->stack) : 0;
	if (unread)
		fprintf(stderr, "%" PRIu64 " drops are not noted: the buffer was full\n", unread);
	return capture->error ? err_set(err, ERR_SYSTEM, capture->error,
					"%s: cannot write it (kernel: %s)", capture->path,
					strerror(capture->error))
			      : 0;
}

static void close_capture(struct capture *capture)
{
	capture_close(&capture->ends);
	pcap_freecode(&capture->filter);
	node_tracer_close(capture->stack);
	free(capture->dropped);
	held_frames_free(&capture->held);
	echo_numbers_free(capture->numbers);
	running_free(capture->run);
}

static int capture_main(int argc, char **argv, struct err *err)
{
	struct capture capture = {0};
	int ret = parse_args(argc, argv, &capture, err), ended;

	if (!ret)
		ret = lab_open(&capture.run, capture.lab, err);
	/* First: who sees the file has the right to interrupt. */
	interrupt_catch_signals();
	if (!ret)
		ret = open_capture(&capture, err);
	if (!ret) {
		ret = follow(&capture, err);
		ended = write_end(&capture, err);
		ret = ret ? ret : ended;
	}
	close_capture(&capture);
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
	 INTO_TEXT(struct capture, path)},
	{"filter", 'f', .show = SHOW_LETTER, .value = "FILTER", .kind = VALUE_FILTER,
	 .text = "in the language of tcpdump: 'icmp or arp'",
	 INTO_TEXT(struct capture, expression)},
	{"snap", 's', .show = SHOW_LETTER, .value = "SNAP", .kind = VALUE_NUMBER, .least = 1,
	 .most = SNIFF_SNAP_MAX, .initial = "262144", .wrong = "that is not 1 to 262144 bytes",
	 .text = "bytes of a frame to keep (262144)", INTO_UNSIGNED(struct capture, snap)},
	{"count", 'c', .show = SHOW_LETTER, .value = "N", .kind = VALUE_NUMBER, .least = 1,
	 .wrong = "that is no number of frames", .text = "end after N frames",
	 .row = "end after N frames; --for TIME: after 10s, 500ms, ...",
	 INTO_U64(struct capture, count)},
	{"for", .value = "TIME", .kind = VALUE_DURATION, .least = 1, .wrong = "that is no time",
	 .text = "end after 10s, 500ms, ...", .row = NO_ROW, INTO_U64(struct capture, for_ns)},
	OPTION_LAB(struct capture),
	OPTIONS_END,
};

const struct cmd cmd_capture = {
	.name = "capture",
	.summary = "whole frames of ends into a pcapng file, for Wireshark",
	.operands = operands,
	.options = options,
	.notes = "A file that is there already is overwritten.\n"
		 "Each end has two interfaces, one a direction. Packet comments have the numbers\n"
		 "of echoes (of their parts and the ICMP errors about them, too) and note what\n"
		 "nodes and links dropped, of any protocol, within 0.2 s of the frame.\n",
	.examples = "vethlab capture blue -w - | wireshark -k -i -\n",
	.run = capture_main,
};
