// SPDX-License-Identifier: GPL-2.0-only
/* capture_session.c - captures frames of ends into a pcapng file: see capture_session.h. */
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/drop_causes.h"
#include "user/base/interrupt.h"
#include "user/base/new_file.h"
#include "user/capture/capture_session.h"
#include "user/capture/pcap_filter.h"
#include "user/capture/pcapng.h"
#include "user/trace/stream.h"

/* How long frames wait for older ones of other sockets, and for the record of a drop. */
static const uint64_t hold_ns = 200000000;
enum { POLL_MS = 50, BATCH = 4096 };

struct capture_session {
	struct capture_config config;
	const char *path;
	FILE *file;
	struct bpf_program filter;
	struct node_tracer *stack;
	struct vl_frame_drop *dropped; /* read, and not noted yet */
	size_t n_dropped, dropped_room;
	uint64_t clocks_ns; /* CLOCK_REALTIME less CLOCK_MONOTONIC */
	struct held_frames held;
	struct echo_numbers *numbers;
	uint64_t start_ns, written, drops;
	uint64_t end_ns; /* frames of later are not wanted; 0: it has not ended */
	int error;	 /* the first errno of writing the file; not of stdout */
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

static void flush(struct capture_session *session)
{
	if (session->file == stdout) {
		session->config.flush(stdout);
		return;
	}
	errno = 0;
	if ((fflush(session->file) || ferror(session->file)) && !session->error)
		session->error = errno ? errno : EIO;
}

/* Two interfaces an end, one a direction: 2 * place is in, 2 * place + 1 is out. */
static void write_start(struct capture_session *session)
{
	pcapng_start(session->file, "vethlab");
	for (size_t i = 0; i < session->config.ends->n; i++) {
		const struct end *end = session->config.ends->list[i].end;

		for (int out = 0; out < 2; out++) {
			char text[256];

			snprintf(text, sizeof(text),
				 "frames %s node %s of lab %s, by its link with %s",
				 out ? "out of" : "into", end->node->name,
				 session->config.run->name, end->peer->name);
			pcapng_interface(session->file, end->name, text, session->config.snap,
					 session->config.expression);
		}
	}
	flush(session);
}

static int open_session(struct capture_session *session, char *why, size_t size, struct err *err)
{
	struct sniff_config sniff = {.snap = session->config.snap};
	int ret;

	if (session->config.expression) {
		ret = pcap_filter_compile(&session->filter, session->config.expression,
					  SNIFF_SNAP_MAX, err);
		if (ret)
			return ret;
	}
	sniff.filter = (struct sock_filter *)session->filter.bf_insns;
	sniff.filter_len = session->filter.bf_len;
	ret = capture_open(session->config.ends, session->config.run, &sniff, err);
	if (ret)
		return ret;
	session->numbers = echo_numbers_new();
	if (!session->numbers)
		return err_set(err, ERR_SYSTEM, ENOMEM, "capture: out of memory");
	record_stream_open_nodes(&session->stack, session->config.run,
				 (struct node_trace_config){.depth = NODE_TRACE_FRAMES}, why, size);
	return 0;
}

int capture_session_open(struct capture_session **session, const struct capture_config *config,
			 char *why, size_t size, struct err *err)
{
	struct capture_session *opened = calloc(1, sizeof(*opened));
	int ret;

	if (!opened)
		return err_set(err, ERR_SYSTEM, ENOMEM, "capture: out of memory");
	opened->config = *config;
	why[0] = '\0';
	ret = open_session(opened, why, size, err);
	if (ret) {
		capture_session_close(opened);
		return ret;
	}
	*session = opened;
	return 0;
}

int capture_session_start(struct capture_session *session, const char *path, struct err *err)
{
	FILE *file = stdout;
	int ret = strcmp(path, "-") ? new_file_open(&file, path, err) : 0;

	if (ret)
		return ret;
	session->path = path;
	session->file = file;
	session->start_ns = clock_realtime_ns();
	write_start(session);
	return 0;
}

static int take_frames(struct capture_session *session, struct captured_end *captured,
		       struct err *err)
{
	struct sniffed sniffed;
	int ret = 0;

