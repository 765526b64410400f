// SPDX-License-Identifier: GPL-2.0-only
/* drop_text.c - why a node's stack dropped a packet, in words; and what is not known of drops. */
#include <inttypes.h>

#include "user/base/drop_causes.h"
#include "user/output/output.h"
#include "user/render/drop_text.h"
#include "user/render/event_text.h"
#include "user/render/itinerary_text.h"

const char *drop_explain(const char *reason, const char *function)
{
	return drop_classify(reason, function).meaning;
}

void drop_sentence(const struct drop *drop, char *buf, size_t size)
{
	struct drop_cause cause = drop_is_multicast(drop)
					  ? drop_classify_multicast(drop->reason, drop->function)
					  : drop_classify(drop->reason, drop->function);
	const char *what = event_is_redirect(&drop->record.packet) ? "redirect"
			   : drop->leg == LEG_ERROR		   ? "ICMP error"
			   : drop->record.packet.flags & VL_EV_FLOW
				   ? "packet"
				   : event_leg_name(&drop->record.packet, drop->leg);

	if (cause.meaning)
		snprintf(buf, size, "%s dropped the %s: %s", drop->node->name, what, cause.meaning);
	else
		snprintf(buf, size, "%s dropped the %s: %s%s%s", drop->node->name, what,
			 drop->reason, drop->function[0] ? ", in " : "", drop->function);
}

const char *drop_place(const struct drop *drop, const struct lab *lab)
{
	uint32_t end = drop->record.packet.end;

	return end < lab_n_ends(lab) ? lab_end(lab, end)->name : drop->node->name;
}

void drop_print(const struct event_layout *layout, const struct drop *drop, const struct lab *lab,
		FILE *f)
{
	const struct vl_event *packet = &drop->record.packet;
	char ports[OTHER_TEXT_SIZE + 2] = "", rest[384];
	char text[OTHER_TEXT_SIZE];

	if (packet->flags & VL_EV_FLOW && packet->quote.seq)
		snprintf(ports, sizeof(ports), " (ports %u > %u)", packet->quote.id,
			 packet->quote.seq);
	else if (packet->flags & VL_EV_OTHER && *other_text(packet, text))
		snprintf(ports, sizeof(ports), ": %s", text);
	snprintf(rest, sizeof(rest), "%s: %s%s%s", ports, drop->reason,
		 drop->function[0] ? ", in " : "", drop->function);
	event_print_packet(layout, packet, drop_place(drop, lab), "drop", rest, f);
}

json_t *flow_json(uint8_t protocol, uint16_t from_port, uint16_t to_port)
{
	return output_json_pack("{s:i, s:i, s:i}", "protocol", protocol, "from_port", from_port,
				"to_port", to_port);
}

json_t *drop_json(const struct drop *drop)
{
	const struct vl_event *packet = &drop->record.packet;
	char src[IP_TEXT_SIZE], dst[IP_TEXT_SIZE], text[256];
	json_t *object;

	drop_sentence(drop, text, sizeof(text));
	object = output_json_pack(
		"{s:I, s:I, s:s, s:s, s:s, s:s, s:o, s:b, s:s, s:i, s:i, s:s, s:s, s:i}", "time_ns",
		(json_int_t)packet->time_ns, "at_ns", (json_int_t)drop->at_ns, "node",
		drop->node->name, "leg", event_leg_name(packet, drop->leg), "reason", drop->reason,
		"function", drop->function, "text", output_json_text(text), "harmless",
		drop->harmless, "message", event_word(packet), "id", packet->id, "seq", packet->seq,
		"source", address_text(packet, false, src), "destination",
		address_text(packet, true, dst), "ttl", packet->ttl);
	if (packet->flags & VL_EV_OTHER)
		output_json_set(object, "packet", other_json(packet));
	if (packet->flags & VL_EV_FLOW)
		output_json_set(
			object, "about",
			flow_json(packet->quote.proto, packet->quote.id, packet->quote.seq));
	return object;
}

/* ---- drops that the ledger cannot tell apart, or may not have ---------------------------------
 */

static void print_cause(uint64_t n, const struct watch_missed *missed, enum vl_drop_missed cause,
			FILE *f)
{
	fprintf(f, "%" PRIu64 " drop%s not told apart: ", n, n == 1 ? " is" : "s are");
	switch (cause) {
	case VL_DROP_MISSED_FULL:
		fprintf(f, "the table of drops was full (%" PRIu64 " kinds)\n",
			(uint64_t)missed->room);
		break;
	case VL_DROP_MISSED_NO_MEMORY:
		fputs("the kernel could not allocate an entry\n", f);
		break;
	default:
		fputs("the kernel could not enter them into the table of drops\n", f);
	}
}

unsigned missed_print(const struct losses *losses, const char *before, FILE *f)
{
	const struct watch_missed *missed = &losses->missed;
	unsigned lines = 0;

	for (int cause = 0; cause < VL_DROP_MISSED_CAUSES; cause++) {
		if (!missed->of[cause])
			continue;
		if (f && !lines)
			fputs(before, f);
		if (f)
			print_cause(missed->of[cause], missed, cause, f);
		lines++;
	}
	if (!missed->interrupted)
		return lines;
	if (f && !lines)
		fputs(before, f);
	if (f)
		fprintf(f,
			"%" PRIu64
			" drops may be missing: they came while a drop was counted on that CPU\n",
			(uint64_t)missed->interrupted);
	return lines + 1;
}
