/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * itinerary_text.h - the itinerary of one echo, as text and JSON. Its hops are in order and its
 * fate is judged, as story_itinerary() gives it.
 */
#ifndef VETHLAB_USER_RENDER_ITINERARY_TEXT_H
#define VETHLAB_USER_RENDER_ITINERARY_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "user/story/story.h"

/* "0.008 s: 10.1.1.2 > 10.1.1.1 id 7 seq 1: answered by blue in 18.5 us" */
void itinerary_print_title(const struct itinerary *itinerary, uint64_t zero_ns, FILE *f);
/*
 * One line a hop: leg, time since the first hop, end, hook, and what the step was. Of an echo
 * without an answer, a line for each look-up and neighbor that failed, too.
 */
void itinerary_print(const struct itinerary *itinerary, FILE *f);
/* The same with all that the stacks of the nodes did between the hops. */
void itinerary_print_all(const struct itinerary *itinerary, FILE *f);
/*
 * The end of an echo without an answer, as a sentence (fate_text.c): the cause, or the drop, or
 * where it was seen last and what could not be seen.
 */
enum { FATE_TEXT_SIZE = 768 };
const char *itinerary_fate_text(const struct itinerary *itinerary, char buf[FATE_TEXT_SIZE]);
/* Without what could not be seen: the same for all echoes that end in the same way. */
const char *itinerary_end_text(const struct itinerary *itinerary, char buf[FATE_TEXT_SIZE]);
void itinerary_print_fate(const struct itinerary *itinerary, FILE *f);
/*
 * The look-up or the neighbor that failed and ended it: "b has no route back to 10.0.1.1: reply
 * dropped in b", "arp: nobody answered for 10.0.3.77 on r2:e0". False: none did, or it was
 * answered.
 */
bool itinerary_cause(const struct itinerary *itinerary, char *buf, size_t size);
/* Where the question for a neighbor died, or its answer; NULL: no node was seen to drop it. */
const struct act *itinerary_question(const struct itinerary *itinerary, const struct act *neighbor);
/* Of one that died of a drop: who dropped it and why, and who dropped the ICMP error about that. */
const char *itinerary_drop_text(const struct itinerary *itinerary, char buf[FATE_TEXT_SIZE]);
/*
 * "arp: nobody answered for 10.0.0.2 on a:eth0; the ARP request died in sw, ...". False: no
 * question without an answer ended it, or no node was seen to drop one.
 */
bool itinerary_unanswered_text(const struct itinerary *itinerary, char *buf, size_t size);
/* Without a schema tag: it stands in another document. */
json_t *itinerary_json(const struct itinerary *itinerary);

const char *leg_name(enum leg leg);
/* The same of a record; of a packet that is no ICMP: "packet". */
const char *event_leg_name(const struct vl_event *event, enum leg leg);
const char *fate_name(enum fate fate);

#endif