	/* At the end all that is there, however much: nobody would count what stays behind. */
	for (int i = 0; session->end_ns || i < BATCH; i++) {
		struct held_frame frame = {.end = captured->end};

		ret = sniff_receive(captured->sniffer, &sniffed, err);
		if (ret == -ENETDOWN) {
			/* It was set down: what it carried before is here, more may come. */
			err_clear(err);
			continue;
		}
		if (ret <= 0 || (session->end_ns && sniffed.time_ns > session->end_ns))
			return ret < 0 ? ret : 0;
		frame.time_ns = sniffed.time_ns;
		frame.out = sniffed.out;
		frame.len = sniffed.len;
		frame.whole = sniffed.whole;
		frame.unsummed = sniffed.unsummed;
		frame.bytes = (uint8_t *)sniffed.bytes;
		frame.key = frame_key_of(frame.bytes, frame.len);
		frame.echo = echo_number(session->numbers, &frame.key);
		if (held_frames_add(&session->held, &frame))
			return err_set(err, ERR_SYSTEM, ENOMEM, "capture: out of memory");
	}
	return 0;
}

/* Drops that are part of normal work: copies for sniffing sockets, answers that a raw socket took.
 */
static bool is_ordinary(const struct packet_key *key, const char *reason, const char *function)
{
	return drop_classify(reason, function).traits & (DROP_COPY | DROP_ORDINARY) ||
	       (key->echo.family && !strcmp(reason, "NO_SOCKET"));
}

static void on_drop(const struct vl_frame_drop *drop, void *arg)
{
	struct capture_session *session = arg;

	if (array_reserve(&session->dropped, &session->dropped_room, session->n_dropped + 1,
			  sizeof(*session->dropped)))
		return; /* a comment is missing */
	session->dropped[session->n_dropped++] = *drop;
}

static void note_drop(struct capture_session *session, const struct vl_frame_drop *record)
{
	const struct vl_drop *at = &record->at;
	char reason[SYMBOL_NAME_SIZE], function[SYMBOL_NAME_SIZE], text[512];
	const struct running *run = session->config.run;
	const struct node *node = at->node < run->lab->n_nodes ? run->lab->nodes[at->node] : NULL;
	struct frame_drop drop = {
		.time_ns = at->packet.time_ns + session->clocks_ns,
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
	meaning = session->config.explain(reason, function);
	snprintf(text, sizeof(text), "dropped in %s: %s%s%s%s%s", node->name, reason,
		 function[0] ? ", in " : "", function, meaning ? ": " : "", meaning ? meaning : "");
	session->drops += held_frames_note_drop(&session->held, &drop);
}

/* Drops first: the frame that a drop is about then is there already. */
static int take_all(struct capture_session *session, struct err *err)
{
	int ret = 0;

	if (session->stack)
		ret = node_tracer_poll_frames(session->stack, on_drop, session, err);
	for (size_t i = 0; ret >= 0 && i < session->config.ends->n; i++)
		ret = take_frames(session, &session->config.ends->list[i], err);
	held_frames_sort(&session->held);
	session->clocks_ns = clocks_apart();
	for (size_t i = 0; i < session->n_dropped; i++)
		note_drop(session, &session->dropped[i]);
	session->n_dropped = 0;
	return ret < 0 ? ret : 0;
}

/* A part of a comment: parts stand between semicolons. */
static size_t add_part(char *buf, size_t size, size_t n, const char *part)
{
	int more = n < size ? snprintf(buf + n, size - n, "%s%s", n ? "; " : "", part) : 0;

	return more > 0 ? n + more : n;
}

/*
 * "itinerary 3; checksum left to the device (CHECKSUM_PARTIAL); dropped in blue: NETFILTER_DROP,
 * ..."; NULL: there is nothing to say.
 */
static const char *comment_of(const struct held_frame *frame, char *buf, size_t size)
{
	char number[32];
	size_t n = 0;

	if (frame->echo) {
		snprintf(number, sizeof(number), "itinerary %" PRIu32, frame->echo);
		n = add_part(buf, size, n, number);
	}
	if (frame->unsummed)
		n = add_part(buf, size, n, "checksum left to the device (CHECKSUM_PARTIAL)");
	if (frame->note)
		n = add_part(buf, size, n, frame->note);
	return n ? buf : NULL;
}

/* Write the frames that are older than before_ns. Returns true when there are enough. */
static bool write_frames(struct capture_session *session, uint64_t before_ns)
{
	char comment[600];
	size_t n;

	for (n = 0; n < session->held.n; n++) {
		const struct held_frame *frame = &session->held.list[n];
		struct captured_end *captured = session->config.ends->list;
		struct pcapng_packet packet = {.time_ns = frame->time_ns,
					       .bytes = frame->bytes,
					       .len = frame->len,
					       .whole = frame->whole,
					       .out = frame->out};

		if (frame->time_ns >= before_ns ||
		    (session->config.count && session->written == session->config.count))
			break;
		while (captured->end != frame->end)
			captured++;
		packet.interface = 2 * (captured - session->config.ends->list) + frame->out;
		packet.comment = comment_of(frame, comment, sizeof(comment));
		pcapng_packet(session->file, &packet);
		captured->received[frame->out]++;
		session->written++;
	}
	held_frames_forget(&session->held, n);
	if (n)
		flush(session);
	return session->config.count && session->written == session->config.count;
}

static void wait_for_frames(struct capture_session *session, struct pollfd *fds)
{
	for (size_t i = 0; i < session->config.ends->n; i++)
		fds[i] = (struct pollfd){.fd = sniff_fd(session->config.ends->list[i].sniffer),
					 .events = POLLIN};
	poll(fds, session->config.ends->n, POLL_MS);
}

int capture_session_run(struct capture_session *session, struct err *err)
{
	uint64_t until =
		session->config.for_ns ? session->start_ns + session->config.for_ns : UINT64_MAX;
	cleanup_free struct pollfd *fds = calloc(session->config.ends->n + 1, sizeof(*fds));
	bool last = false, enough = false, taken_down = false;
	int ret = 0;

	if (!fds)
		return err_set(err, ERR_SYSTEM, ENOMEM, "capture: out of memory");
	while (!ret && !last && !enough && !ferror(session->file)) {
		uint64_t now;

		/* One more round after the end takes what came before it. */
		taken_down = running_is_gone(session->config.run);
		last = taken_down || interrupt_requested || clock_realtime_ns() >= until;
		if (last)
			session->end_ns = clock_realtime_ns();
		else
			wait_for_frames(session, fds);
		ret = take_all(session, err);
		now = clock_realtime_ns();
		enough = write_frames(session, last ? UINT64_MAX : now - hold_ns);
	}
	return ret || !taken_down || enough ? ret : running_taken_down(session->config.run, err);
}

int capture_session_end(struct capture_session *session, struct capture_totals *totals,
			struct err *err)
{
	uint64_t now = clock_realtime_ns();

	*totals = (struct capture_totals){.written = session->written, .drops = session->drops};
	for (size_t i = 0; i < session->config.ends->n; i++) {
		struct captured_end *captured = &session->config.ends->list[i];
		uint32_t missed = sniff_lost(captured->sniffer);

		totals->lost += missed;
		/* The socket counts both directions as one: the loss stands once, with `in`. */
		for (int out = 0; out < 2; out++)
			pcapng_statistics(session->file, 2 * i + out, session->start_ns, now,
					  captured->received[out], out ? 0 : missed);
	}
	flush(session);
	if (session->file != stdout)
		fclose(session->file);
	totals->drops_lost = session->stack ? node_tracer_lost(session->stack) : 0;
	if (session->error)
		return err_set(err, ERR_SYSTEM, session->error, "%s: cannot write it (kernel: %s)",
			       session->path, strerror(session->error));
	return 0;
}

void capture_session_close(struct capture_session *session)
{
	if (!session)
		return;
	pcap_filter_free(&session->filter);
	node_tracer_close(session->stack);
	free(session->dropped);
	held_frames_free(&session->held);
	echo_numbers_free(session->numbers);
	free(session);
}
