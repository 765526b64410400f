/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * counter_fields.h - the fields of struct vl_counters by name, so that every format writes all of
 * them and none has a list of its own.
 */
#ifndef VETHLAB_USER_LEDGER_COUNTER_FIELDS_H
#define VETHLAB_USER_LEDGER_COUNTER_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"

enum counter_role {
	COUNTER_AMOUNT, /* packets, bytes, segments */
	COUNTER_FAMILY, /* ipv4, ipv6: sums over types */
	COUNTER_TYPE, /* packets of one type: all types, with counters_other_ip(), are `packets` */
	COUNTER_PART, /* packets that the last type before it counts too: a SYN is tcp */
};

struct counter_field {
	const char *group; /* "icmp4", "icmp6", or NULL */
	const char *name;  /* as in struct vl_counters */
	const char *words; /* for people: "echo request (v6)" */
	size_t offset;
	/* Counts skbs, which may be super-packets: two hooks may differ although nothing is lost.
	 */
	bool super;
	enum counter_role role;
};

extern const struct counter_field counter_fields[];
extern const size_t n_counter_fields;

/* The field of that name that is in no group; NULL: there is none. */
const struct counter_field *counter_find(const char *name);

/* "tcp", "icmp4.echo_request". Returns buf. */
enum { COUNTER_KEY_SIZE = 48 };
const char *counter_key(const struct counter_field *field, char buf[COUNTER_KEY_SIZE]);

static inline uint64_t counter_get(const struct vl_counters *counters,
				   const struct counter_field *field)
{
	return *(const uint64_t *)((const char *)counters + field->offset);
}

/* sum += more, field by field. */
void counters_add(struct vl_counters *sum, const struct vl_counters *more);
/* now -= since, field by field; a field that went backwards (a reset in between) becomes 0. */
void counters_subtract(struct vl_counters *now, const struct vl_counters *since);
/* IP packets of no type that has a field: SCTP, IGMP, ... */
uint64_t counters_other_ip(const struct vl_counters *counters);
/* Packets that are missing, type by type: more of one type do not make up for less of another. */
uint64_t counters_missing(const struct vl_counters *sent, const struct vl_counters *received);

/*
 * Packets by which nodes keep a link going by themselves: ARP, neighbor discovery and router
 * solicitations (icmp6.nd), and what else ICMPv6 has beside echoes and errors, such as MLD reports.
 */
uint64_t counters_housekeeping(const struct vl_counters *counters);

/* {"packets": 1, ..., "icmp4": {...}, "icmp6": {...}} */
json_t *counters_to_json(const struct vl_counters *counters);
/* The reverse; missing fields become 0. False: json is no such object. */
bool counters_from_json(const json_t *json, struct vl_counters *counters);

#endif
