/* SPDX-License-Identifier: GPL-2.0-only */
/* story_fixture.h - a lab, records of echoes in it, and stories spelt as one line. */
#ifndef VETHLAB_TESTS_UNIT_STORY_FIXTURE_H
#define VETHLAB_TESTS_UNIT_STORY_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "user/story/story.h"

/* a:x -- r:w, r:e -- b:y, and br: a bridge of three ports to c, d, e; a:k -- b:k past r. */
enum { A_X, R_W, R_E, B_Y, BR_0, C_Z, BR_1, D_Z, BR_2, E_Z, A_K, B_K, END_COUNT };
/* Nodes, in the order of the lab. */
enum { NODE_A, NODE_R, NODE_B, NODE_BR, NODE_C, NODE_D, NODE_E };

extern struct lab *lab;

/* For cmocka_run_group_tests(). */
int story_setup(void **state);
int story_teardown(void **state);

/* A record of echo 7, seq 1, payload 0x1122334455667788. */
struct vl_event record(uint64_t time_ns, unsigned end, enum vl_hook hook, uint8_t type, uint8_t ttl,
		       const char *src, const char *dst);
#define REQ(t, end, hook, ttl) record(t, end, hook, 8, ttl, "10.0.1.1", "10.0.2.1")
#define REP(t, end, hook, ttl) record(t, end, hook, 0, ttl, "10.0.2.1", "10.0.1.1")
/* An ICMP error about it. */
struct vl_event error_record(uint64_t time_ns, unsigned end, enum vl_hook hook, uint8_t type,
			     uint8_t code, const char *src, const char *dst);
/* A TCP segment from a to b: data of a connection without timestamps, unless the test changes it.
 */
struct vl_event segment(uint64_t time_ns, unsigned end, enum vl_hook hook, uint8_t ttl,
			uint32_t seq, uint32_t bytes);
/* A datagram from a to b of 20 bytes, without an IP identification. */
struct vl_event datagram_record(uint64_t time_ns, unsigned end, enum vl_hook hook, uint8_t ttl);
/* The story of records of packets, which must be so many itineraries. The caller frees it. */
struct story *story_of(const struct vl_event *events, size_t n, size_t itineraries);
/* The packet whose newest record is the oldest. */
const struct itinerary *first_of(struct story *story);
/* a asks b over the router r, and gets an answer. */
void fill_routed(struct vl_event e[9]);
extern const char routed_story[];

/* An itinerary as some words a hop, to compare whole stories at once. */
const char *spell(const struct itinerary *it, char *buf, size_t size);
/* Each record must be taken. The itinerary of echo 7, seq 1. */
const struct itinerary *tell(struct story *story, const struct vl_event *events, size_t n);
#define TELL(story, events) tell(story, events, sizeof(events) / sizeof(*(events)))
void assert_story(const struct itinerary *it, const char *expected);

#endif
