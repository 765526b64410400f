// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_story_loops.c - echoes of many hops: floods round a loop of bridges, packets round a loop of
 * routers, and records without sense. Each must be told as story_reference.c tells it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/story_fixture.h"
#include "tests/unit/story_reference.h"

/* Two bridges with two links between them, a third one beside; two routers likewise. */
static const char loops_text[] = "lab: loops\n"
				 "nodes:\n"
				 "  a: {}\n"
				 "  b: {}\n"
				 "  c: {}\n"
				 "  s1: {kind: bridge}\n"
				 "  s2: {kind: bridge}\n"
				 "  s3: {kind: bridge}\n"
				 "  r1: {forward: true}\n"
				 "  r2: {forward: true}\n"
				 "links:\n"
				 "  - endpoints: [{end: 'a:x', address: 10.0.1.1/24}, 's1:p0']\n"
				 "  - endpoints: ['s1:p1', 's2:p1']\n"
				 "  - endpoints: ['s1:p2', 's2:p2']\n"
				 "  - endpoints: ['s2:p3', 's3:p3']\n"
				 "  - endpoints: ['s3:p4', 's1:p4']\n"
				 "  - endpoints: ['s2:p0', {end: 'b:y', address: 10.0.1.2/24}]\n"
				 "  - endpoints: ['s3:p0', {end: 'c:z', address: 10.0.1.3/24}]\n"
				 "  - endpoints: [{end: 'a:r', address: 10.0.2.1/24}, "
				 "{end: 'r1:a', address: 10.0.2.254/24}]\n"
				 "  - endpoints: [{end: 'r1:e', address: 10.0.3.1/24}, "
				 "{end: 'r2:w', address: 10.0.3.2/24}]\n"
				 "  - endpoints: [{end: 'r2:e', address: 10.0.4.2/24}, "
				 "{end: 'r1:w', address: 10.0.4.1/24}]\n";

enum { A_BRIDGED = 0, B_BRIDGED = 11, A_ROUTED = 14 };
enum { HOPS_MAX = ITINERARY_HOPS_MAX, QUEUE_MAX = 2 * HOPS_MAX };

static struct lab *loops;

static int setup(void **state)
{
	struct diags diags = {0};

	(void)state;
	loops = lab_read_text(loops_text, sizeof(loops_text) - 1, "loops.yaml", &diags);
	diags_free(&diags);
	return loops ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	lab_free(loops);
	return 0;
}

/* The same numbers with any C library. */
static unsigned draw(uint64_t *seed, unsigned below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % below;
}

/* ---- records --------------------------------------------------------------------------------- */

/* What a run of records has in common. */
struct run {
	struct vl_event events[HOPS_MAX];
	size_t n, most; /* records, and how many there shall be */
	uint64_t seed;
	unsigned cpus;
	unsigned tick_ns; /* times are multiples of it */
	bool xdp;
	bool crowded; /* make_up(): requests alone, at few ends and times */
	const char *src, *dst;
};

/* A packet that leaves by an end. */
struct leaving {
	const struct end *end;
	uint64_t time_ns;
	uint8_t type, ttl;
};

/* Clocks of CPUs are up to 0.8 ms apart. */
static void see(struct run *run, const struct end *end, enum vl_hook hook, uint64_t time_ns,
		uint8_t type, uint8_t ttl)
{
	unsigned cpu = draw(&run->seed, run->cpus);
	uint64_t stamp = time_ns + cpu * 200000 % 900000;
	bool answer = type == 0;

	if (run->n == run->most)
		return;
	run->events[run->n] = record(stamp - stamp % run->tick_ns, end->number, hook, type, ttl,
				     answer ? run->dst : run->src, answer ? run->src : run->dst);
	run->events[run->n++].cpu = cpu;
}

static uint64_t later(struct run *run, uint64_t time_ns)
{
	return time_ns + 100 + draw(&run->seed, 3000);
}

/*
 * Let a packet go round until there are enough records. Bridges send to all other ports, routers by
 * one other end, the addressee answers.
 */
