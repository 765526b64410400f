// SPDX-License-Identifier: GPL-2.0-only
/* test_story.c - records of echoes, written out here, become itineraries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "user/story/story.h"

/* a:x -- r:w, r:e -- b:y, and br: a bridge of three ports to c, d, e. Ends 0 to 9. */
static const char lab_text[] = "lab: story\n"
			       "nodes:\n"
			       "  a: {}\n"
			       "  r: {forward: true}\n"
			       "  b: {}\n"
			       "  br: {kind: bridge}\n"
			       "  c: {}\n"
			       "  d: {}\n"
			       "  e: {}\n"
			       "links:\n"
			       "  - endpoints: [{end: 'a:x', address: 10.0.1.1/24}, "
			       "{end: 'r:w', address: 10.0.1.254/24}]\n"
			       "  - endpoints: [{end: 'r:e', address: 10.0.2.254/24}, "
			       "{end: 'b:y', address: 10.0.2.1/24}]\n"
			       "  - endpoints: ['br:p0', {end: 'c:z', address: 10.0.3.1/24}]\n"
			       "  - endpoints: ['br:p1', {end: 'd:z', address: 10.0.3.2/24}]\n"
			       "  - endpoints: ['br:p2', {end: 'e:z', address: 10.0.3.3/24}]\n";

enum { A_X, R_W, R_E, B_Y, BR_0, C_Z, BR_1, D_Z, BR_2, E_Z };

static struct lab *lab;

static int setup(void **state)
{
	struct diags diags = {0};

	(void)state;
	lab = lab_read_text(lab_text, sizeof(lab_text) - 1, "story.yaml", &diags);
	for (size_t i = 0; i < diags.count; i++)
		if (diags.list[i].severity == SEVERITY_ERROR)
			print_error("%s\n", diags.list[i].what);
	diags_free(&diags);
	return lab ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	lab_free(lab);
	return 0;
}

static void put_address(uint8_t bytes[16], const char *text)
{
	struct ip_addr addr;

	assert_true(ip_parse(text, &addr));
	memcpy(bytes, addr.bytes, 16);
}

/* A record of echo 7, seq 1, payload 0x1122334455667788. */
static struct vl_event record(uint64_t time_ns, unsigned end, enum vl_hook hook, uint8_t type,
			      uint8_t ttl, const char *src, const char *dst)
{
	struct vl_event event = {.time_ns = time_ns,
				 .payload = 0x1122334455667788,
				 .end = end,
				 .len = 98,
				 .hook = hook,
				 .family = 4,
				 .icmp_type = type,
				 .ttl = ttl,
				 .flags = VL_EV_PAYLOAD,
				 .id = 7,
				 .seq = 1};

	put_address(event.src, src);
	put_address(event.dst, dst);
	return event;
}

static struct vl_event error_record(uint64_t time_ns, unsigned end, enum vl_hook hook, uint8_t type,
				    uint8_t code, const char *src, const char *dst)
{
	struct vl_event event = record(time_ns, end, hook, type, 64, src, dst);

	event.icmp_code = code;
	event.id = event.seq = 0;
	event.payload = 0;
	event.flags = VL_EV_QUOTED;
	event.quote = (struct vl_quote){.id = 7, .seq = 1, .proto = 1, .icmp_type = 8, .ttl = 1};
	return event;
}

/* An itinerary as one word a hop, to compare whole stories at once. */
static const char *spell(const struct itinerary *it, char *buf, size_t size)
{
	static const char *const hooks[] = {"out", "xdp", "in"};
	static const char *const legs[] = {"Q", "A", "E"};
	static const char steps[] = {'|', '.', '>', '~', '*', '?'};
	size_t used = 0;

	buf[0] = 0;
	for (size_t i = 0; i < it->n_hops; i++) {
		const struct hop *h = &it->hops[i];

		used += snprintf(buf + used, size - used, "%s%s%c%s %s %d+%d%s%s%s%s",
				 i ? "; " : "", legs[h->leg], steps[h->step], h->end->name,
				 hooks[h->event.hook], (int)h->at_ns, (int)h->step_ns,
				 h->skewed ? " skewed" : "", h->translated ? " nat" : "",
				 h->branch ? " branch" : "", h->again ? " again" : "");
	}
	return buf;
}

static const struct itinerary *tell(struct story *story, const struct vl_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(story_add(story, &events[i]), 1);
	return story_itinerary(story, 4, 7, 1);
}

#define TELL(story, events) tell(story, events, sizeof(events) / sizeof(*(events)))

