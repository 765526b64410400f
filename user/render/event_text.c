// SPDX-License-Identifier: GPL-2.0-only
/* event_text.c - packet records as lines and objects, and ICMP messages in words. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "bpf/wire_other.h"
#include "user/base/hook_word.h"
#include "user/render/event_text.h"
#include "user/ledger/ledger.h"
#include "user/output/output.h"
#include "user/story/story.h"

struct icmp_name {
	uint8_t type;
	int16_t code; /* -1: any */
	const char *text;
};

/* RFC 792, RFC 1812, RFC 4884. */
static const struct icmp_name names_v4[] = {
	{0, -1, "echo reply"},
	{3, 0, "network unreachable"},
	{3, 1, "host unreachable"},
	{3, 2, "protocol unreachable"},
	{3, 3, "port unreachable"},
	{3, 4, "fragmentation needed"},
	{3, 5, "source route failed"},
	{3, 9, "network prohibited"},
	{3, 10, "host prohibited"},
	{3, 13, "administratively prohibited"},
	{3, -1, "destination unreachable"},
	{4, -1, "source quench"},
	{5, -1, "redirect"},
	{8, -1, "echo request"},
	{11, 0, "time to live exceeded"},
	{11, 1, "reassembly time exceeded"},
	{12, -1, "parameter problem"},
	{13, -1, "timestamp request"},
	{14, -1, "timestamp reply"},
};

/* RFC 4443, RFC 4861. */
static const struct icmp_name names_v6[] = {
	{1, 0, "no route to destination"},
	{1, 1, "administratively prohibited"},
	{1, 2, "beyond the scope of the source"},
	{1, 3, "address unreachable"},
	{1, 4, "port unreachable"},
	{1, 5, "source address refused"},
	{1, 6, "route rejected"},
	{1, -1, "destination unreachable"},
	{2, -1, "packet too big"},
	{3, 0, "hop limit exceeded"},
	{3, 1, "reassembly time exceeded"},
	{4, -1, "parameter problem"},
	{128, -1, "echo request"},
	{129, -1, "echo reply"},
	{130, -1, "multicast listener query"},
	{131, -1, "multicast listener report"},
	{132, -1, "multicast listener done"},
	{133, -1, "router solicitation"},
	{134, -1, "router advertisement"},
	{135, -1, "neighbor solicitation"},
	{136, -1, "neighbor advertisement"},
	{137, -1, "redirect"},
	{143, -1, "multicast listener report"},
};

const char *icmp_word(uint8_t family, uint8_t type)
{
	const struct vl_event event = {.family = family, .icmp_type = type};

	switch (event_class(&event)) {
	case VL_ICMP_ECHO_REQUEST:
		return "request";
	case VL_ICMP_ECHO_REPLY:
		return "reply";
	case VL_ICMP_UNREACHABLE:
		return type == 2 ? "too-big" : "unreach";
	case VL_ICMP_TIME_EXCEEDED:
		return "exceeded";
	case VL_ICMP_REDIRECT:
		return "redirect";
	case VL_ICMP_ND:
		return type < 135 ? "router" : type == 135 ? "who-has" : "is-at";
	default:
		return "other";
	}
}

/* A word for a protocol that is no ICMP. The buffer of those without a name is the thread's. */
static const char *other_word(const struct vl_other *other)
{
	static const struct {
		uint8_t protocol;
		const char *word;
	} protocols[] = {{PROTO_TCP, "tcp"},   {PROTO_UDP, "udp"},   {PROTO_SCTP, "sctp"},
			 {PROTO_DCCP, "dccp"}, {PROTO_ICMP, "icmp"}, {PROTO_ICMPV6, "icmp"},
			 {47, "gre"},	       {4, "ipip"},	     {50, "esp"},
			 {2, "igmp"},	       {89, "ospf"},	     {PROTO_UDPLITE, "udplite"}};
	static __thread char word[12];

	if (other->ethertype == WIRE_ARP)
		return other->operation == 1 ? "who-has" : other->operation == 2 ? "is-at" : "arp";
	if (other->ethertype != WIRE_IPV4 && other->ethertype != WIRE_IPV6) {
		snprintf(word, sizeof(word), "0x%04x", other->ethertype);
		return word;
	}
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (other->protocol == protocols[i].protocol)
			return protocols[i].word;
	snprintf(word, sizeof(word), "proto%u", other->protocol);
	return word;
}

