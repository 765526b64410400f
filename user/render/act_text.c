// SPDX-License-Identifier: GPL-2.0-only
/* act_text.c - what a node's stack did with a packet, as text and as an object. */
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "user/render/act_text.h"
#include "user/render/drop_text.h"
#include "user/render/itinerary_text.h"
#include "user/output/output.h"

enum { NAME_SIZE = 32 };

const char *act_word(const struct act *act)
{
	static const char *const words[VL_STACK_KINDS] = {
		[VL_STACK_DROP] = "drop",	  [VL_STACK_ROUTE] = "route",
		[VL_STACK_NEIGHBOR] = "neighbor", [VL_STACK_ICMP] = "icmp-error",
		[VL_STACK_LEARN] = "learned",	  [VL_STACK_LOOPBACK] = "loopback",
		[VL_STACK_DELIVER] = "delivered", [VL_STACK_QUESTION] = "question-drop"};

	return words[act->record.at.kind];
}

/* include/uapi/linux/rtnetlink.h, enum rt_class_t */
static const char *table_name(uint32_t table, char buf[NAME_SIZE])
{
	if (table >= 253 && table <= 255)
		return table == 253 ? "default" : table == 254 ? "main" : "local";
	snprintf(buf, NAME_SIZE, "%" PRIu32, table);
	return buf;
}

static const char *route_type(uint8_t type)
{
	static const char *const names[] = {[VL_ROUTE_UNICAST] = "unicast",
					    [VL_ROUTE_LOCAL] = "local",
					    [VL_ROUTE_NONE] = "none",
					    [VL_ROUTE_BLACKHOLE] = "blackhole",
					    [VL_ROUTE_UNREACHABLE] = "unreachable",
					    [VL_ROUTE_PROHIBIT] = "prohibit"};

	return type < sizeof(names) / sizeof(*names) ? names[type] : "unknown";
}

const char *act_refusal(uint8_t type)
{
	return type == VL_ROUTE_BLACKHOLE     ? "a blackhole route"
	       : type == VL_ROUTE_PROHIBIT    ? "a prohibit route"
	       : type == VL_ROUTE_UNREACHABLE ? "an unreachable route"
					      : "an error";
}

static const char *route_use(uint8_t use)
{
	static const char *const names[] = {[VL_ROUTE_FORWARD] = "forward",
					    [VL_ROUTE_SEND] = "send",
					    [VL_ROUTE_ANSWER] = "answer",
					    [VL_ROUTE_SOURCE] = "source-check"};

	return use < sizeof(names) / sizeof(*names) ? names[use] : "unknown";
}

static const char *news_name(uint8_t news)
{
	static const char *const names[] = {[VL_NEIGHBOR_ASKED] = "asked",
					    [VL_NEIGHBOR_AGAIN] = "asked",
					    [VL_NEIGHBOR_FAILED] = "failed",
					    [VL_NEIGHBOR_ANSWERED] = "answered",
					    [VL_NEIGHBOR_LEARNED] = "learned"};

	return news < sizeof(names) / sizeof(*names) ? names[news] : "unknown";
}

const char *act_next(const struct vl_stack *record, char buf[IP_TEXT_SIZE])
{
	struct ip_addr addr = {.family = record->next_family == 6 ? AF_INET6 : AF_INET};

	memcpy(addr.bytes, record->next, record->next_family == 6 ? 16 : 4);
	return ip_format(&addr, buf, IP_TEXT_SIZE);
}

