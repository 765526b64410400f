// SPDX-License-Identifier: GPL-2.0-only
/* story_fixture.c - a lab and records of echoes in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "bpf/wire_other.h"
#include "tests/unit/story_fixture.h"

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
			       "  - endpoints: ['br:p2', {end: 'e:z', address: 10.0.3.3/24}]\n"
			       "  - endpoints: [{end: 'a:k', address: 10.0.4.1/24}, "
			       "{end: 'b:k', address: 10.0.4.2/24}]\n";

struct lab *lab;

int story_setup(void **state)
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

int story_teardown(void **state)
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

struct vl_event record(uint64_t time_ns, unsigned end, enum vl_hook hook, uint8_t type, uint8_t ttl,
		       const char *src, const char *dst)
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

struct vl_event error_record(uint64_t time_ns, unsigned end, enum vl_hook hook, uint8_t type,
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

struct vl_event segment(uint64_t time_ns, unsigned end, enum vl_hook hook, uint8_t ttl,
			uint32_t seq, uint32_t bytes)
{
	struct vl_event event = {.time_ns = time_ns,
				 .end = end,
				 .hook = hook,
				 .family = 4,
				 .ttl = ttl,
				 .len = bytes + 54,
				 .flags = VL_EV_OTHER,
				 .other = {.ethertype = WIRE_IPV4,
					   .protocol = PROTO_TCP,
					   .tcp_flags = TCP_FLAG_ACK,
					   .from_port = 40000,
					   .to_port = 80,
					   .seq = seq,
					   .ack = 77,
					   .bytes = bytes,
					   .ip_id = 100,
					   .segments = 1}};

	put_address(event.src, "10.0.1.1");
	put_address(event.dst, "10.0.2.1");
	return event;
}

struct vl_event datagram_record(uint64_t time_ns, unsigned end, enum vl_hook hook, uint8_t ttl)
{
	struct vl_event event = segment(time_ns, end, hook, ttl, 0, 20);

	event.flags |= VL_EV_PAYLOAD;
	event.payload = 0x1234567;
	event.other.protocol = PROTO_UDP;
	event.other.tcp_flags = 0;
	event.other.ack = 0;
	event.other.ip_id = 0;
	return event;
}

struct story *story_of(const struct vl_event *events, size_t n, size_t itineraries)
{
	struct story *story = story_new(lab);

	assert_non_null(story);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(story_add(story, &events[i]), 1);
	assert_int_equal(story_in_flight(story), itineraries);
	return story;
}

const struct itinerary *first_of(struct story *story)
{
	const struct itinerary *it = story_quiet(story, UINT64_MAX);

	assert_non_null(it);
	assert_true(it->is_packet);
	return it;
}

const char *spell(const struct itinerary *it, char *buf, size_t size)
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

const struct itinerary *tell(struct story *story, const struct vl_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(story_add(story, &events[i]), 1);
	return story_itinerary(story, 4, 7, 1);
}

void assert_story(const struct itinerary *it, const char *expected)
{
	char buf[4096];

	assert_non_null(it);
	assert_string_equal(spell(it, buf, sizeof(buf)), expected);
}

const char routed_story[] =
	"Q|a:x out 0+0; Q>r:w xdp 10+10; Q.r:w in 12+2; Q~r:e out 20+8; Q>b:y in 30+10; "
	"A*b:y out 50+20; A>r:e in 60+10; A~r:w out 70+10; A>a:x in 80+10";

void fill_routed(struct vl_event e[9])
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