const char *event_word(const struct vl_event *event)
{
	if (event->flags & VL_EV_FLOW)
		return event->quote.proto == 17	 ? "udp"
		       : event->quote.proto == 6 ? "tcp"
						 : "no-icmp";
	if (event_is_later_fragment(event))
		return "fragment";
	if (event->flags & VL_EV_OTHER)
		return other_word(&event->other);
	return icmp_word(event->family, event->icmp_type);
}

const char *icmp_text(uint8_t family, uint8_t type, uint8_t code, uint32_t info,
		      char buf[ICMP_TEXT_SIZE])
{
	const struct icmp_name *names = family == 6 ? names_v6 : names_v4;
	size_t n = family == 6 ? sizeof(names_v6) / sizeof(*names_v6)
			       : sizeof(names_v4) / sizeof(*names_v4);
	bool has_mtu = family == 6 ? type == 2 : type == 3 && code == 4;
	size_t i = 0;

	while (i < n && (names[i].type != type || (names[i].code >= 0 && names[i].code != code)))
		i++;
	if (i == n)
		snprintf(buf, ICMP_TEXT_SIZE, "ICMP type %u code %u", type, code);
	else if (has_mtu)
		snprintf(buf, ICMP_TEXT_SIZE, "%s (mtu %" PRIu32 ")", names[i].text,
			 family == 6 ? info : info & 0xffff);
	else if (family != 6 && type == 5 && info)
		snprintf(buf, ICMP_TEXT_SIZE, "%s to the gateway %u.%u.%u.%u", names[i].text,
			 info >> 24, info >> 16 & 0xff, info >> 8 & 0xff, info & 0xff);
	else
		snprintf(buf, ICMP_TEXT_SIZE, "%s", names[i].text);
	return buf;
}

const char *event_icmp_text(const struct vl_event *event, char buf[ICMP_TEXT_SIZE])
{
	struct ip_addr gateway = {.family = AF_INET6, .bytes = {0xfe, 0x80}};
	char text[IP_TEXT_SIZE];

	if (event->family != 6 || !event_is_redirect(event) || !event->payload)
		return icmp_text(event->family, event->icmp_type, event->icmp_code, event->info,
				 buf);
	memcpy(gateway.bytes + 8, &event->payload, sizeof(event->payload));
	snprintf(buf, ICMP_TEXT_SIZE, "redirect to the gateway %s",
		 ip_format(&gateway, text, sizeof(text)));
	return buf;
}

/* What stands behind the addresses of a packet. */
enum { REST_SIZE = 512 };

const char *address_text(const struct vl_event *event, bool destination, char buf[IP_TEXT_SIZE])
{
	struct ip_addr addr = destination ? event_destination(event) : event_source(event);

	if (event->flags & VL_EV_OTHER && !event->family)
		return mac_format(destination ? event->dst : event->src, buf);
	return ip_format(&addr, buf, IP_TEXT_SIZE);
}

const char *addresses_text(const struct vl_event *event, char buf[ADDRESSES_TEXT_SIZE])
{
	const struct vl_other *other = &event->other;
	const char *open = event->family == 6 ? "[" : "", *close = event->family == 6 ? "]" : "";
	char src[IP_TEXT_SIZE], dst[IP_TEXT_SIZE];

	address_text(event, false, src);
	address_text(event, true, dst);
	if (event->flags & VL_EV_OTHER && (other->from_port || other->to_port))
		snprintf(buf, ADDRESSES_TEXT_SIZE, "%s%s%s:%u > %s%s%s:%u", open, src, close,
			 other->from_port, open, dst, close, other->to_port);
	else
		snprintf(buf, ADDRESSES_TEXT_SIZE, "%s > %s", src, dst);
	return buf;
}

