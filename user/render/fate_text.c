// SPDX-License-Identifier: GPL-2.0-only
/* fate_text.c - how an echo ended, as one sentence. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/hook_word.h"
#include "user/render/act_text.h"
#include "user/render/drop_text.h"
#include "user/render/event_text.h"
#include "user/render/itinerary_text.h"
#include "user/ledger/ledger.h"
#include "user/output/output.h"

/* The node where it ended: that dropped it, refused it, or was the last one. NULL: not known. */
static const struct node *last_node(const struct itinerary *itinerary)
{
	if (itinerary->death >= 0)
		return itinerary->drops[itinerary->death].node;
	if (itinerary->fate == FATE_REFUSED && itinerary->answerer)
		return itinerary->answerer;
	if (itinerary->last >= 0)
		return itinerary->hops[itinerary->last].end->node;
	return itinerary->n_queued ? itinerary->queued[0].node : NULL;
}

/*
 * A node that fails to find a way for a packet may fail again, for the ICMP error about that: the
 * first failure counts. A check of the source that finds no route is the drop's to tell
 * (rp_filter).
 */
static const struct act *find_cause(const struct itinerary *itinerary)
{
	const struct node *node = last_node(itinerary);

	for (size_t i = 0; i < itinerary->n_acts; i++) {
		const struct act *act = &itinerary->acts[i];

		if (act->bad && act->node == node && act->record.at.kind != VL_STACK_QUESTION &&
		    !(act->record.at.kind == VL_STACK_ROUTE && act->record.what == VL_ROUTE_SOURCE))
			return act;
	}
	return NULL;
}

/* That an answer died says more than what became of a question. */
const struct act *itinerary_question(const struct itinerary *itinerary, const struct act *neighbor)
{
	const struct act *best = NULL;

	for (size_t i = 0; i < itinerary->n_acts; i++) {
		const struct act *act = &itinerary->acts[i];

		if (act->record.at.kind == VL_STACK_QUESTION &&
		    !memcmp(act->record.next, neighbor->record.next, sizeof(act->record.next)) &&
		    (!best || act->record.what >= best->record.what))
			best = act;
	}
	return best;
}

static void say_neighbor(const struct itinerary *itinerary, const struct act *act, char *buf,
			 size_t size)
{
	const struct act *question = itinerary_question(itinerary, act);
	const struct vl_stack *r = &act->record;
	char addr[IP_TEXT_SIZE], text[ACT_TEXT_SIZE];

	snprintf(buf, size, "%s: nobody answered for %s on %s:%.16s%s%s",
		 r->next_family == 6 ? "nd" : "arp", act_next(r, addr), act->node->name, r->name,
		 question ? "; " : "", question ? act_question_text(question, text) : "");
}

bool itinerary_unanswered_text(const struct itinerary *itinerary, char *buf, size_t size)
{
	const struct act *act = find_cause(itinerary);

	if (!act || act->record.at.kind != VL_STACK_NEIGHBOR || !itinerary_question(itinerary, act))
		return false;
	say_neighbor(itinerary, act, buf, size);
	return true;
}

/* counted: how often it was asked, which is not the same for all echoes that wait for it. */
static void say_waiting(const struct itinerary *itinerary, bool counted, char buf[FATE_TEXT_SIZE])
{
	const struct act *act = &itinerary->acts[itinerary->waits_for];
	const struct act *question = itinerary_question(itinerary, act);
	const char *what =
		itinerary->waiter == LEG_ERROR ? "ICMP error" : leg_name(itinerary->waiter);
	char addr[IP_TEXT_SIZE], text[ACT_TEXT_SIZE], asked[32] = "";

	if (counted && act->asked)
		snprintf(asked, sizeof(asked), ", asked %u time%s", act->asked,
			 act->asked == 1 ? "" : "s");
	snprintf(buf, FATE_TEXT_SIZE, "the %s waits in %s for the neighbor %s on %.16s%s; %s", what,
		 act->node->name, act_next(&act->record, addr), act->record.name, asked,
		 question ? act_question_text(question, text)
			  : "no node was seen to drop the question or an answer");
}

