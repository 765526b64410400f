/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * timing.h - how long echoes took on links, in nodes and there and back, and what became of them:
 * the part of a snapshot that `stats --time` reads.
 */
#ifndef VETHLAB_USER_LEDGER_TIMING_H
#define VETHLAB_USER_LEDGER_TIMING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "topology/model.h"
#include "user/watch/echo_times.h"

/* The arrays have an entry for each end, by its number; enum watch_time says what the kinds are. */
struct timing {
	size_t n_ends;
	struct vl_times *times[WATCH_TIMES];
	struct watch_echo *echo;
};

/* All zero. NULL: no memory. */
struct timing *timing_new(size_t n_ends);
struct timing *timing_copy(const struct timing *timing);
void timing_free(struct timing *timing); /* NULL is allowed */

/*
 * Subtract since from now. The least and the largest time of the rest are known to one bin (3 %).
 * `waiting` is the state at the time of reading: it stays as it is.
 */
void timing_subtract(struct timing *now, const struct timing *since);
/* Add more to sum; `waiting` of sum stays as it is. */
void timing_add(struct timing *sum, const struct timing *more);

/* "transit", "residence", "echo_rtt" */
const char *timing_kind_name(enum watch_time kind);

enum echo_role {
	ECHO_COUNTER,
	ECHO_REST,   /* requests without an answer so far: may fall when a late reply comes */
	ECHO_MOMENT, /* the state at the time of reading: never subtracted or added */
};

/* The fields of struct watch_echo by name, so that every format writes all of them. */
struct echo_field {
	const char *name;  /* "answered" */
	const char *words; /* "answered too late" */
	size_t offset;
	enum echo_role role;
};
extern const struct echo_field echo_fields[];
extern const size_t n_echo_fields;
static inline uint64_t echo_get(const struct watch_echo *echo, const struct echo_field *field)
{
	return *(const uint64_t *)((const char *)echo + field->offset);
}

/* {"kind": "transit", "end": "a:x", ..., "bins": [[from_ns, below_ns, count], ...]} */
json_t *timing_times_to_json(const struct timing *timing, enum watch_time kind,
			     const struct end *end);
json_t *timing_echo_to_json(const struct timing *timing, const struct end *end);
/* The reverse of both, into the end that json names. False: json is no such object. */
bool timing_times_from_json(struct timing *timing, const struct lab *lab, const json_t *json);
bool timing_echo_from_json(struct timing *timing, const struct lab *lab, const json_t *json);

#endif