/* "SYN ACK"; in the order in which tcpdump has them. */
static const char *flags_text(uint8_t flags, const char *between, bool small, char buf[48])
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
	size_t len = 0;

	buf[0] = 0;
	for (int i = 0; i < 8; i++)
		if (flags & 1 << i)
			len += snprintf(buf + len, 48 - len, "%s%s", len ? between : "", names[i]);
	for (char *p = buf; small && *p; p++)
		*p = tolower(*p);
	return buf;
}

const char *other_text(const struct vl_event *event, char buf[OTHER_TEXT_SIZE])
{
	const struct vl_other *other = &event->other;
	char flags[48], tag[16] = "", segments[32] = "";

	if (other->vlan)
		snprintf(tag, sizeof(tag), ", vlan %u", other->vlan & 0xfff);
	if (other->segments > 1)
		snprintf(segments, sizeof(segments), ", %u segments", other->segments);
	if (other->ethertype == WIRE_ARP)
		snprintf(buf, OTHER_TEXT_SIZE, "%s", tag[0] ? tag + 2 : "");
	else if (other->protocol == PROTO_TCP && !event_is_later_fragment(event))
		snprintf(buf, OTHER_TEXT_SIZE,
			 "%s seq %" PRIu32 " ack %" PRIu32 " len %" PRIu32 "%s%s",
			 flags_text(other->tcp_flags, " ", false, flags), other->seq, other->ack,
			 other->bytes, segments, tag);
	else
		snprintf(buf, OTHER_TEXT_SIZE, "len %" PRIu32 "%s%s", other->bytes, segments, tag);
	return buf;
}

struct event_layout event_layout_for(const struct lab *lab, uint64_t zero_ns)
{
	struct event_layout layout = {.end_width = 3, .zero_ns = zero_ns};

	for (size_t i = 0; i < lab_n_ends(lab); i++) {
		int columns = output_columns(lab_end(lab, i)->name);

		if (columns > layout.end_width)
			layout.end_width = columns;
	}
	return layout;
}

void event_print_header(const struct event_layout *layout, FILE *f)
{
	fprintf(f, "%12s %-*s %-4s %-8s %5s %5s %3s %4s %s\n", "SECONDS", layout->end_width, "END",
		"HOOK", "MESSAGE", "ID", "SEQ", "TTL", "LEN", "ADDRESSES");
}

/* What an error is about: ": host unreachable, about 10.1.1.2 > 10.1.1.9". */
static void quote_text(const struct vl_event *event, char buf[REST_SIZE])
{
	const struct vl_quote *q = &event->quote;
	struct vl_event quoted = {.family = event->family};
	char text[ICMP_TEXT_SIZE], src[IP_TEXT_SIZE], dst[IP_TEXT_SIZE];
	struct ip_addr from, to;

	memcpy(quoted.src, q->src, sizeof(quoted.src));
	memcpy(quoted.dst, q->dst, sizeof(quoted.dst));
	from = event_source(&quoted);
	to = event_destination(&quoted);
	snprintf(buf, REST_SIZE, ": %s, about %s > %s", event_icmp_text(event, text),
		 ip_format(&from, src, sizeof(src)), ip_format(&to, dst, sizeof(dst)));
}

/* Addresses that do not fit stand below the place, not broken where the terminal ends. */
static void print_line(const struct event_layout *layout, const char *columns,
		       const char *addresses, FILE *f)
{
	enum { PLACE_COLUMN = 13 };
	char lead[PLACE_COLUMN + 1];

	if (!layout->fold ||
	    output_columns(columns) + 1 + output_columns(addresses) <= (size_t)output_width(f)) {
		output_print(f, "%s %s\n", columns, addresses);
		return;
	}
	snprintf(lead, sizeof(lead), "%*s", PLACE_COLUMN, "");
	output_print(f, "%s\n", columns);
	output_wrap(lead, addresses, f);
}