static void assert_story(const struct itinerary *it, const char *expected)
{
	char buf[4096];

	assert_non_null(it);
	assert_string_equal(spell(it, buf, sizeof(buf)), expected);
}

#define REQ(t, end, hook, ttl) record(t, end, hook, 8, ttl, "10.0.1.1", "10.0.2.1")
#define REP(t, end, hook, ttl) record(t, end, hook, 0, ttl, "10.0.2.1", "10.0.1.1")

/* a asks b over the router r. */
static const char routed_story[] =
	"Q|a:x out 0+0; Q>r:w xdp 10+10; Q.r:w in 12+2; Q~r:e out 20+8; Q>b:y in 30+10; "
	"A*b:y out 50+20; A>r:e in 60+10; A~r:w out 70+10; A>a:x in 80+10";

static void fill_routed(struct vl_event e[9])
{
	e[0] = REQ(1000, A_X, VL_HOOK_OUT, 64);
	e[1] = REQ(1010, R_W, VL_HOOK_XDP, 64);
	e[2] = REQ(1012, R_W, VL_HOOK_IN, 64);
	e[3] = REQ(1020, R_E, VL_HOOK_OUT, 63);
	e[4] = REQ(1030, B_Y, VL_HOOK_IN, 63);
	e[5] = REP(1050, B_Y, VL_HOOK_OUT, 64);
	e[6] = REP(1060, R_E, VL_HOOK_IN, 64);
	e[7] = REP(1070, R_W, VL_HOOK_OUT, 63);
	e[8] = REP(1080, A_X, VL_HOOK_IN, 63);
}

static void test_routed(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[9];
	const struct itinerary *it;

	(void)state;
	fill_routed(e);
	it = TELL(story, e);
	assert_story(it, routed_story);
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_true(it->answered);
	assert_true(it->delivered);
	assert_false(it->asymmetric);
	assert_string_equal(it->origin->name, "a");
	assert_string_equal(it->answerer->name, "b");
	assert_int_equal(it->round_trip_ns, 80);
	story_free(story);
}

/* Every order of arrival tells the same story; so does every record delivered twice. */
static void test_any_order(void **state)
{
	struct vl_event e[9];
	unsigned seed = 1;

	(void)state;
	fill_routed(e);
	for (int round = 0; round < 200; round++) {
		struct story *story = story_new(lab);

		for (int i = 8; i > 0; i--) {
			int j = rand_r(&seed) % (i + 1);
			struct vl_event swap = e[i];

			e[i] = e[j];
			e[j] = swap;
		}
		assert_story(TELL(story, e), routed_story);
		if (round % 2)
			assert_story(TELL(story, e), routed_story);
		story_free(story);
	}
}

/* Two CPUs stamped the link: "arrival before departure" is 0, and what follows is not moved. */
static void test_clock_skew(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(990, R_W, VL_HOOK_IN, 64),
			       REQ(1020, R_E, VL_HOOK_OUT, 63)};

	(void)state;
	e[1].cpu = e[2].cpu = 1;
	assert_story(TELL(story, e), "Q|a:x out 0+0; Q>r:w in 0+0 skewed; Q~r:e out 20+20");
	story_free(story);
}

/* The same on one CPU is no skew: one CPU's stamps do not go back, so it is another packet. */
static void test_one_cpu_does_not_skew(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(990, R_W, VL_HOOK_IN, 64)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_int_equal(it->hops[0].step, STEP_GAP);
	assert_int_equal(it->hops[0].from, -1);
	assert_string_equal(it->hops[0].end->name, "r:w");
	story_free(story);
}

/* A record is missing in the middle: the story says so and goes on. */
static void test_missing(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event all[9], e[6];
	const struct itinerary *it;

	(void)state;
	fill_routed(all);
	e[0] = all[0];
	e[1] = all[4]; /* r:w in, r:e out were lost */
	e[2] = all[5];
	e[3] = all[6];
	e[4] = all[7];
	e[5] = all[8];
	it = TELL(story, e);
	assert_story(it, "Q|a:x out 0+0; Q?b:y in 30+30; A*b:y out 50+20; A>r:e in 60+10; "
			 "A~r:w out 70+10; A>a:x in 80+10");
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_false(it->asymmetric); /* not known, so not said */
	story_free(story);
}

/* A reply that came home and was refused there was last seen at the last hook it passed. */
static void test_last_hook_at_home(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REP(1080, A_X, VL_HOOK_XDP, 63),
			       REP(1082, A_X, VL_HOOK_IN, 63)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_int_equal(it->hops[it->arrival].event.hook, VL_HOOK_XDP);
	assert_int_equal(it->hops[it->last].event.hook, VL_HOOK_IN);
	story_free(story);
}

