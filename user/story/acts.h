/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * acts.h - what the stacks of nodes did for an echo, in order with its hops. A private header of
 * the story room.
 */
#ifndef VETHLAB_USER_STORY_ACTS_H
#define VETHLAB_USER_STORY_ACTS_H

#include "user/story/story.h"

/* A record whose packet the kernel does not tell (VL_EV_LOOSE). */
struct loose_act {
	struct vl_stack record;
	const struct itinerary *taken_by; /* the look-up of one packet serves no other */
	char reason[48], function[48];	  /* QUESTION; else "" */
};

/* A ring of the newest of them. */
struct loose_acts {
	struct loose_act *list; /* owned; NULL until there is one */
	size_t n, next;
	uint64_t n_added;
};

/* Copies the record with its names; the oldest one makes room. Returns 0 or -ENOMEM. */
int loose_add(struct loose_acts *loose, const struct vl_stack *record, const char *reason,
	      const char *function);
/* Add an act whose packet is known; copied. Returns 0 or -ENOMEM. */
int itinerary_add_act(struct itinerary *itinerary, const struct act *act);
/*
 * Choose those of the loose acts that belong to an echo, and put all of its acts in order. Its hops
 * are in order and its fate is judged before. Returns 0 or -ENOMEM.
 */
int itinerary_join(struct itinerary *itinerary, struct loose_acts *loose, const struct lab *lab);

/* Of one echo, in order of time (acts_merge.c): a record that was delivered twice is one act. */
void acts_drop_duplicates(struct itinerary *itinerary);
/*
 * One act for all that was done about one neighbour: the last news, and how it came. Recordings of
 * old have no count of the questions: then those are counted that were told.
 */
void acts_merge_neighbors(struct itinerary *itinerary);
/* The same look-up in another table right after a failed one: only the last counts. */
void acts_merge_tables(struct itinerary *itinerary);

/* CLOCK_MONOTONIC. */
uint64_t act_time(const struct act *act);
/* Whether it is about a question for a neighbour that the node itself sent. */
bool act_is_asking(const struct vl_stack *record);
/* Whether a packet was dropped for want of a neighbour's address. */
bool drop_had_no_neighbor(const struct drop *drop);
/*
 * Add what was done about the neighbours that packets of the echo wait for (queued_packets.c): an
 * act a record, to be put in order and merged. Returns 0 or -ENOMEM.
 */
int itinerary_add_queued(struct itinerary *itinerary, const struct loose_acts *loose);
/*
 * Once that is done: add the drops of questions for neighbours that did not answer (questions.c),
 * one a node, part and reason. Returns 0 or -ENOMEM.
 */
int itinerary_add_questions(struct itinerary *itinerary, const struct loose_acts *loose,
			    const struct lab *lab);
/* Set FATE_WAITING and what belongs to it, if the newest packet waits. Acts are in order. */
void itinerary_judge_waiting(struct itinerary *itinerary);

#endif
