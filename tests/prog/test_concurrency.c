// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_concurrency.c - packets on all CPUs while readers read and tracers come, go and are killed:
 * figures never go back, and in the end they are exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/prog/fixture.h"

enum { RUNNERS = 2, READERS = 10, BURST = 20000, ECHOES = 20000, TRACED = 4000 };
/* The flow goes on until it was this long, so many packets, and so many readings by each reader. */
enum { FLOW_MS = 1000, FLOW_PACKETS = 1000000, FLOW_READS = 50 };

static struct watch *lab;
static struct bytes frame;
static atomic_int wrong, running;
static atomic_ulong packets, reads[READERS];
static double flow_s;

static void start(bool icmp)
{
	struct vl_end end = {.in_use = 1, .ifindex = LO_IFINDEX}; /* its own peer */
	struct err err = {};

	if (!fixture_ready())
		skip();
	lab = fixture_load(LO_IFINDEX);
	assert_int_equal(watch_name_end(lab, 0, &end, &err), 0);
	put_eth(&frame, 0x0800);
	put_ipv4(&frame, icmp ? 1 : 17, 0, 0, 8 + 22);
	if (icmp)
		put_icmp(&frame, 8, 0, 1, 1, "0123456789012345678901", 22);
	else
		put_udp(&frame, 22);
	wrong = 0;
	running = RUNNERS;
	packets = 0;
	for (int i = 0; i < READERS; i++)
		reads[i] = 0;
}

static int stop(void **state)
{
	(void)state;
	if (lab)
		fixture_unload(lab);
	lab = NULL;
	return 0;
}

/* No assertions off the main thread: cmocka would jump out of it. */
static void run_many(int prog, int repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.at, .data_size_in = frame.len,
		    .repeat = repeat);

	if (bpf_prog_test_run_opts(lab->progs[prog], &opts))
		wrong++;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool has_flowed(double since)
{
	if (seconds() - since < FLOW_MS / 1e3 || packets < FLOW_PACKETS)
		return false;
	for (int i = 0; i < READERS; i++)
		if (reads[i] < FLOW_READS)
			return false;
	return true;
}

static void *count_packets(void *arg)
{
	double since = seconds();

	(void)arg;
	do {
		run_many(VL_HOOK_OUT, BURST);
		packets += BURST;
	} while (!has_flowed(since) && !wrong);
	flow_s = seconds() - since;
	running--;
	return NULL;
}

/*
 * Each figure as packets, of which the frame is one. What a reading has of one, the next one has of
 * all: a packet at most is half counted on each CPU.
 */
static bool is_torn(const struct vl_counters *now, uint64_t *most)
{
	const uint64_t figures[] = {now->packets, now->segments, now->ipv4, now->udp,
				    now->bytes / frame.len};
	uint64_t before = *most;

	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++) {
		if (figures[i] + RUNNERS < before)
			return true;
		*most = figures[i] > *most ? figures[i] : *most;
	}
	return now->bytes % frame.len || now->tcp || now->icmp4.echo_request;
}

static void *read_packets(void *arg)
{
	struct vl_counters all[FIXTURE_ENDS];
	atomic_ulong *mine = arg;
	uint64_t most = 0;

	do {
		if (watch_read(lab, VL_HOOK_OUT, all, NULL) || is_torn(&all[0], &most))
			wrong++;
		++*mine;
	} while (running);
	return NULL;
}

static void test_readers(void **state)
{
	struct vl_counters none = {}, after, expected = {};
	pthread_t runners[RUNNERS], readers[READERS];

	(void)state;
	start(false);
	for (int i = 0; i < RUNNERS; i++)
		assert_int_equal(pthread_create(&runners[i], NULL, count_packets, NULL), 0);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_packets, &reads[i]), 0);
	for (int i = 0; i < RUNNERS; i++)
		pthread_join(runners[i], NULL);
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(wrong, 0);
	expect_frame(frame.at, frame.len, &expected);
	for (size_t i = 0; i < sizeof(expected) / 8; i++)
		((__u64 *)&expected)[i] *= packets;
	after = counters_of(lab, VL_HOOK_OUT, 0);
	assert_counted(&none, &after, &expected, "all CPUs", frame.at, frame.len);
	assert_true(packets >= FLOW_PACKETS);
	print_message("# %.1f million packets a second, read %lu times by the first of %d\n",
		      (double)packets / flow_s / 1e6, (unsigned long)reads[0], READERS);
}