/* Only the reply was recorded: a asked all the same, since the reply went to it. */
static void test_only_reply(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REP(1070, R_W, VL_HOOK_OUT, 63), REP(1080, A_X, VL_HOOK_IN, 63)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "A?r:w out 0+0; A>a:x in 10+10");
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_string_equal(it->origin->name, "a");
	assert_null(it->answerer);
	story_free(story);
}

/* A trace of one link: r passed the reply on, which is no reason to say that r answered. */
static void test_partial_view(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(1010, R_W, VL_HOOK_IN, 64),
			       REP(1070, R_W, VL_HOOK_OUT, 63), REP(1080, A_X, VL_HOOK_IN, 63)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "Q|a:x out 0+0; Q>r:w in 10+10; A?r:w out 70+60; A>a:x in 80+10");
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_null(it->answerer);
	story_free(story);
}

/* The filter of a session, applied to records of a file. */
static void test_matches(void **state)
{
	struct vl_event e = REQ(1000, R_E, VL_HOOK_OUT, 63);
	struct vl_filter f = {0};

	(void)state;
	assert_true(event_matches(&e, &f, lab));
	f = (struct vl_filter){.fields = VL_F_END, .end = R_W};
	assert_false(event_matches(&e, &f, lab));
	f = (struct vl_filter){.fields = VL_F_LINK, .link = 1};
	assert_true(event_matches(&e, &f, lab));
	f = (struct vl_filter){.fields = VL_F_NODE, .node = lab_find_node(lab, "a")->index};
	assert_false(event_matches(&e, &f, lab));
	f = (struct vl_filter){.fields = VL_F_SRC, .src_len = 23, .src = {10, 0, 0, 0}};
	assert_true(event_matches(&e, &f, lab));
	f.src_len = 24;
	assert_false(event_matches(&e, &f, lab));
	f = (struct vl_filter){.fields = VL_F_ADDR, .addr_len = 32, .addr = {10, 0, 2, 1}};
	assert_true(event_matches(&e, &f, lab));
	f.addr[3] = 2;
	assert_false(event_matches(&e, &f, lab));
	f = (struct vl_filter){
		.fields = VL_F_TYPES | VL_F_SEQ, .types = 1 << VL_ICMP_ECHO_REQUEST, .seq = 1};
	assert_true(event_matches(&e, &f, lab));
	f.types = 1 << VL_ICMP_ECHO_REPLY;
	assert_false(event_matches(&e, &f, lab));
	/* An error is judged by what it quotes. */
	e = error_record(1000, R_W, VL_HOOK_OUT, 3, 1, "10.0.1.254", "10.0.1.1");
	f = (struct vl_filter){.fields = VL_F_ID, .id = 7};
	assert_true(event_matches(&e, &f, lab));
	f.id = 0;
	assert_false(event_matches(&e, &f, lab));
}

static void test_lost(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(1010, R_W, VL_HOOK_IN, 64)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_int_equal(it->fate, FATE_LOST);
	assert_false(it->delivered);
	assert_int_equal(it->last, 1);
	assert_int_equal(it->arrival, -1);
	assert_int_equal(it->round_trip_ns, 0);
	assert_null(it->answerer);
	story_free(story);
}

/* The TTL ran out in r: its error hangs on the echo that it quotes. */
static void test_error(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		REQ(1000, A_X, VL_HOOK_OUT, 1),
		REQ(1010, R_W, VL_HOOK_IN, 1),
		error_record(1030, R_W, VL_HOOK_OUT, 11, 0, "10.0.1.254", "10.0.1.1"),
		error_record(1040, A_X, VL_HOOK_IN, 11, 0, "10.0.1.254", "10.0.1.1"),
	};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "Q|a:x out 0+0; Q>r:w in 10+10; E*r:w out 30+20; E>a:x in 40+10");
	assert_int_equal(it->fate, FATE_REFUSED);
	assert_string_equal(it->answerer->name, "r");
	assert_int_equal(it->round_trip_ns, 40);
	assert_false(it->answered);
	assert_int_equal(it->last, 1); /* where the request died, not where the error arrived */
	story_free(story);
}

