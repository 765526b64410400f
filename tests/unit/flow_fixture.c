// SPDX-License-Identifier: GPL-2.0-only
/* flow_fixture.c - packets of a TCP connection and of UDP that pass the hooks of a lab. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "bpf/wire_other.h"
#include "tests/unit/flow_fixture.h"

/* The way from a to b, and back. */
static const struct {
	unsigned end;
	enum vl_hook hook;
} way[2][4] = {{{A_X, VL_HOOK_OUT}, {R_W, VL_HOOK_IN}, {R_E, VL_HOOK_OUT}, {B_Y, VL_HOOK_IN}},
	       {{B_Y, VL_HOOK_OUT}, {R_E, VL_HOOK_IN}, {R_W, VL_HOOK_OUT}, {A_X, VL_HOOK_IN}}};

struct flows *flows;
uint16_t ip_id;
bool with_nat;

int flow_begin(void **state)
{
	(void)state;
	flows = flows_new(lab, 100);
	ip_id = 1;
	with_nat = false;
	return flows ? 0 : -1;
}

int flow_end(void **state)
{
	(void)state;
	flows_free(flows);
	return 0;
}

struct vl_event packet(bool back, uint32_t seq, uint32_t bytes, uint32_t ack, uint8_t flags)
{
	struct vl_event event = {.family = 4,
				 .ttl = 64,
				 .len = bytes + 66,
				 .flags = VL_EV_OTHER,
				 .other = {.ethertype = WIRE_IPV4,
					   .protocol = PROTO_TCP,
					   .tcp_flags = flags,
					   .from_port = back ? 80 : 40000,
					   .to_port = back ? 40000 : 80,
					   .seq = seq,
					   .ack = ack,
					   .bytes = bytes,
					   .window = 500,
					   .has_window = 1,
					   .mss = flags & TCP_FLAG_SYN ? 1460 : 0,
					   .segments = 1,
					   .ip_id = ip_id++}};

	inet_pton(AF_INET, back ? "10.0.2.1" : "10.0.1.1", event.src);
	inet_pton(AF_INET, back ? "10.0.1.1" : "10.0.2.1", event.dst);
	return event;
}

/* r hides a behind its own address: as a record shows the packet at a hook of the way. */
static void translate(struct vl_event *event, bool back, unsigned hop)
{
	if (!with_nat || (hop < 2) != back)
		return;
	inet_pton(AF_INET, "10.0.2.254", back ? event->dst : event->src);
	*(back ? &event->other.to_port : &event->other.from_port) = 1024;
}

void pass(uint64_t time_ns, bool back, struct vl_event event, unsigned from, unsigned to)
{
	for (unsigned hop = from; hop < to; hop++) {
		struct vl_event seen = event;

		seen.time_ns = time_ns + (hop - from) * MS;
		seen.end = way[back][hop].end;
		seen.hook = way[back][hop].hook;
		translate(&seen, back, hop);
		assert_int_equal(flows_add(flows, &seen), 0);
	}
}

void drop(uint64_t time_ns, struct vl_event event, unsigned node, const char *reason)
{
	struct vl_drop record = {.packet = event, .node = node};

	record.packet.time_ns = time_ns;
	record.packet.hook = VL_HOOKS;
	record.packet.end = VL_NO_END;
	assert_int_equal(flows_add_drop(flows, &record, reason, "some_function"), 0);
}

void shake_hands(void)
{
	pass(1 * MS, false, packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN), 0, FAR);
	pass(11 * MS, true, packet(true, SEQ_B, 0, SEQ_A + 1, TCP_FLAG_SYN | A), 0, FAR);
	pass(21 * MS, false, packet(false, SEQ_A + 1, 0, SEQ_B + 1, A), 0, FAR);
}

const struct flow *only(void)
{
	const struct flow *flow = flows_next(flows, NULL);

	assert_int_equal(flows_judge(flows), 0);
	assert_non_null(flow);
	assert_null(flows_next(flows, flow));
	assert_ptr_equal(flows_find(flows, 1), flow);
	return flow;
}

struct vl_event datagram(bool back, uint64_t content)
{
	struct vl_event event = packet(back, 0, 20, 0, 0);

	event.flags |= VL_EV_PAYLOAD;
	event.payload = content;
	event.other.protocol = PROTO_UDP;
	event.other.ip_id = 0;
	event.other.mss = event.other.window = event.other.has_window = 0;
	return event;
}
