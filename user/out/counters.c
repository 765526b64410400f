// SPDX-License-Identifier: GPL-2.0-only
/* counters.c - the one list of what is counted. */
#include <string.h>

#include "user/out/counters.h"

#define FIELD(name, words, super, row)                                                             \
	{                                                                                          \
		NULL, #name, words, offsetof(struct vl_counters, name), super, row                 \
	}
#define ICMP(group, name, words)                                                                   \
	{                                                                                          \
#group, #name, words, offsetof(struct vl_counters, group.name), false, true        \
	}
#define ICMP_GROUP(group, suffix)                                                                  \
	ICMP(group, echo_request, "echo request" suffix),                                          \
		ICMP(group, echo_reply, "echo reply" suffix),                                      \
		ICMP(group, unreachable, "unreachable" suffix),                                    \
		ICMP(group, time_exceeded, "time exceeded" suffix),                                \
		ICMP(group, redirect, "redirect" suffix),                                          \
		ICMP(group, nd, "neighbor discovery" suffix),                                      \
		ICMP(group, other, "other icmp" suffix)

const struct counter_field counter_fields[] = {
	FIELD(packets, "packets", true, false),
	FIELD(bytes, "bytes", true, false),
	FIELD(segments, "segments", false, false),
	FIELD(arp, "arp", false, true),
	FIELD(ipv4, "ipv4", true, false),
	FIELD(ipv6, "ipv6", true, false),
	FIELD(vlan, "vlan", true, true),
	FIELD(other, "other ethertypes", true, true),
	FIELD(fragments, "later fragments", false, true),
	FIELD(malformed, "malformed", false, true),
	FIELD(tcp, "tcp", true, true),
	FIELD(tcp_syn, "tcp syn", false, true),
	FIELD(tcp_fin, "tcp fin", true, true),
	FIELD(tcp_rst, "tcp rst", false, true),
	FIELD(udp, "udp", true, true),
	ICMP_GROUP(icmp4, ""),
	ICMP_GROUP(icmp6, " (v6)"),
};
const size_t n_counter_fields = sizeof(counter_fields) / sizeof(*counter_fields);

_Static_assert(sizeof(counter_fields) / sizeof(*counter_fields) ==
		       sizeof(struct vl_counters) / sizeof(__u64),
	       "a field of struct vl_counters has no name here");

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
				json_object_set_new(json, field->group, object);
			}
		}
		json_object_set_new(object, field->name,
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