/* r rewrites source and id (masquerade): one echo, by its payload; b's reply is part of it. */
static void test_nat(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		REQ(1000, A_X, VL_HOOK_OUT, 64),
		REQ(1010, R_W, VL_HOOK_IN, 64),
		record(1020, R_E, VL_HOOK_OUT, 8, 63, "10.0.2.254", "10.0.2.1"),
		record(1030, B_Y, VL_HOOK_IN, 8, 63, "10.0.2.254", "10.0.2.1"),
		record(1040, B_Y, VL_HOOK_OUT, 0, 64, "10.0.2.1", "10.0.2.254"),
		record(1050, R_E, VL_HOOK_IN, 0, 64, "10.0.2.1", "10.0.2.254"),
		REP(1060, R_W, VL_HOOK_OUT, 63),
		REP(1070, A_X, VL_HOOK_IN, 63),
	};
	const struct itinerary *it;

	(void)state;
	e[2].id = e[3].id = e[4].id = e[5].id = 40000;
	it = TELL(story, e);
	assert_story(it, "Q|a:x out 0+0; Q>r:w in 10+10; Q~r:e out 20+10 nat; Q>b:y in 30+10; "
			 "A*b:y out 40+10; A>r:e in 50+10; A~r:w out 60+10 nat; A>a:x in 70+10");
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_int_equal(story_in_flight(story), 1);
	assert_ptr_equal(story_itinerary(story, 4, 40000, 1), it);
	/* The error about it quotes the new id. */
	e[0] = error_record(1080, R_E, VL_HOOK_IN, 3, 1, "10.0.2.1", "10.0.2.254");
	e[0].quote.id = 40000;
	assert_int_equal(story_add(story, &e[0]), 1);
	assert_int_equal(story_in_flight(story), 1);
	story_free(story);
}

/* A bridge that has not learned floods: the story is a tree, and the addressee's branch counts. */
static void test_flood(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		record(1000, C_Z, VL_HOOK_OUT, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1010, BR_0, VL_HOOK_IN, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1020, BR_1, VL_HOOK_OUT, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1030, D_Z, VL_HOOK_IN, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1040, BR_2, VL_HOOK_OUT, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1050, E_Z, VL_HOOK_IN, 8, 64, "10.0.3.1", "10.0.3.2"),
	};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "Q|c:z out 0+0; Q>br:p0 in 10+10; Q~br:p1 out 20+10 branch; "
			 "Q>d:z in 30+10; Q~br:p2 out 40+30 branch; Q>e:z in 50+10");
	assert_int_equal(it->hops[2].from, 1);
	assert_int_equal(it->hops[4].from, 1);
	assert_int_equal(it->hops[5].from, 4);
	assert_true(it->delivered);
	assert_int_equal(it->fate, FATE_LOST);
	assert_string_equal(it->hops[it->last].end->name, "d:z");
	story_free(story);
}

/* A routing loop: the packet comes by again with a smaller TTL, and the passes are not mixed up. */
static void test_loop(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		REQ(1000, A_X, VL_HOOK_OUT, 3), REQ(1010, R_W, VL_HOOK_IN, 3),
		REQ(1020, R_W, VL_HOOK_OUT, 2), REQ(1030, A_X, VL_HOOK_IN, 2),
		REQ(1040, A_X, VL_HOOK_OUT, 1), REQ(1050, R_W, VL_HOOK_IN, 1),
	};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "Q|a:x out 0+0; Q>r:w in 10+10; Q~r:w out 20+10; Q>a:x in 30+10; "
			 "Q~a:x out 40+10 again; Q>r:w in 50+10 again");
	assert_int_equal(it->fate, FATE_LOST);
	assert_string_equal(it->hops[it->last].end->name, "r:w");
	story_free(story);
}

/* A link that duplicates: one departure, two arrivals. */
static void test_duplicated_by_link(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(1010, R_W, VL_HOOK_IN, 64),
			       REQ(1015, R_W, VL_HOOK_IN, 64)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "Q|a:x out 0+0; Q>r:w in 10+10 branch; Q>r:w in 15+15 branch again");
	story_free(story);
}

/* The same id and seq with another payload is another echo; the newest one is found. */
static void test_reused_id(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event first = REQ(1000, A_X, VL_HOOK_OUT, 64);
	struct vl_event second = REQ(900000, A_X, VL_HOOK_OUT, 64);
	const struct itinerary *it;

	(void)state;
	second.payload++;
	assert_int_equal(story_add(story, &first), 1);
	assert_int_equal(story_add(story, &second), 1);
	assert_int_equal(story_in_flight(story), 2);
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->n_hops, 1);
	assert_int_equal(it->hops[0].event.time_ns, 900000);
	story_drop(story, 4, 7, 1);
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->hops[0].event.time_ns, 1000);
	story_free(story);
}