static void say_route(const struct act *act, char *buf, size_t size)
{
	const struct vl_stack *r = &act->record;
	struct ip_addr to = event_destination(&r->at.packet);
	bool back = r->what == VL_ROUTE_ANSWER;
	const char *leg = r->at.packet.flags & VL_EV_FLOW ? "packet"
			  : back			  ? "reply"
			  : act->leg == LEG_ERROR	  ? "ICMP error"
							  : leg_name(act->leg);
	char addr[IP_TEXT_SIZE];

	ip_format(&to, addr, sizeof(addr));
	snprintf(buf, size, "%s has %s %s %s: %s dropped in %s", act->node->name,
		 r->code == VL_ROUTE_NONE ? "no route" : act_refusal(r->code),
		 back || act->leg == LEG_REPLY ? "back to"
		 : r->code == VL_ROUTE_NONE    ? "to"
					       : "for",
		 addr, leg, act->node->name);
}

/* The ICMP error about what the echo died of, which was dropped on its way to whoever sent it. */
static const struct drop *dropped_error(const struct itinerary *itinerary)
{
	for (size_t i = 0; i < itinerary->n_drops; i++) {
		const struct drop *drop = &itinerary->drops[i];

		if ((int)i != itinerary->death && drop->leg == LEG_ERROR && !drop->harmless &&
		    !event_is_redirect(&drop->record.packet))
			return drop;
	}
	return NULL;
}

const char *itinerary_drop_text(const struct itinerary *itinerary, char buf[FATE_TEXT_SIZE])
{
	const struct drop *death = &itinerary->drops[itinerary->death];
	const struct drop *error = dropped_error(itinerary);
	size_t len;

	drop_sentence(death, buf, FATE_TEXT_SIZE);
	if (!error || death->leg == LEG_ERROR)
		return buf;
	len = strlen(buf);
	len += snprintf(buf + len, FATE_TEXT_SIZE - len, "; ");
	drop_sentence(error, buf + len, FATE_TEXT_SIZE - len);
	return buf;
}

/* The look-up that failed was not told (it was long before, or not seen), but the drop says enough.
 */
static bool say_unrouted(const struct itinerary *itinerary, char *buf, size_t size)
{
	const struct drop *death =
		itinerary->death >= 0 ? &itinerary->drops[itinerary->death] : NULL;
	struct ip_addr to;
	char addr[IP_TEXT_SIZE];

	if (itinerary->answered || !death || strcmp(death->reason, "IP_INNOROUTES") ||
	    (death->leg != LEG_REQUEST && death->leg != LEG_REPLY))
		return false;
	to = event_destination(&death->record.packet);
	ip_format(&to, addr, sizeof(addr));
	snprintf(buf, size, "%s has no route %sto %s: %s dropped in %s", death->node->name,
		 death->leg == LEG_REPLY ? "back " : "", addr,
		 event_leg_name(&death->record.packet, death->leg), death->node->name);
	return true;
}

bool itinerary_cause(const struct itinerary *itinerary, char *buf, size_t size)
{
	const struct act *act = itinerary->answered ? NULL : find_cause(itinerary);

	if (!act)
		return say_unrouted(itinerary, buf, size);
	if (act->record.at.kind == VL_STACK_NEIGHBOR)
		say_neighbor(itinerary, act, buf, size);
	else
		say_route(act, buf, size);
	return true;
}

/* Where it was seen last, for want of anything better. */
static void say_last(const struct itinerary *itinerary, char buf[FATE_TEXT_SIZE])
{
	const struct hop *last = itinerary->last >= 0 ? &itinerary->hops[itinerary->last] : NULL;

	if (!last && itinerary->n_hops && event_is_redirect(&itinerary->hops[0].event))
		snprintf(buf, FATE_TEXT_SIZE, "only redirects about it were seen");
	else if (!last)
		snprintf(buf, FATE_TEXT_SIZE, "it was seen at no end of the lab");
	else if (itinerary->is_packet && itinerary->fate == FATE_DELIVERED)
		snprintf(buf, FATE_TEXT_SIZE, "it was delivered to %s (%s %s)",
			 last->end->node->name, last->end->name, hook_word(last->event.hook));
	else if (itinerary->fate == FATE_DELIVERED)
		snprintf(buf, FATE_TEXT_SIZE,
			 "the request was delivered to %s (%s %s), which was not seen to answer",
			 last->end->node->name, last->end->name, hook_word(last->event.hook));
	else
		snprintf(buf, FATE_TEXT_SIZE, "the %s was last seen at %s %s%s",
			 last->leg == LEG_ERROR ? "ICMP error"
						: event_leg_name(&last->event, last->leg),
			 last->end->name, hook_word(last->event.hook),
			 last->incomplete ? ", but not all of its parts" : "");
}