static void go_round(struct run *run, const struct end *start, const struct end *addressee)
{
	static struct leaving queue[QUEUE_MAX];
	size_t head = 0, tail = 0;

	queue[tail++] = (struct leaving){start, 1000000, 8, 64};
	while (head < tail && run->n < run->most) {
		const struct leaving packet = queue[head++];
		const struct end *in = packet.end->peer;
		const struct node *node = in->node;
		uint64_t at = later(run, packet.time_ns);

		see(run, packet.end, VL_HOOK_OUT, packet.time_ns, packet.type, packet.ttl);
		if (run->xdp)
			see(run, in, VL_HOOK_XDP, at, packet.type, packet.ttl);
		at += 50;
		see(run, in, VL_HOOK_IN, at, packet.type, packet.ttl);
		for (size_t i = 0; i < node->n_ends && tail < QUEUE_MAX; i++) {
			const struct end *out = node->ends[i];
			bool passes = node->kind == NODE_BRIDGE || (node->forward_v4 && i);
			uint8_t ttl = packet.ttl - node->forward_v4;

			if (passes && out != in && ttl)
				queue[tail++] =
					(struct leaving){out, later(run, at), packet.type, ttl};
			if (out == addressee && in == addressee && packet.type == 8)
				queue[tail++] = (struct leaving){out, later(run, at), 0, 64};
		}
	}
}

/* Records that no lab would give: any hook of any end, any message, few addresses, times, TTLs. */
static void make_up(struct run *run)
{
	static const char *const addresses[] = {"10.0.1.1", "10.0.1.2", "10.0.3.1", "10.9.9.9"};
	static const uint8_t types[] = {8, 8, 8, 0, 0, 11};

	while (run->n < run->most) {
		struct vl_event *event = &run->events[run->n++];
		const char *src = addresses[draw(&run->seed, run->crowded ? 1 : 4)];
		const char *dst = addresses[draw(&run->seed, run->crowded ? 1 : 4)];
		unsigned end = draw(&run->seed, run->crowded ? 6 : lab_n_ends(loops));
		unsigned ticks = draw(&run->seed, run->crowded ? 12 : 4000);
		uint64_t at = 1000000 + (uint64_t)ticks * run->tick_ns;
		uint8_t type = types[run->n > 1 && !run->crowded ? draw(&run->seed, 6) : 0];
		uint8_t ttl = 62 + draw(&run->seed, 3);
		enum vl_hook hook = draw(&run->seed, VL_HOOKS);

		if (type == 11) {
			*event = error_record(at, end, hook, type, 0, src, dst);
		} else {
			*event = record(at, end, hook, type, ttl, src, dst);
			event->id = run->n == 1 || draw(&run->seed, 8) ? 7 : 8; /* NAT */
			event->flags |= draw(&run->seed, 3) ? 0 : VL_EV_FRAGMENT | VL_EV_MORE;
			event->frag_len = 100;
			event->frag_id = event->flags & VL_EV_FRAGMENT ? 1 : 0;
		}
		event->ttl = ttl;
		event->cpu = draw(&run->seed, run->cpus);
	}
}

/* ---- comparison ------------------------------------------------------------------------------ */

static void add_all(struct story *story, struct run *run)
{
	/* CPUs do not tell in order; the first record is the one that says whose the others are. */
	for (size_t i = run->n - 1; i > 1; i--) {
		size_t j = 1 + draw(&run->seed, i);
		struct vl_event swap = run->events[i];

		run->events[i] = run->events[j];
		run->events[j] = swap;
	}
	for (size_t i = 0; i < run->n; i++)
		assert_int_equal(story_add(story, &run->events[i]), 1);
	for (size_t i = 0; i < run->n; i += 7) {
		struct vl_event fragment = run->events[i];

		if (!(fragment.flags & VL_EV_FRAGMENT))
			continue;
		fragment.frag_off = fragment.frag_len;
		fragment.flags = VL_EV_FRAGMENT | (draw(&run->seed, 2) ? VL_EV_MORE : 0);
		fragment.time_ns += draw(&run->seed, 3000);
		assert_int_equal(story_add(story, &fragment), 1);
	}
	for (int i = 0; i < 5; i++) { /* a bridge's copies that nobody was meant to get */
		struct vl_drop drop = {.packet = run->events[i], .node = i};

		assert_int_equal(story_add_drop(story, &drop, "OTHERHOST", "ip_rcv_core"), 1);
	}
}