/* A filler payload tells nothing: two echoes of two senders stay two. */
static void test_filler_payload(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event a = REQ(1000, A_X, VL_HOOK_OUT, 64), b = REQ(1005, A_X, VL_HOOK_OUT, 64);

	(void)state;
	a.payload = b.payload = 0xabababababababab;
	b.id = 8;
	assert_int_equal(story_add(story, &a), 1);
	assert_int_equal(story_add(story, &b), 1);
	assert_int_equal(story_in_flight(story), 2);
	story_free(story);
}

/* What belongs to no echo is refused, whatever its bytes are. */
static void test_not_an_echo(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e = REQ(1000, A_X, VL_HOOK_OUT, 64);

	(void)state;
	e.end = 10; /* no such end */
	assert_int_equal(story_add(story, &e), 0);
	e = REQ(1000, A_X, VL_HOOKS, 64);
	assert_int_equal(story_add(story, &e), 0);
	e = REQ(1000, A_X, VL_HOOK_OUT, 64);
	e.icmp_type = 13; /* timestamp */
	assert_int_equal(story_add(story, &e), 0);
	e = error_record(1000, A_X, VL_HOOK_OUT, 3, 3, "10.0.1.1", "10.0.1.254");
	e.quote.proto = 17; /* about UDP */
	assert_int_equal(story_add(story, &e), 0);
	e = record(1000, A_X, VL_HOOK_OUT, 0, 64, "10.0.1.1", "10.0.2.1");
	e.flags = VL_EV_FRAGMENT; /* a later fragment */
	e.id = e.seq = 0;
	assert_int_equal(story_add(story, &e), 0);
	assert_null(story_itinerary(story, 4, 7, 1));
	assert_int_equal(story_in_flight(story), 0);
	story_free(story);
}

/* Quiet echoes come oldest first; an echo that a record came for is not quiet. */
static void test_quiet(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event a = REQ(1000, A_X, VL_HOOK_OUT, 64), b = REQ(2000, A_X, VL_HOOK_OUT, 64);
	struct vl_event more = REQ(3000, R_W, VL_HOOK_IN, 64);
	const struct itinerary *it;

	(void)state;
	b.seq = more.seq = 2;
	a.seq = 3;
	b.payload++;
	more.payload++;
	story_add(story, &b);
	story_add(story, &a);
	story_add(story, &more);
	assert_null(story_quiet(story, 1000));
	it = story_quiet(story, 1001);
	assert_int_equal(it->seq, 3);
	story_forget(story, it);
	assert_null(story_quiet(story, 2500));
	it = story_quiet(story, 3001);
	assert_int_equal(it->seq, 2);
	assert_int_equal(it->n_hops, 2);
	story_forget(story, it);
	assert_int_equal(story_in_flight(story), 0);
	story_free(story);
}

/* Thousands of echoes under way; and one that loops for ever does not eat the memory. */
static void test_many(void **state)
{
	struct story *story = story_new(lab);
	const struct itinerary *it;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct vl_event e = REQ(1000 + i, A_X, VL_HOOK_OUT, 64);

		e.seq = i;
		e.payload += i;
		assert_int_equal(story_add(story, &e), 1);
	}
	assert_int_equal(story_in_flight(story), 20000);
	for (unsigned i = 0; i < 20000; i++)
		story_drop(story, 4, 7, i);
	assert_int_equal(story_in_flight(story), 0);
	for (unsigned i = 0; i < ITINERARY_HOPS_MAX + 5; i++) {
		struct vl_event e = REQ(1000 + i, A_X, VL_HOOK_OUT, 64);

		assert_int_equal(story_add(story, &e), 1);
	}
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->n_hops, ITINERARY_HOPS_MAX);
	assert_int_equal(it->left_out, 5);
	story_free(story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routed),	     cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_clock_skew),   cmocka_unit_test(test_one_cpu_does_not_skew),
		cmocka_unit_test(test_missing),	     cmocka_unit_test(test_last_hook_at_home),
	     cmocka_unit_test(test_only_reply),
		cmocka_unit_test(test_partial_view), cmocka_unit_test(test_matches),
		cmocka_unit_test(test_lost),	     cmocka_unit_test(test_error),
		cmocka_unit_test(test_nat),	     cmocka_unit_test(test_flood),
		cmocka_unit_test(test_loop),	     cmocka_unit_test(test_duplicated_by_link),
		cmocka_unit_test(test_reused_id),    cmocka_unit_test(test_filler_payload),
		cmocka_unit_test(test_not_an_echo),  cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