void event_print_packet(const struct event_layout *layout, const struct vl_event *event,
			const char *place, const char *what, const char *rest, FILE *f)
{
	/* Buffered on another CPU, a record may be older than the trace. */
	uint64_t at = event->time_ns > layout->zero_ns ? event->time_ns - layout->zero_ns : 0;
	bool quoted = event->flags & VL_EV_QUOTED;
	enum vl_icmp_class class = event_class(event);
	bool echo = (class == VL_ICMP_ECHO_REQUEST || class == VL_ICMP_ECHO_REPLY || quoted) &&
		    !event_protocol(event);
	bool other = event->flags & VL_EV_OTHER;
	char id[8] = "-", seq[8] = "-", ttl[8] = "-", both[ADDRESSES_TEXT_SIZE];
	char columns[END_NAME_SIZE + 96], addresses[ADDRESSES_TEXT_SIZE + REST_SIZE];

	if (echo) {
		snprintf(id, sizeof(id), "%u", quoted ? event->quote.id : event->id);
		snprintf(seq, sizeof(seq), "%u", quoted ? event->quote.seq : event->seq);
	} else if (other && event->family == 4 && event->other.ethertype == WIRE_IPV4) {
		snprintf(id, sizeof(id), "%u", event->other.ip_id);
	}
	if (!other || event->other.ethertype == WIRE_IPV4 || event->other.ethertype == WIRE_IPV6)
		snprintf(ttl, sizeof(ttl), "%u", event->ttl);
	snprintf(columns, sizeof(columns),
		 "%2" PRIu64 ".%09" PRIu64 " %-*s %-4s %-8s %5s %5s %3s %4u", at / 1000000000,
		 at % 1000000000, layout->end_width, place, what, event_word(event), id, seq, ttl,
		 event->len);
	snprintf(addresses, sizeof(addresses), "%s%s", addresses_text(event, both), rest);
	print_line(layout, columns, addresses, f);
}

void event_print(const struct event_layout *layout, const struct vl_event *event,
		 const struct end *end, FILE *f)
{
	char quote[REST_SIZE] = "", rest[REST_SIZE + 96], fragment[64] = "";
	char text[OTHER_TEXT_SIZE];

	if (event->flags & VL_EV_QUOTED)
		quote_text(event, quote);
	else if (event->flags & VL_EV_OTHER && *other_text(event, text))
		snprintf(quote, sizeof(quote), ": %s", text);
	if (event_is_later_fragment(event))
		snprintf(fragment, sizeof(fragment), " (from byte %u of packet %" PRIu32 ")",
			 event->frag_off, event->frag_id);
	else if (event->flags & VL_EV_FRAGMENT)
		snprintf(fragment, sizeof(fragment), " (first fragment of packet %" PRIu32 ")",
			 event->frag_id);
	snprintf(rest, sizeof(rest), "%s%s%s", quote, fragment,
		 event->flags & VL_EV_CUT ? " (cut short)" : "");
	event_print_packet(layout, event, end->name, hook_word(event->hook), rest, f);
}

static void put_quote(struct json_writer *writer, const struct vl_event *event)
{
	const struct vl_quote *q = &event->quote;
	struct vl_event quoted = {.family = event->family};
	char src[IP_TEXT_SIZE], dst[IP_TEXT_SIZE];
	struct ip_addr from, to;

	memcpy(quoted.src, q->src, sizeof(quoted.src));
	memcpy(quoted.dst, q->dst, sizeof(quoted.dst));
	from = event_source(&quoted);
	to = event_destination(&quoted);
	json_put_begin(writer, "about");
	json_put_text(writer, "source", ip_format(&from, src, sizeof(src)));
	json_put_text(writer, "destination", ip_format(&to, dst, sizeof(dst)));
	json_put_number(writer, "protocol", q->proto);
	json_put_number(writer, "type", q->icmp_type);
	json_put_number(writer, "id", q->id);
	json_put_number(writer, "seq", q->seq);
	json_put_number(writer, "ttl", q->ttl);
	json_put_end(writer);
}