/* Returns whether it says no more than where it was last. */
static bool say_end(const struct itinerary *itinerary, bool counted, char buf[FATE_TEXT_SIZE])
{
	if (itinerary->fate == FATE_WAITING) {
		say_waiting(itinerary, counted, buf);
		return !itinerary_question(itinerary, &itinerary->acts[itinerary->waits_for]);
	}
	if (itinerary_cause(itinerary, buf, FATE_TEXT_SIZE))
		return false;
	if (itinerary->fate == FATE_DROPPED) {
		itinerary_drop_text(itinerary, buf);
		return false;
	}
	say_last(itinerary, buf);
	return true;
}

const char *itinerary_end_text(const struct itinerary *itinerary, char buf[FATE_TEXT_SIZE])
{
	say_end(itinerary, false, buf);
	return buf;
}

const char *itinerary_fate_text(const struct itinerary *itinerary, char buf[FATE_TEXT_SIZE])
{
	size_t len;

	if (say_end(itinerary, true, buf) && itinerary->not_seen && itinerary->not_seen[0]) {
		len = strlen(buf);
		snprintf(buf + len, FATE_TEXT_SIZE - len, " (not seen here: %s)",
			 itinerary->not_seen);
	}
	return buf;
}

void itinerary_print_fate(const struct itinerary *itinerary, FILE *f)
{
	char text[FATE_TEXT_SIZE];

	output_print(f, "%s", itinerary_fate_text(itinerary, text));
}

/* What an ICMP error leaves open; "": it says it all. */
static void say_behind_error(const struct itinerary *itinerary, char *buf, size_t size)
{
	const struct drop *death =
		itinerary->death >= 0 ? &itinerary->drops[itinerary->death] : NULL;
	uint16_t port = itinerary->is_packet ? itinerary->packet.other.to_port : itinerary->to_port;

	buf[0] = 0;
	if (itinerary_cause(itinerary, buf, size) || !death || death->leg != LEG_REQUEST)
		return;
	if (!strcmp(death->reason, "NO_SOCKET") && port)
		snprintf(buf, size, "nobody listens at port %u of %s", port, death->node->name);
	else if (!strcmp(death->reason, "NO_SOCKET") || !strcmp(death->reason, "NETFILTER_DROP"))
		drop_sentence(death, buf, size);
}

/* The first that is known of an echo; NULL: nothing is. */
static const struct vl_event *first_event(const struct itinerary *itinerary)
{
	if (itinerary->n_hops)
		return &itinerary->hops[0].event;
	if (itinerary->n_drops)
		return &itinerary->drops[0].record.packet;
	if (itinerary->n_queued)
		return &itinerary->queued[0].record.at.packet;
	return itinerary->n_acts ? &itinerary->acts[0].record.at.packet : NULL;
}

/* "udp 10.0.1.2:40000 > 10.0.2.2:9": what the errors are about. */
static void print_flow(const struct itinerary *itinerary, FILE *f)
{
	const struct vl_event *event = first_event(itinerary);
	const struct vl_quote *quote = &event->quote;
	struct vl_event about = {.family = event->family};
	char src[IP_TEXT_SIZE], dst[IP_TEXT_SIZE];
	struct ip_addr from, to;
	const char *colon, *open, *close;

	memcpy(about.src, quote->src, sizeof(about.src));
	memcpy(about.dst, quote->dst, sizeof(about.dst));
	from = event_source(&about);
	to = event_destination(&about);
	ip_format(&from, src, sizeof(src));
	ip_format(&to, dst, sizeof(dst));
	if (itinerary->protocol == 17 || itinerary->protocol == 6)
		fputs(itinerary->protocol == 17 ? "udp " : "tcp ", f);
	else
		fprintf(f, "protocol %u ", itinerary->protocol);
	open = event->family == 6 ? "[" : "";
	close = event->family == 6 ? "]" : "";
	colon = itinerary->from_port || itinerary->to_port ? ":" : NULL;
	if (colon)
		fprintf(f, "%s%s%s:%u > %s%s%s:%u: ", open, src, close, itinerary->from_port, open,
			dst, close, itinerary->to_port);
	else
		fprintf(f, "%s > %s: ", src, dst);
}

