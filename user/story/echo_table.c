// SPDX-License-Identifier: GPL-2.0-only
/* echo_table.c - the echoes of a story: by what they are known by, and by their newest record. */
#include "user/story/echo_table.h"

#include <errno.h>
#include <stdlib.h>

#include "user/base/hash.h"

enum { BUCKETS_MIN = 64 };

static size_t alias_bucket(const struct story *story, const struct alias *key)
{
	uint64_t hash = hash_mix(HASH_START, key->value);

	hash = hash_mix(hash, (uint64_t)key->seq << 16 | key->family << 8 | key->kind);
	return hash_fold(hash, story->n_buckets);
}

static struct alias *first_like(struct alias *a, const struct alias *key)
{
	for (; a; a = a->next)
		if (a->value == key->value && a->seq == key->seq && a->family == key->family &&
		    a->kind == key->kind)
			return a;
	return NULL;
}

struct alias *echo_table_find(const struct story *story, const struct alias *key)
{
	return first_like(story->buckets[alias_bucket(story, key)], key);
}

struct alias *echo_table_next(const struct alias *alias)
{
	return first_like(alias->next, alias);
}

static int buckets_grow(struct story *story)
{
	size_t old = story->n_buckets;
	struct alias **buckets = calloc(2 * old, sizeof(*buckets));
	struct alias **was = story->buckets;

	if (!buckets)
		return -ENOMEM;
	story->buckets = buckets;
	story->n_buckets = 2 * old;
	for (size_t i = 0; i < old; i++) {
		for (struct alias *a = was[i], *next; a; a = next) {
			size_t b = alias_bucket(story, a);

			next = a->next;
			a->next = buckets[b];
			buckets[b] = a;
		}
	}
	free(was);
	return 0;
}

/* Newer aliases stand before older ones of the same key, so the last echo wins. */
int echo_table_add(struct story *story, struct echo *echo, struct alias key)
{
	struct alias *a;
	size_t b;

	if (story->n_aliases >= story->n_buckets && buckets_grow(story))
		return -ENOMEM;
	a = malloc(sizeof(*a));
	if (!a)
		return -ENOMEM;
	*a = key;
	b = alias_bucket(story, a);
	a->next = story->buckets[b];
	story->buckets[b] = a;
	a->echo = echo;
	a->other = echo->aliases;
	echo->aliases = a;
	story->n_aliases++;
	return 0;
}

static void alias_remove(struct story *story, struct alias *alias)
{
	struct alias **p = &story->buckets[alias_bucket(story, alias)];

	while (*p != alias)
		p = &(*p)->next;
	*p = alias->next;
	free(alias);
	story->n_aliases--;
}

void echo_table_unlink(struct story *story, struct echo *echo)
{
	*(echo->older ? &echo->older->newer : &story->oldest) = echo->newer;
	*(echo->newer ? &echo->newer->older : &story->newest) = echo->older;
	echo->older = echo->newer = NULL;
}

/* Put an echo in its place by newest_ns. Records come almost in order: the place is near the end.
 */
void echo_table_link(struct story *story, struct echo *echo)
{
	struct echo *before = story->newest;

	while (before && before->newest_ns > echo->newest_ns)
		before = before->older;
	echo->older = before;
	echo->newer = before ? before->newer : story->oldest;
	*(before ? &before->newer : &story->oldest) = echo;
	*(echo->newer ? &echo->newer->older : &story->newest) = echo;
}

void echo_table_drop(struct story *story, struct echo *echo)
{
	if (!echo)
		return;
	for (struct alias *a = echo->aliases, *other; a; a = other) {
		other = a->other;
		alias_remove(story, a);
	}
	echo_table_unlink(story, echo);
	story->n_echoes--;
	free(echo->itinerary.hops);
	free(echo->itinerary.fragments);
	free(echo->itinerary.drops);
	free(echo->itinerary.acts);
	free(echo->itinerary.queued);
	free(echo);
}

int echo_table_start(struct story *story)
{
	story->n_buckets = BUCKETS_MIN;
	story->buckets = calloc(BUCKETS_MIN, sizeof(*story->buckets));
	return story->buckets ? 0 : -ENOMEM;
}

void echo_table_end(struct story *story)
{
	while (story->oldest)
		echo_table_drop(story, story->oldest);
	free(story->buckets);
}
