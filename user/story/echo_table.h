/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * echo_table.h - the echoes of a story, found by their aliases or by the time of their newest
 * record. Of the story's own files alone.
 */
#ifndef VETHLAB_USER_STORY_ECHO_TABLE_H
#define VETHLAB_USER_STORY_ECHO_TABLE_H

#include "user/story/acts.h"

/*
 * What an alias is made of: an echo has one by its payload, one for each id it was seen with, and
 * one for each of its packets that comes in fragments. What is no echo has one, by protocol,
 * addresses and, if the error quotes so much, ports; a packet that is no ICMP by its content.
 */
enum alias_kind { ALIAS_ID, ALIAS_PAYLOAD, ALIAS_PACKET, ALIAS_FLOW, ALIAS_CONTENT };

struct echo;

struct alias {
	struct alias *next;  /* in its bucket */
	struct alias *other; /* of the same echo */
	struct echo *echo;
	uint64_t value; /* id, payload, event_packet() or flow_value() */
	uint16_t seq;
	uint8_t family;
	uint8_t kind;
};

/* An itinerary and how it is found. Must start with the itinerary (story_forget). */
struct echo {
	struct itinerary itinerary;
	struct alias *aliases;
	struct echo *older, *newer; /* by newest record, for story_quiet */
	uint64_t payload;
	uint64_t newest_ns;
	bool has_payload;
	bool stale;	     /* records came since it was put in order */
	bool unnamed;	     /* only later fragments came: its id is not known */
	uint64_t loose_seen; /* loose.n_added when its acts were chosen last */
};

struct story {
	const struct lab *lab;
	const struct node *asker; /* of all echoes; NULL: not known */
	struct alias **buckets;
	size_t n_buckets, n_aliases, n_echoes;
	struct echo *oldest, *newest;
	struct loose_acts loose;
	char not_seen[STORY_NOT_SEEN_SIZE];
};

/*
 * Make the table of a story, which is empty. Returns 0 or -ENOMEM. echo_table_end() frees it with
 * its echoes, and may be called after a failure, too.
 */
int echo_table_start(struct story *story);
void echo_table_end(struct story *story);

/* The newest that has this key (value, seq, family, kind); NULL: none. */
struct alias *echo_table_find(const struct story *story, const struct alias *key);

/* The next one of the same key, which is older; NULL: none. */
struct alias *echo_table_next(const struct alias *alias);

/* Make an echo known by one key more. Returns 0 or -ENOMEM. */
int echo_table_add(struct story *story, struct echo *echo, struct alias key);

/* Put an echo in its place by newest_ns, or take it out of there. */
void echo_table_link(struct story *story, struct echo *echo);
void echo_table_unlink(struct story *story, struct echo *echo);

/* Take an echo out of the table and free it with its aliases. NULL is allowed. */
void echo_table_drop(struct story *story, struct echo *echo);

#endif