/* One CPU's requests, the same again and again, and the other's arrivals of them. */
static void *leave(void *arg)
{
	(void)arg;
	run_many(VL_HOOK_OUT, ECHOES);
	return NULL;
}

static void *arrive(void *arg)
{
	(void)arg;
	run_many(VL_HOOK_IN, ECHOES);
	return NULL;
}

static void test_times_are_added(void **state)
{
	static struct vl_times times[FIXTURE_ENDS];
	struct watch_echo echo[FIXTURE_ENDS];
	pthread_t threads[2 * RUNNERS];
	struct err err = {};
	uint64_t sum = 0;

	(void)state;
	start(true);
	for (int i = 0; i < 2 * RUNNERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? arrive : leave, NULL),
				 0);
	for (int i = 0; i < 2 * RUNNERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(wrong, 0);
	assert_int_equal(watch_read_times(lab, WATCH_TRANSIT, times, &err), 0);
	for (size_t i = 0; i < VL_TIME_BINS; i++)
		sum += times[0].bins[i];
	assert_int_equal(sum, times[0].count);
	assert_in_range(sum + times[0].negative, 1, RUNNERS * ECHOES);
	assert_int_equal(watch_read_echo(lab, echo, &err), 0);
	assert_int_equal(echo[0].count.requests, RUNNERS * ECHOES);
	assert_int_equal(echo[0].count.forgotten + echo[0].waiting + echo[0].unanswered,
			 RUNNERS * ECHOES);
}

static void *trace_packets(void *arg)
{
	(void)arg;
	for (int i = 0; i < TRACED / 10; i++) {
		run_many(VL_HOOK_OUT, 10);
		usleep(50);
	}
	running--;
	return NULL;
}

static void count_record(const struct vl_event *event, void *arg)
{
	(void)event;
	++*(uint64_t *)arg;
}

/* A tracer in a process of its own, killed while packets flow. Returns its status. */
static int kill_a_tracer(void)
{
	struct watch_session *session = NULL;
	int ready[2], status = -1;
	char byte;
	pid_t child;

	if (pipe(ready))
		return -1;
	child = fork();
	if (!child) {
		if (watch_session_open(&session, lab, &(struct vl_filter){}, 64, NULL) ||
		    write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (child > 0 && read(ready[0], &byte, 1) == 1)
		kill(child, SIGKILL);
	if (child > 0)
		waitpid(child, &status, 0);
	close(ready[0]);
	return status;
}

/* One tracer stays and gets every record, while others come, go, and are killed beside it. */
static void test_tracers(void **state)
{
	struct watch_session *stays = NULL, *goes;
	uint64_t got = 0, ignored = 0;
	pthread_t runners[RUNNERS];
	struct vl_control control;
	struct err err = {};
	uint32_t zero = 0;
	int rounds = 0;

	(void)state;
	start(true);
	if (watch_session_open(&stays, lab, &(struct vl_filter){}, 4096, &err))
		fail_msg("%s", err.what);
	for (int i = 0; i < RUNNERS; i++)
		assert_int_equal(pthread_create(&runners[i], NULL, trace_packets, NULL), 0);
	for (; running || rounds < 5; rounds++) {
		if (watch_session_open(&goes, lab, &(struct vl_filter){}, 64, &err))
			fail_msg("%s", err.what);
		assert_true(watch_session_poll(goes, 0, count_record, &ignored, &err) >= 0);
		watch_session_close(goes);
		assert_true(WIFSIGNALED(kill_a_tracer()));
	}
	for (int i = 0; i < RUNNERS; i++)
		pthread_join(runners[i], NULL);
	assert_int_equal(wrong, 0);
	assert_true(watch_session_poll(stays, 0, count_record, &got, &err) >= 0);
	assert_int_equal(got + watch_session_lost(stays), RUNNERS * TRACED);
	assert_true(got > 0);
	run_many(VL_HOOK_OUT, VL_BATCH); /* clears what the last killed one left */
	assert_int_equal(bpf_map_lookup_elem(lab->maps[MAP_CONTROL], &zero, &control), 0);
	assert_int_equal(control.active & ~0xffull, 0);
	assert_int_not_equal(control.active, 0);
	watch_session_close(stays);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_readers, stop),
		cmocka_unit_test_teardown(test_times_are_added, stop),
		cmocka_unit_test_teardown(test_tracers, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
