// SPDX-License-Identifier: GPL-2.0-only
/* counter_fields.c - the one list of what is counted. */
#include <stdio.h>
#include <string.h>

#include "user/ledger/counter_fields.h"
#include "user/output/output.h"

/* clang-format off */
#define FIELD(name, words, super, role)                                                            \
	{ NULL, #name, words, offsetof(struct vl_counters, name), super, role }
#define ICMP(group, name, words)                                                                   \
	{ #group, #name, words, offsetof(struct vl_counters, group.name), false, COUNTER_TYPE }
/* clang-format on */
#define ICMP_GROUP(group, suffix)                                                                  \
	ICMP(group, echo_request, "echo request" suffix),                                          \
		ICMP(group, echo_reply, "echo reply" suffix),                                      \
		ICMP(group, unreachable, "unreachable" suffix),                                    \
		ICMP(group, time_exceeded, "time exceeded" suffix),                                \
		ICMP(group, redirect, "redirect" suffix),                                          \
		ICMP(group, nd, "neighbor discovery" suffix),                                      \
		ICMP(group, other, "other icmp" suffix)

const struct counter_field counter_fields[] = {
	FIELD(packets, "packets", true, COUNTER_AMOUNT),
	FIELD(bytes, "bytes", true, COUNTER_AMOUNT),
	FIELD(segments, "segments", false, COUNTER_AMOUNT),
	FIELD(arp, "arp", false, COUNTER_TYPE),
	FIELD(ipv4, "ipv4", true, COUNTER_FAMILY),
	FIELD(ipv6, "ipv6", true, COUNTER_FAMILY),
	FIELD(vlan, "vlan", true, COUNTER_TYPE),
	FIELD(other, "other ethertypes", true, COUNTER_TYPE),
	FIELD(fragments, "later fragments", false, COUNTER_TYPE),
	FIELD(malformed, "malformed", false, COUNTER_TYPE),
	FIELD(tcp, "tcp", true, COUNTER_TYPE),
	FIELD(tcp_syn, "tcp syn", false, COUNTER_PART),
	FIELD(tcp_fin, "tcp fin", true, COUNTER_PART),
	FIELD(tcp_rst, "tcp rst", false, COUNTER_PART),
	FIELD(udp, "udp", true, COUNTER_TYPE),
	ICMP_GROUP(icmp4, ""),
	ICMP_GROUP(icmp6, " (v6)"),
};
const size_t n_counter_fields = sizeof(counter_fields) / sizeof(*counter_fields);

_Static_assert(sizeof(counter_fields) / sizeof(*counter_fields) ==
		       sizeof(struct vl_counters) / sizeof(__u64),
	       "a field of struct vl_counters has no name here");

const struct counter_field *counter_find(const char *name)
{
	for (size_t i = 0; i < n_counter_fields; i++)
		if (!counter_fields[i].group && !strcmp(counter_fields[i].name, name))
			return &counter_fields[i];
	return NULL;
}

const char *counter_key(const struct counter_field *field, char buf[COUNTER_KEY_SIZE])
{
	snprintf(buf, COUNTER_KEY_SIZE, "%s%s%s", field->group ? field->group : "",
		 field->group ? "." : "", field->name);
	return buf;
}

static uint64_t *field_of(struct vl_counters *counters, const struct counter_field *field)
{
	return (uint64_t *)((char *)counters + field->offset);
}

void counters_add(struct vl_counters *sum, const struct vl_counters *more)
{
	for (size_t i = 0; i < n_counter_fields; i++)
		*field_of(sum, &counter_fields[i]) += counter_get(more, &counter_fields[i]);
}

void counters_subtract(struct vl_counters *now, const struct vl_counters *since)
{
	for (size_t i = 0; i < n_counter_fields; i++) {
		uint64_t *value = field_of(now, &counter_fields[i]);
		uint64_t before = counter_get(since, &counter_fields[i]);

		*value = *value > before ? *value - before : 0;
	}
}

static uint64_t icmp_sum(const struct vl_icmp_counters *icmp)
{
	return icmp->echo_request + icmp->echo_reply + icmp->unreachable + icmp->time_exceeded +
	       icmp->redirect + icmp->nd + icmp->other;
}

uint64_t counters_other_ip(const struct vl_counters *counters)
{
	uint64_t ip = counters->ipv4 + counters->ipv6;
	uint64_t told = counters->fragments + counters->malformed + counters->tcp + counters->udp +
			icmp_sum(&counters->icmp4) + icmp_sum(&counters->icmp6);

	return ip > told ? ip - told : 0;
}

static uint64_t less(uint64_t sent, uint64_t received)
{
	return sent > received ? sent - received : 0;
}

uint64_t counters_missing(const struct vl_counters *sent, const struct vl_counters *received)
{
	uint64_t n = less(counters_other_ip(sent), counters_other_ip(received));

	for (size_t i = 0; i < n_counter_fields; i++)
		if (counter_fields[i].role == COUNTER_TYPE)
			n += less(counter_get(sent, &counter_fields[i]),
				  counter_get(received, &counter_fields[i]));
	return n;
}

uint64_t counters_housekeeping(const struct vl_counters *counters)
{
	return counters->arp + counters->icmp6.nd + counters->icmp6.other;
}

json_t *counters_to_json(const struct vl_counters *counters)
{
	json_t *json = json_object();

	for (size_t i = 0; i < n_counter_fields; i++) {
		const struct counter_field *field = &counter_fields[i];
		json_t *object = json;

		if (field->group) {
			object = json_object_get(json, field->group);
			if (!object) {
				object = json_object();
				output_json_set(json, field->group, object);
			}
		}
		output_json_set(object, field->name,
				json_integer((json_int_t)counter_get(counters, field)));
	}
	return json;
}

bool counters_from_json(const json_t *json, struct vl_counters *counters)
{
	if (!json_is_object(json))
		return false;
	memset(counters, 0, sizeof(*counters));
	for (size_t i = 0; i < n_counter_fields; i++) {
		const struct counter_field *field = &counter_fields[i];
		const json_t *object = field->group ? json_object_get(json, field->group) : json;
		const json_t *value = json_object_get(object, field->name);

		if (!value)
			continue;
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return false;
		*field_of(counters, field) = (uint64_t)json_integer_value(value);
	}
	return true;
}
