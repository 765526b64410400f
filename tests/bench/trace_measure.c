// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace_measure.c - trace_measure record|join [ROUNDS]: for trace.sh, one number a line.
 *
 * record: nanoseconds that a record costs the packet: one run of the program at `out` with a tracer
 * less one without (BPF_PROG_TEST_RUN), in turns. As root.
 * join: records a second that become itineraries, on one core; then, after a line "peak", the
 * echoes that were in memory at once, and how many KiB the process took at most.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/common/frames.h"
#include "user/story/story.h"
#include "user/watch/internal.h"

enum { LO = 1, REPEAT = 50000, ECHOES = 200000, IN_FLIGHT = 64, HOPS = 12 };

static int give_up(const char *what)
{
	fprintf(stderr, "trace_measure: %s: %s\n", what, strerror(errno));
	return 1;
}

/* ---- record ---------------------------------------------------------------------------------- */

static void no_record(const struct vl_event *event, void *arg)
{
	(void)event;
	(void)arg;
}

static int run(int prog, const struct bytes *frame, uint32_t *ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->at, .data_size_in = frame->len,
		    .repeat = REPEAT);

	if (bpf_prog_test_run_opts(prog, &opts))
		return give_up("run the program");
	*ns = opts.duration;
	return 0;
}

static int round_of_records(struct watch *watch, const struct bytes *frame)
{
	struct watch_session *session = NULL;
	uint32_t without, with;
	struct err err = {0};
	uint64_t lost;

	if (run(watch->progs[VL_HOOK_OUT], frame, &without))
		return 1;
	if (watch_session_open(&session, watch, &(struct vl_filter){0}, 8192, &err)) {
		fprintf(stderr, "trace_measure: %s\n", err.what);
		return 1;
	}
	if (run(watch->progs[VL_HOOK_OUT], frame, &with))
		return 1;
	watch_session_poll(session, 0, no_record, NULL, &err);
	lost = watch_session_lost(session);
	watch_session_close(session);
	if (lost) {
		fprintf(stderr, "trace_measure: %llu records were lost\n",
			(unsigned long long)lost);
		return 1;
	}
	printf("%d\n", (int)with - (int)without);
	return 0;
}

static int measure_records(int rounds)
{
	const struct watch_config config = {
		.lab = "bench", .ifindex_base = LO, .n_ends = 2, .in = true, .out = true};
	struct vl_end end = {.in_use = 1, .ifindex = LO};
	struct bytes echo, payload;
	struct watch *watch = NULL;
	struct err err = {0};
	int ret = 0;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		return give_up("namespaces of its own, and bpffs");
	memset(&payload, 0, sizeof(payload));
	put_eth(&echo, 0x0800);
	put_ipv4(&echo, 1, 0, 0, 8 + 56);
	put_icmp(&echo, 8, 0, 1, 1, payload.at, 56);
	if (watch_load(&watch, &config, &err) || watch_pin(watch, &err) ||
	    watch_name_end(watch, 0, &end, &err)) {
		fprintf(stderr, "trace_measure: %s\n", err.what);
		return 1;
	}
	while (!ret && rounds--)
		ret = round_of_records(watch, &echo);
	watch_close(watch);
	return watch_unpin("bench", &err) < 0 || ret;
}

/* ---- join ------------------------------------------------------------------------------------ */

static const char lab_text[] = "lab: bench\n"
			       "nodes:\n"
			       "  a: {}\n"
			       "  r: {forward: true}\n"
			       "  b: {}\n"
			       "links:\n"
			       "  - endpoints: [{end: 'a:x', address: 10.0.1.1/24}, "
			       "{end: 'r:w', address: 10.0.1.2/24}]\n"
			       "  - endpoints: [{end: 'r:e', address: 10.0.2.1/24}, "
			       "{end: 'b:y', address: 10.0.2.2/24}]\n";

/* Record i of echo number n: over two links and back, XDP and tc at each end. */
static struct vl_event record_of(uint64_t n, int i)
{
	static const uint8_t hooks[] = {VL_HOOK_OUT, VL_HOOK_XDP, VL_HOOK_IN};
	static const uint8_t ends[] = {0, 1, 1, 2, 3, 3, 3, 2, 2, 1, 0, 0};
	bool reply = i >= HOPS / 2;
	struct vl_event event = {.time_ns = 1000000 + n * 20000 + 1000 * i,
				 .payload = 0x0123456789abcdef + n,
				 .end = ends[i],
				 .len = 98,
				 .hook = hooks[i % 3],
				 .family = 4,
				 .icmp_type = reply ? 0 : 8,
				 .ttl = i / 3 % 2 ? 63 : 64,
				 .flags = VL_EV_PAYLOAD,
				 .id = 7,
				 .seq = n};
	static const uint8_t a[4] = {10, 0, 1, 1}, b[4] = {10, 0, 2, 2};

	memcpy(reply ? event.dst : event.src, a, 4);
	memcpy(reply ? event.src : event.dst, b, 4);
	return event;
}

/* Each echo's records come while those of IN_FLIGHT others do; it is told when they are there. */
static int join(const struct lab *lab, size_t *peak)
{
	struct story *story = story_new(lab);
	struct timespec began, ended;
	double seconds;
	uint64_t answered = 0;

	if (!story)
		return give_up("a story");
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (uint64_t first = 0; first < ECHOES; first += IN_FLIGHT) {
		const struct itinerary *itinerary;

		for (int i = 0; i < HOPS; i++) {
			for (uint64_t n = first; n < first + IN_FLIGHT; n++) {
				struct vl_event event = record_of(n, i);

				if (story_add(story, &event) != 1)
					return give_up("a record");
			}
		}
		if (story_in_flight(story) > *peak)
			*peak = story_in_flight(story);
		while ((itinerary = story_quiet(story, UINT64_MAX))) {
			answered += itinerary->answered && itinerary->n_hops == HOPS;
			story_forget(story, itinerary);
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	story_free(story);
	if (answered != ECHOES) {
		fprintf(stderr, "trace_measure: %llu of %d echoes were told as answered\n",
			(unsigned long long)answered, ECHOES);
		return 1;
	}
	seconds = ended.tv_sec - began.tv_sec + (ended.tv_nsec - began.tv_nsec) / 1e9;
	printf("%.0f\n", (double)ECHOES * HOPS / seconds);
	return 0;
}

static int measure_joining(int rounds)
{
	struct diags diags = {0};
	struct lab *lab = lab_read_text(lab_text, sizeof(lab_text) - 1, "bench.yaml", &diags);
	struct rusage usage;
	size_t peak = 0;
	int ret = lab ? 0 : give_up("the lab");

	diags_free(&diags);
	while (!ret && rounds--)
		ret = join(lab, &peak);
	getrusage(RUSAGE_SELF, &usage);
	if (!ret)
		printf("peak\n%zu\n%ld\n", peak, usage.ru_maxrss);
	lab_free(lab);
	return ret;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 15;

	if (argc > 1 && !strcmp(argv[1], "record"))
		return measure_records(rounds);
	if (argc > 1 && !strcmp(argv[1], "join"))
		return measure_joining(rounds);
	fprintf(stderr, "usage: trace_measure record|join [ROUNDS]\n");
	return 2;
}