static void put_other_fields(struct json_writer *writer, const struct vl_event *event)
{
	const struct vl_other *other = &event->other;
	char flags[48];

	json_put_number(writer, "ethertype", other->ethertype);
	json_put_number(writer, "protocol", other->protocol);
	json_put_number(writer, "ip_id", other->ip_id);
	json_put_number(writer, "length", other->bytes);
	json_put_number(writer, "segments", other->segments);
	if (other->vlan)
		json_put_number(writer, "vlan", other->vlan & 0xfff);
	if (other->from_port || other->to_port) {
		json_put_number(writer, "from_port", other->from_port);
		json_put_number(writer, "to_port", other->to_port);
	}
	if (other->ethertype == WIRE_ARP)
		json_put_number(writer, "operation", other->operation);
	if (other->protocol == PROTO_TCP && !event_is_later_fragment(event)) {
		json_put_number(writer, "tcp_seq", other->seq);
		json_put_number(writer, "tcp_ack", other->ack);
		json_put_text(writer, "tcp_flags", flags_text(other->tcp_flags, ",", true, flags));
	}
}

json_t *other_json(const struct vl_event *event)
{
	struct json_writer writer;

	json_writer_tree(&writer);
	put_other_fields(&writer, event);
	return json_writer_finish(&writer);
}

static const char *meaning_of(const struct vl_event *event, char buf[OTHER_TEXT_SIZE])
{
	if (event_is_later_fragment(event))
		return "later fragment";
	if (event->flags & VL_EV_OTHER)
		return other_text(event, buf);
	return event_icmp_text(event, buf);
}

static void put_event(struct json_writer *writer, const struct vl_event *event,
		      const struct end *end)
{
	char src[IP_TEXT_SIZE], dst[IP_TEXT_SIZE], text[OTHER_TEXT_SIZE];

	json_put_number(writer, "time_ns", event->time_ns);
	json_put_text(writer, "end", end->name);
	json_put_text(writer, "node", end->node->name);
	json_put_text(writer, "hook", hook_word(event->hook));
	json_put_text(writer, "message", event_word(event));
	json_put_text(writer, "meaning", meaning_of(event, text));
	json_put_number(writer, "family", event->family);
	json_put_number(writer, "type", event->icmp_type);
	json_put_number(writer, "code", event->icmp_code);
	json_put_number(writer, "id", event->id);
	json_put_number(writer, "seq", event->seq);
	json_put_number(writer, "ttl", event->ttl);
	json_put_text(writer, "source", address_text(event, false, src));
	json_put_text(writer, "destination", address_text(event, true, dst));
	json_put_number(writer, "bytes", event->len);
	json_put_number(writer, "cpu", event->cpu);
	json_put_bool(writer, "fragment", event->flags & VL_EV_FRAGMENT);
	if (event->flags & VL_EV_FRAGMENT) {
		json_put_number(writer, "fragment_of", event->frag_id);
		json_put_number(writer, "fragment_from", event->frag_off);
		json_put_number(writer, "fragment_bytes", event->frag_len);
	}
	if (event->flags & VL_EV_QUOTED)
		put_quote(writer, event);
	if (event->flags & VL_EV_OTHER) {
		json_put_begin(writer, "packet");
		put_other_fields(writer, event);
		json_put_end(writer);
	}
}

void event_write_json(const struct vl_event *event, const struct end *end, const char *schema,
		      FILE *f)
{
	struct json_writer writer;

	json_writer_line(&writer, f);
	json_put_text(&writer, "schema", schema);
	put_event(&writer, event, end);
	json_writer_finish(&writer);
}

json_t *event_json(const struct vl_event *event, const struct end *end)
{
	struct json_writer writer;

	json_writer_tree(&writer);
	put_event(&writer, event, end);
	return json_writer_finish(&writer);
}