static void format_mac(const struct vl_stack *record, char buf[NAME_SIZE])
{
	const uint8_t *m = record->mac;

	snprintf(buf, NAME_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
}

static void route_text(const struct vl_stack *r, char buf[ACT_TEXT_SIZE])
{
	struct ip_addr to = event_destination(&r->at.packet);
	char dst[IP_TEXT_SIZE], via[IP_TEXT_SIZE], table[NAME_SIZE];
	const char *lead = r->what == VL_ROUTE_ANSWER	? "route back to"
			   : r->what == VL_ROUTE_SOURCE ? "source checked, route to"
							: "route to";
	size_t len;

	ip_format(&to, dst, sizeof(dst));
	len = snprintf(buf, ACT_TEXT_SIZE, "%s %s: ", lead, dst);
	if (r->error) {
		snprintf(buf + len, ACT_TEXT_SIZE - len, "%s in table %s",
			 r->code == VL_ROUTE_NONE ? "none" : act_refusal(r->code),
			 table_name(r->table, table));
		return;
	}
	len += snprintf(buf + len, ACT_TEXT_SIZE - len, "%s, ", table_name(r->table, table));
	if (r->code == VL_ROUTE_LOCAL) {
		snprintf(buf + len, ACT_TEXT_SIZE - len, "local");
		return;
	}
	if (r->next_family) {
		act_next(r, via);
		len += snprintf(buf + len, ACT_TEXT_SIZE - len, "via %s ", via);
	}
	snprintf(buf + len, ACT_TEXT_SIZE - len, "dev %.16s", r->name);
}

static void neighbor_text(const struct act *act, char buf[ACT_TEXT_SIZE])
{
	const struct vl_stack *r = &act->record;
	const char *how = r->next_family == 6 ? "ND" : "ARP";
	char addr[IP_TEXT_SIZE], mac[NAME_SIZE], time[OUTPUT_NUMBER_SIZE], times[NAME_SIZE] = "";
	size_t len;

	act_next(r, addr);
	format_mac(r, mac);
	if (act->asked > 1)
		snprintf(times, sizeof(times), " %u times", act->asked);
	len = snprintf(buf, ACT_TEXT_SIZE, "neighbor %s on %.16s: ", addr, r->name);
	buf += len;
	len = ACT_TEXT_SIZE - len;
	switch (r->what) {
	case VL_NEIGHBOR_ANSWERED:
		if (act->took_ns)
			snprintf(buf, len, "asked%s (%s), answered %s in %s", times, how, mac,
				 output_duration(act->took_ns, time));
		else
			snprintf(buf, len, "answered %s (%s)", mac, how);
		break;
	case VL_NEIGHBOR_LEARNED:
		snprintf(buf, len, "learned %s (%s)", mac, how);
		break;
	case VL_NEIGHBOR_FAILED:
		snprintf(buf, len, "asked%s (%s), nobody answered", times, how);
		break;
	default:
		snprintf(buf, len, "asked%s (%s)", times, how);
		break;
	}
}

const char *act_question_word(const struct vl_stack *record)
{
	bool answers = record->what == VL_QUESTION_ANSWERS;

	if (record->next_family == 6)
		return answers ? "advertisement" : "solicitation";
	return answers ? "ARP reply" : "ARP request";
}

const char *act_question_text(const struct act *act, char buf[ACT_TEXT_SIZE])
{
	const char *meaning = drop_explain(act->reason, act->function);

	snprintf(buf, ACT_TEXT_SIZE, "the %s died in %s, %s%s%s%s%s",
		 act_question_word(&act->record), act->node->name, act->reason,
		 act->function[0] ? " in " : "", act->function, meaning ? ": " : "",
		 meaning ? meaning : "");
	return buf;
}

static void error_text(const struct vl_stack *r, char buf[ACT_TEXT_SIZE])
{
	struct ip_addr s = event_source(&r->at.packet), d = event_destination(&r->at.packet);
	char text[ICMP_TEXT_SIZE], src[IP_TEXT_SIZE], dst[IP_TEXT_SIZE];

	/* The MTU that it will tell is not known here. */
	if (r->what == 3 && r->code == 4)
		snprintf(text, sizeof(text), "fragmentation needed");
	else
		icmp_text(4, r->what, r->code, 0, text);
	snprintf(buf, ACT_TEXT_SIZE, "makes an ICMP error: %s, quoting %s > %s", text,
		 ip_format(&s, src, sizeof(src)), ip_format(&d, dst, sizeof(dst)));
}

const char *act_text(const struct act *act, char buf[ACT_TEXT_SIZE])
{
	const struct vl_stack *r = &act->record;
	char mac[NAME_SIZE], addr[IP_TEXT_SIZE];

	buf[0] = 0;
	switch (r->at.kind) {
	case VL_STACK_ROUTE:
		route_text(r, buf);
		break;
	case VL_STACK_NEIGHBOR:
		neighbor_text(act, buf);
		break;
	case VL_STACK_ICMP:
		error_text(r, buf);
		break;
	case VL_STACK_LEARN:
		format_mac(r, mac);
		snprintf(buf, ACT_TEXT_SIZE, "learns that %s is at %.16s", mac, r->name);
		break;
	case VL_STACK_LOOPBACK:
		snprintf(buf, ACT_TEXT_SIZE, "came back over %.16s",
			 r->name[0] ? r->name : "the loopback device");
		break;
	case VL_STACK_QUESTION:
		snprintf(buf, ACT_TEXT_SIZE, "dropped the %s for %s: %s%s%s", act_question_word(r),
			 act_next(r, addr), act->reason, act->function[0] ? ", in " : "",
			 act->function);
		break;
	case VL_STACK_DELIVER:
		if (r->pid)
			snprintf(buf, ACT_TEXT_SIZE, "delivered to %.16s (process %" PRIu32 ")",
				 r->name, r->pid);
		else if (r->name[0] && r->at.packet.end == VL_NO_END)
			snprintf(buf, ACT_TEXT_SIZE, "delivered to the node's ICMP, by %.16s",
				 r->name);
		else
			snprintf(buf, ACT_TEXT_SIZE, "delivered to the node's ICMP");
		break;
	}
	return buf;
}

void act_print(const struct event_layout *layout, const struct act *act, FILE *f)
{
	const struct vl_event *packet = &act->record.at.packet;
	uint64_t at = packet->time_ns > layout->zero_ns ? packet->time_ns - layout->zero_ns : 0;
	char text[ACT_TEXT_SIZE];

	output_print(f, "%2" PRIu64 ".%09" PRIu64 " %-*s %s", at / 1000000000, at % 1000000000,
		     layout->end_width, act->node->name, act_text(act, text));
	if (packet->flags & VL_EV_LOOSE)
		fputc('\n', f);
	else if (event_protocol(packet))
		fprintf(f, " (%s)\n", event_word(packet));
	else
		fprintf(f, " (id %u seq %u)\n",
			packet->flags & VL_EV_QUOTED ? packet->quote.id : packet->id,
			packet->flags & VL_EV_QUOTED ? packet->quote.seq : packet->seq);
}

/* What only one kind has. */
static void put_route(struct json_writer *writer, const struct vl_stack *record)
{
	struct ip_addr to = event_destination(&record->at.packet);
	char addr[IP_TEXT_SIZE];

	json_put_text(writer, "use", route_use(record->what));
	json_put_text(writer, "to", ip_format(&to, addr, sizeof(addr)));
	json_put_number(writer, "table", record->table);
	json_put_text(writer, "type", route_type(record->code));
	if (record->next_family)
		json_put_text(writer, "via", act_next(record, addr));
	if (record->error)
		json_put_signed(writer, "error", record->error);
}

static void put_neighbor(struct json_writer *writer, const struct act *act)
{
	char addr[IP_TEXT_SIZE], mac[NAME_SIZE];

	json_put_text(writer, "neighbor", act_next(&act->record, addr));
	json_put_text(writer, "news", news_name(act->record.what));
	if (act->asked)
		json_put_number(writer, "asked", act->asked);
	if (act->took_ns)
		json_put_number(writer, "took_ns", act->took_ns);
	if (act->record.what >= VL_NEIGHBOR_ANSWERED) {
		format_mac(&act->record, mac);
		json_put_text(writer, "mac", mac);
	}
}

static void put_question(struct json_writer *writer, const struct act *act)
{
	char addr[IP_TEXT_SIZE];

	json_put_text(writer, "neighbor", act_next(&act->record, addr));
	json_put_text(writer, "question", act_question_word(&act->record));
	json_put_text(writer, "reason", act->reason);
	json_put_text(writer, "function", act->function);
	if (act->asked)
		json_put_number(writer, "drops", act->asked);
}

/* Whose packet it is, where that is known; what is no ICMP has no id. */
static void put_packet(struct json_writer *writer, const struct act *act)
{
	const struct vl_event *packet = &act->record.at.packet;
	bool quoted = packet->flags & VL_EV_QUOTED;

	if (!event_protocol(packet) && (packet->flags & VL_EV_LOOSE))
		return;
	json_put_text(writer, "leg", leg_name(act->leg));
	if (event_protocol(packet))
		return;
	json_put_number(writer, "id", quoted ? packet->quote.id : packet->id);
	json_put_number(writer, "seq", quoted ? packet->quote.seq : packet->seq);
}

static void put_act(struct json_writer *writer, const struct act *act)
{
	const struct vl_stack *record = &act->record;
	char text[ACT_TEXT_SIZE], mac[NAME_SIZE];

	json_put_number(writer, "time_ns", record->at.packet.time_ns);
	json_put_number(writer, "at_ns", act->at_ns);
	json_put_text(writer, "node", act->node->name);
	json_put_text(writer, "kind", act_word(act));
	json_put_text(writer, "text", act_text(act, text));
	json_put_number(writer, "cpu", record->at.packet.cpu);
	json_put_bool(writer, "before", act->before);
	put_packet(writer, act);
	if (record->name[0])
		json_put_text(writer,
			      record->at.kind == VL_STACK_DELIVER && record->pid ? "process"
										 : "device",
			      record->name);
	if (record->at.kind == VL_STACK_ROUTE) {
		put_route(writer, record);
	} else if (record->at.kind == VL_STACK_NEIGHBOR) {
		put_neighbor(writer, act);
	} else if (record->at.kind == VL_STACK_QUESTION) {
		put_question(writer, act);
	} else if (record->at.kind == VL_STACK_ICMP) {
		json_put_number(writer, "icmp_type", record->what);
		json_put_number(writer, "icmp_code", record->code);
	} else if (record->at.kind == VL_STACK_LEARN) {
		format_mac(record, mac);
		json_put_text(writer, "mac", mac);
	} else if (record->pid) {
		json_put_number(writer, "pid", record->pid);
	}
}

void act_write_json(const struct act *act, const char *schema, FILE *f)
{
	struct json_writer writer;

	json_writer_line(&writer, f);
	json_put_text(&writer, "schema", schema);
	put_act(&writer, act);
	json_writer_finish(&writer);
}

json_t *act_json(const struct act *act)
{
	struct json_writer writer;

	json_writer_tree(&writer);
	put_act(&writer, act);
	return json_writer_finish(&writer);
}
