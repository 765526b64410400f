/* SPDX-License-Identifier: GPL-2.0-only */
/* flow_fixture.h - packets of a TCP connection and of UDP that pass the hooks of a lab. */
#ifndef VETHLAB_TESTS_UNIT_FLOW_FIXTURE_H
#define VETHLAB_TESTS_UNIT_FLOW_FIXTURE_H

#include "tests/unit/story_fixture.h"
#include "user/flow/flow.h"

enum { MS = 1000000, FAR = 4 };
#define SECOND (1000ull * MS)

#define A	 TCP_FLAG_ACK
#define SEQ_A	 0xffffff00u /* so that it wraps */
#define SEQ_B	 5000u
#define DATA(at) (SEQ_A + 1 + (at))

extern struct flows *flows;
extern uint16_t ip_id; /* of the next packet */
extern bool with_nat;

/* For TEST(). */
int flow_begin(void **state);
int flow_end(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_begin, flow_end)

struct vl_event packet(bool back, uint32_t seq, uint32_t bytes, uint32_t ack, uint8_t flags);
struct vl_event datagram(bool back, uint64_t content);
/* The packet passes so many hooks of its way, a millisecond after each other. */
void pass(uint64_t time_ns, bool back, struct vl_event event, unsigned from, unsigned to);
void drop(uint64_t time_ns, struct vl_event event, unsigned node, const char *reason);
/* SYN at 1, SYN-ACK at 11, ACK at 21 ms. */
void shake_hands(void);
/* Judge, and return the only flow. */
const struct flow *only(void);

#endif