static void assert_same_hop(const struct hop *hop, const struct hop *expected, size_t i,
			    const char *what)
{
	if (memcmp(&hop->event, &expected->event, sizeof(hop->event)) ||
	    hop->end != expected->end || hop->leg != expected->leg || hop->step != expected->step ||
	    hop->from != expected->from || hop->at_ns != expected->at_ns ||
	    hop->step_ns != expected->step_ns || hop->skewed != expected->skewed ||
	    hop->translated != expected->translated || hop->branch != expected->branch ||
	    hop->again != expected->again)
		fail_msg("%s: hop %zu is step %d from %d at %ju, not step %d from %d at %ju", what,
			 i, hop->step, hop->from, (uintmax_t)hop->at_ns, expected->step,
			 expected->from, (uintmax_t)expected->at_ns);
	if (hop->fragments != expected->fragments || hop->incomplete != expected->incomplete ||
	    hop->fragments_ns != expected->fragments_ns)
		fail_msg("%s: hop %zu has %u fragments, not %u", what, i, hop->fragments,
			 expected->fragments);
}

static void compare(struct run *run, const char *what)
{
	struct story *story = story_new(loops);
	struct hop *expected = calloc(run->n, sizeof(*expected));
	const struct itinerary *told;
	size_t n;

	assert_true(story && expected);
	add_all(story, run);
	for (size_t i = 0; i < run->n; i++)
		expected[i] = (struct hop){.event = run->events[i],
					   .end = lab_end(loops, run->events[i].end),
					   .leg = event_leg(&run->events[i])};
	told = story_itinerary(story, 4, 7, 1);
	assert_non_null(told);
	n = reference_order(expected, run->n, loops);
	reference_join_fragments(told, expected, n);
	assert_int_equal(told->n_hops, n);
	for (size_t i = 0; i < n; i++)
		assert_same_hop(&told->hops[i], &expected[i], i, what);
	if (told->arrival < 0)
		assert_int_equal(told->last, reference_last(told, loops));
	free(expected);
	story_free(story);
}

static struct run *new_run(size_t most, unsigned cpus, bool xdp, uint64_t seed)
{
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	run->most = most;
	run->seed = seed;
	run->cpus = cpus;
	run->tick_ns = seed % 2 ? 1 : 500;
	run->xdp = xdp;
	run->src = "10.0.1.1";
	run->dst = "10.0.1.2";
	return run;
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* Copies double with each turn; those of b are answered, and the answers are flooded, too. */
static void test_bridges(void **state)
{
	(void)state;
	for (size_t n = 64; n <= HOPS_MAX; n *= 2) {
		for (unsigned cpus = 1; cpus <= 4; cpus += 3) {
			struct run *run = new_run(n, cpus, cpus > 1, n + cpus);

			go_round(run, lab_end(loops, A_BRIDGED), lab_end(loops, B_BRIDGED));
			assert_int_equal(run->n, n);
			compare(run, "bridges");
			free(run);
		}
	}
}

/* Nobody has the address: there is no answer, and the last place is one of many. */
static void test_unanswered(void **state)
{
	(void)state;
	for (unsigned cpus = 1; cpus <= 2; cpus++) {
		struct run *run = new_run(256, cpus, true, cpus);

		run->dst = "10.0.1.77";
		go_round(run, lab_end(loops, A_BRIDGED), NULL);
		compare(run, "unanswered");
		free(run);
	}
}

/* The TTL tells the turns apart. */
static void test_routers(void **state)
{
	(void)state;
	for (unsigned cpus = 1; cpus <= 4; cpus++) {
		struct run *run = new_run(HOPS_MAX / 2, cpus, cpus % 2, cpus);

		run->dst = "10.0.9.9";
		go_round(run, lab_end(loops, A_ROUTED), NULL);
		assert_in_range(run->n, 100, HOPS_MAX);
		compare(run, "routers");
		free(run);
	}
}

/* Whatever comes: rings of causes that clocks of several CPUs would make, gaps, NAT, fragments. */
static void test_nonsense(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct run *run = new_run(8 + seed, 1 + seed % 5, false, seed);

		run->tick_ns = seed % 3 ? 1000 : 20;
		run->crowded = seed % 4 == 0;
		make_up(run);
		compare(run, "nonsense");
		free(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bridges),
		cmocka_unit_test(test_unanswered),
		cmocka_unit_test(test_routers),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