/* The addresses that the echo was made with: those of its first request, else turned round. */
static void print_addresses(const struct itinerary *itinerary, FILE *f)
{
	const struct vl_event *event = first_event(itinerary);
	enum leg leg = itinerary->n_hops     ? itinerary->hops[0].leg
		       : itinerary->n_drops  ? itinerary->drops[0].leg
		       : itinerary->n_queued ? itinerary->queued[0].leg
					     : itinerary->acts[0].leg;
	struct ip_addr from = event_source(event), to = event_destination(event);
	char src[IP_TEXT_SIZE], dst[IP_TEXT_SIZE];

	ip_format(&from, src, sizeof(src));
	ip_format(&to, dst, sizeof(dst));
	fprintf(f, leg == LEG_REQUEST ? "%s > %s" : "%2$s > %1$s", src, dst);
	fprintf(f, " id %u seq %u: ", itinerary->id, itinerary->seq);
}

/* "tcp 10.0.1.2:40000 > 10.0.2.2:80 SYN seq 1 ack 0 len 0: ". */
static void print_packet(const struct itinerary *itinerary, FILE *f)
{
	char addresses[ADDRESSES_TEXT_SIZE], text[OTHER_TEXT_SIZE];

	other_text(&itinerary->packet, text);
	fprintf(f, "%s %s%s%s: ", event_word(&itinerary->packet),
		addresses_text(&itinerary->packet, addresses), text[0] ? " " : "", text);
}

/* The time from the first hop says less where the packet was somewhere before. */
static void print_time(const struct itinerary *itinerary, FILE *f)
{
	bool whole = itinerary->hops[0].step == STEP_FIRST;
	char time[OUTPUT_NUMBER_SIZE];

	fprintf(f, whole ? " in %s" : ", %s after it was first seen on its way",
		output_duration(itinerary->round_trip_ns, time));
}

/* "answered by b in 18 us", "refused by r in 20 us: host unreachable; arp: nobody ..." */
static void print_answer(const struct itinerary *itinerary, FILE *f)
{
	const char *by = itinerary->answerer ? itinerary->answerer->name : NULL;
	const struct vl_event *error = &itinerary->hops[itinerary->arrival].event;
	char text[ICMP_TEXT_SIZE], behind[FATE_TEXT_SIZE];

	fprintf(f, "%s%s%s", fate_name(itinerary->fate), by ? " by " : "", by ? by : "");
	if (!itinerary->protocol) /* the request was not seen, so no time is its own */
		print_time(itinerary, f);
	if (itinerary->fate == FATE_ANSWERED)
		return;
	fprintf(f, ": %s",
		icmp_text(itinerary->family, error->icmp_type, error->icmp_code, error->info,
			  text));
	say_behind_error(itinerary, behind, sizeof(behind));
	if (behind[0])
		output_print(f, "; %s", behind);
}

void itinerary_print_title(const struct itinerary *itinerary, uint64_t zero_ns, FILE *f)
{
	char lead[32], text[FATE_TEXT_SIZE + 256];
	FILE *memory;
	uint64_t at;

	if (!first_event(itinerary))
		return;
	at = first_event(itinerary)->time_ns;
	snprintf(lead, sizeof(lead), "%.6f s: ", at > zero_ns ? (at - zero_ns) / 1e9 : 0);
	memory = fmemopen(text, sizeof(text), "w");
	if (!memory) {
		output_fail(errno);
		return;
	}
	if (itinerary->is_packet)
		print_packet(itinerary, memory);
	else if (itinerary->protocol)
		print_flow(itinerary, memory);
	else
		print_addresses(itinerary, memory);
	if (itinerary->arrival >= 0)
		print_answer(itinerary, memory);
	else
		itinerary_print_fate(itinerary, memory);
	fclose(memory);
	output_fold(lead, text, f);
}
