// SPDX-License-Identifier: GPL-2.0-only
/* filter.c - see filter.h. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bpf/wire_other.h"
#include "user/base/duration.h"
#include "user/base/number.h"
#include "user/trace/filter.h"

/* hint: NULL: the list of all words. */
static void suggest(const char *hint, struct err *err)
{
	err_hint(
		err, "%s",
		hint ? hint
		     : "node N, end N:I, link N:I, addr A[/L], src A, dst A, type T, id N, seq N, "
		       "v4, v6, any, tcp, udp, icmp, arp, sctp, proto N, port N, sport N, dport N, "
		       "flags F, vlan N, failed, dropped, slower-than TIME");
}

__attribute__((format(printf, 3, 4))) static int bad(struct err *err, const char *hint,
						     const char *fmt, ...)
{
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(err, ERR_USAGE, EINVAL, "filter: %s", what);
	suggest(hint, err);
	return -EINVAL;
}

const char *const record_filter_words[] = {
	"node",	 "end",	 "link",  "addr",  "src",   "dst",  "type",	   "id",      "seq",
	"proto", "port", "sport", "dport", "flags", "vlan", "slower-than", "v4",      "v6",
	"any",	 "tcp",	 "udp",	  "icmp",  "arp",   "sctp", "failed",	   "dropped", NULL};
enum { N_KEYWORDS = sizeof(record_filter_words) / sizeof(*record_filter_words) - 1, N_PAIRS = 16 };

/* Whether a word needs another one behind it. */
static bool takes_value(const char *word)
{
	for (size_t i = 0; i < N_PAIRS; i++)
		if (!strcmp(word, record_filter_words[i]))
			return true;
	return false;
}

/* What a word may have been meant to be: a node, an end; without a keyword before it, also one. */
static int unknown(const struct lab *lab, const char *word, bool or_keyword, const char *what,
		   struct err *err)
{
	size_t n = 0, most = lab->n_nodes + lab_n_ends(lab) + N_KEYWORDS;
	const char **names = calloc(most, sizeof(*names)), *near;
	char hint[END_NAME_SIZE + 32];

	for (size_t i = 0; names && i < lab->n_nodes; i++)
		names[n++] = lab->nodes[i]->name;
	for (size_t i = 0; names && i < lab_n_ends(lab); i++)
		names[n++] = lab_end(lab, i)->name;
	for (size_t i = 0; names && or_keyword && i < N_KEYWORDS; i++)
		names[n++] = record_filter_words[i];
	near = n ? nearest_name(word, names, n) : NULL;
	if (near)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", near);
	free(names);
	if (or_keyword && !strcmp(word, lab->name))
		return bad(err, "without a filter all of it is shown; -l LAB picks one of several",
			   "'%s' is the lab, and no node or end of it", word);
	/* Behind a keyword it can only be a name, which another lab may have. */
	err_set(err, or_keyword ? ERR_USAGE : ERR_FAILED, EINVAL, "filter: %s '%s'", what, word);
	suggest(near ? hint : NULL, err);
	return -EINVAL;
}

/* All words must fit, so two of one kind let nothing through. */
static int twice(struct vl_filter *filter, enum vl_filter_field field, const char *what,
		 struct err *err)
{
	if (filter->fields & field)
		return bad(err, "all words of a filter must fit, so one of a kind is enough",
			   "%s is there twice, and no packet fits both", what);
	return 0;
}

static int set_family(struct vl_filter *filter, uint8_t family, struct err *err)
{
	if ((filter->fields & VL_F_FAMILY) && filter->family != family)
		return bad(err, "leave one of them out; without either, both are shown",
			   "IPv4 and IPv6 at once: no packet is both");
	filter->fields |= VL_F_FAMILY; /* 10.0.0.1 is no IPv6 address that starts alike */
	filter->family = family;
	return 0;
}

/* field: VL_F_PROTOCOL, VL_F_ICMP or VL_F_ARP. */
static int set_protocol(struct vl_filter *filter, enum vl_filter_field field, uint8_t protocol,
			struct err *err)
{
	uint32_t was = filter->fields & (VL_F_PROTOCOL | VL_F_ICMP | VL_F_ARP);

	if (was && (was != field || filter->protocol != protocol))
		return bad(err, "leave one of them out; `any` shows all protocols",
			   "two protocols at once: no packet is both");
	filter->fields |= field | VL_F_ANY;
	filter->protocol = protocol;
	return field == VL_F_ARP ? set_family(filter, 4, err) : 0;
}

/* A word for a protocol, or for all of them. 1: it is none. */
static int add_protocol(struct vl_filter *filter, const char *word, struct err *err)
{
	static const struct {
		const char *word;
		enum vl_filter_field field;
		uint8_t protocol;
	} protocols[] = {
		{"tcp", VL_F_PROTOCOL, 6}, {"udp", VL_F_PROTOCOL, 17}, {"sctp", VL_F_PROTOCOL, 132},
		{"icmp", VL_F_ICMP, 0},	   {"arp", VL_F_ARP, 0},
	};

	if (!strcmp(word, "any")) {
		filter->fields |= VL_F_ANY;
		return 0;
	}
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (!strcmp(word, protocols[i].word))
			return set_protocol(filter, protocols[i].field, protocols[i].protocol, err);
	return 1;
}

static bool parse_prefix(const char *text, struct ip_prefix *prefix)
{
	if (!ip_parse(text, &prefix->addr))
		return ip_prefix_parse(text, prefix);
	prefix->len = prefix->addr.family == AF_INET6 ? 128 : 32;
	return true;
}

static bool looks_like_address(const char *text)
{
	return strspn(text, "0123456789./") == strlen(text) && strchr(text, '.');
}

/* An address or a prefix, into one of the filter's places for such. 1: it is none. */
static int add_address(struct vl_filter *filter, const char *keyword, const char *text,
		       struct err *err)
{
	static const struct {
		const char *keyword;
		enum vl_filter_field field;
		size_t bytes, len;
	} places[] = {
		{"src", VL_F_SRC, offsetof(struct vl_filter, src),
		 offsetof(struct vl_filter, src_len)},
		{"dst", VL_F_DST, offsetof(struct vl_filter, dst),
		 offsetof(struct vl_filter, dst_len)},
		{"addr", VL_F_ADDR, offsetof(struct vl_filter, addr),
		 offsetof(struct vl_filter, addr_len)},
	};
	struct ip_prefix prefix;
	int ret, i = 0;

	if (!parse_prefix(text, &prefix))
		return 1;
	while (strcmp(places[i].keyword, keyword))
		i++;
	ret = twice(filter, places[i].field, keyword, err);
	if (ret)
		return ret;
	ret = set_family(filter, prefix.addr.family == AF_INET6 ? 6 : 4, err);
	if (ret)
		return ret;
	filter->fields |= places[i].field;
	memcpy((char *)filter + places[i].bytes, prefix.addr.bytes, 16);
	*((uint8_t *)filter + places[i].len) = prefix.len;
	return 0;
}

static int add_node(struct vl_filter *filter, const struct lab *lab, const char *text,
		    struct err *err)
{
	const struct node *node = lab_find_node(lab, text);
	int ret;

	if (!node)
		return unknown(lab, text, false, "the lab has no node", err);
	ret = twice(filter, VL_F_NODE, "a node", err);
	filter->fields |= VL_F_NODE;
	filter->node = node->index;
	return ret;
}

static int add_end(struct vl_filter *filter, const struct lab *lab, bool link, const char *text,
		   struct err *err)
{
	enum vl_filter_field field = link ? VL_F_LINK : VL_F_END;
	const struct node *node = lab_find_node(lab, text);
	const struct end *end = lab_find_end(lab, text);
	char hint[2 * END_NAME_SIZE];
	int ret;

	if (!end && node && node->n_ends) {
		snprintf(hint, sizeof(hint), "its ends are called like %s; the node is `node %s`",
			 node->ends[0]->name, text);
		return bad(err, hint, "'%s' is a node, and no end", text);
	}
	if (!end)
		return unknown(lab, text, false, "the lab has no end", err);
	ret = twice(filter, field, link ? "a link" : "an end", err);
	filter->fields |= field;
	*(link ? &filter->link : &filter->end) = link ? end->link->index : end->number;
	return ret;
}

#define TYPE_NAMES "request, reply, echo, unreachable, exceeded, redirect, error, nd, other"

static int unknown_type(const char *list, const char *const *names, size_t n, struct err *err)
{
	char word[32], hint[64];
	const char *near;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(list, ","), list);
	near = nearest_name(word, names, n);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", near);
	return bad(err, near ? hint : TYPE_NAMES, "there is no type '%s'", word);
}

static int add_types(struct vl_filter *filter, const char *list, struct err *err)
{
	static const struct {
		const char *name;
		unsigned bits;
	} types[] = {
		{"request", 1 << VL_ICMP_ECHO_REQUEST},
		{"reply", 1 << VL_ICMP_ECHO_REPLY},
		{"echo", 1 << VL_ICMP_ECHO_REQUEST | 1 << VL_ICMP_ECHO_REPLY},
		{"unreachable", 1 << VL_ICMP_UNREACHABLE},
		{"exceeded", 1 << VL_ICMP_TIME_EXCEEDED},
		{"redirect", 1 << VL_ICMP_REDIRECT},
		{"error", 1 << VL_ICMP_UNREACHABLE | 1 << VL_ICMP_TIME_EXCEEDED},
		{"nd", 1 << VL_ICMP_ND},
		{"other", 1 << VL_ICMP_OTHER},
	};
	enum { N = sizeof(types) / sizeof(*types) };
	const char *names[N];

	for (size_t i = 0; i < N; i++)
		names[i] = types[i].name;
	filter->fields |= VL_F_TYPES;
	do {
		size_t len = strcspn(list, ","), i;

		for (i = 0; i < N; i++)
			if (strlen(types[i].name) == len && !strncmp(types[i].name, list, len))
				break;
		if (i == N)
			return unknown_type(list, names, N, err);
		filter->types |= types[i].bits;
		list += len + (list[len] == ',');
	} while (*list);
	return 0;
}

#define FLAG_NAMES "fin, syn, rst, psh, ack, urg, ece, cwr"

static int add_flags(struct vl_filter *filter, const char *list, struct err *err)
{
	/* In the order of the bits (RFC 9293, 3.1). */
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};
	int ret = set_protocol(filter, VL_F_PROTOCOL, 6, err);

	filter->fields |= VL_F_FLAGS;
	while (!ret && *list) {
		size_t len = strcspn(list, ","), i = 0;

		while (i < 8 && (strlen(names[i]) != len || strncmp(names[i], list, len)))
			i++;
		if (i == 8)
			return bad(err, FLAG_NAMES, "there is no TCP flag '%.*s'", (int)len, list);
		filter->tcp_flags |= 1 << i;
		list += len + (list[len] == ',');
	}
	return ret || filter->tcp_flags ? ret : bad(err, FLAG_NAMES, "flags: which?");
}

/* A keyword whose value is a number. */
static const struct number_word {
	const char *keyword;
	enum vl_filter_field field;
	uint16_t most;
	size_t at; /* where it goes: 16 bits */
} number_words[] = {
	{"id", VL_F_ID, UINT16_MAX, offsetof(struct vl_filter, id)},
	{"seq", VL_F_SEQ, UINT16_MAX, offsetof(struct vl_filter, seq)},
	{"port", VL_F_ANY | VL_F_PORT, UINT16_MAX, offsetof(struct vl_filter, port)},
	{"sport", VL_F_ANY | VL_F_SPORT, UINT16_MAX, offsetof(struct vl_filter, sport)},
	{"dport", VL_F_ANY | VL_F_DPORT, UINT16_MAX, offsetof(struct vl_filter, dport)},
	{"vlan", VL_F_ANY | VL_F_VLAN, 4094, offsetof(struct vl_filter, vlan)},
};

static int add_number(struct vl_filter *filter, const struct number_word *word, const char *value,
		      struct err *err)
{
	uint64_t number;
	uint16_t small;

	if (!number_parse(value, 0, word->most, &number))
		return bad(err, NULL, "'%s' is no number up to %u", value, word->most);
	if (twice(filter, word->field & ~VL_F_ANY, word->keyword, err))
		return -EINVAL;
	filter->fields |= word->field;
	small = number;
	memcpy((char *)filter + word->at, &small, sizeof(small));
	return 0;
}

static int add_protocol_number(struct vl_filter *filter, const char *value, struct err *err)
{
	uint64_t number;

	if (!number_parse(value, 0, UINT8_MAX, &number))
		return bad(err, NULL, "'%s' is no number up to 255", value);
	return set_protocol(filter, VL_F_PROTOCOL, number, err);
}

static int add_slower(struct record_filter *filter, const char *value, struct err *err)
{
	char hint[128];

	if (!duration_parse(value, &filter->slower_ns))
		return bad(err, NULL, "slower-than %s: that is no time (50us, 1ms)", value);
	/* Seconds elsewhere; here nobody means them, and 5 of them show nothing at all. */
	if (strspn(value, "0123456789.") < strlen(value))
		return 0;
	snprintf(hint, sizeof(hint), "slower-than %.20sus, %.20sms or %.20ss", value, value, value);
	return bad(err, hint, "slower-than %s: of what unit?", value);
}

/* A keyword that takes a value, with it. */
static int add_pair(struct record_filter *filter, const struct lab *lab, const char *keyword,
		    const char *value, struct err *err)
{
	struct vl_filter *packets = &filter->packets;
	int ret;

	if (!value)
		return bad(err,
			   !strcmp(keyword, "type")    ? "type " TYPE_NAMES
			   : !strcmp(keyword, "flags") ? "flags " FLAG_NAMES
						       : NULL,
			   "'%s' needs a value behind it", keyword);
	if (!strcmp(keyword, "node"))
		return add_node(packets, lab, value, err);
	if (!strcmp(keyword, "end") || !strcmp(keyword, "link"))
		return add_end(packets, lab, *keyword == 'l', value, err);
	if (!strcmp(keyword, "type")) {
		ret = twice(packets, VL_F_TYPES, "type", err);
		return ret ? ret : add_types(packets, value, err);
	}
	for (size_t i = 0; i < sizeof(number_words) / sizeof(*number_words); i++)
		if (!strcmp(keyword, number_words[i].keyword))
			return add_number(packets, &number_words[i], value, err);
	if (!strcmp(keyword, "proto"))
		return add_protocol_number(packets, value, err);
	if (!strcmp(keyword, "flags")) {
		ret = twice(packets, VL_F_FLAGS, "flags", err);
		return ret ? ret : add_flags(packets, value, err);
	}
	if (!strcmp(keyword, "slower-than"))
		return add_slower(filter, value, err);
	ret = add_address(packets, keyword, value, err);
	return ret > 0 ? bad(err, NULL, "'%s' is no address and no prefix", value) : ret;
}

/* A word that stands for itself. */
static int add_word(struct record_filter *filter, const struct lab *lab, const char *word,
		    struct err *err)
{
	struct vl_filter *packets = &filter->packets;
	int ret;

	if (!strcmp(word, "failed") || !strcmp(word, "dropped")) {
		*(*word == 'f' ? &filter->failed : &filter->dropped) = true;
		return 0;
	}
	if (!strcmp(word, "v4") || !strcmp(word, "v6"))
		return set_family(packets, word[1] - '0', err);
	ret = add_protocol(packets, word, err);
	if (ret <= 0)
		return ret;
	if (lab_find_node(lab, word))
		return add_node(packets, lab, word, err);
	if (lab_find_end(lab, word))
		return add_end(packets, lab, false, word, err);
	ret = add_address(packets, "addr", word, err);
	if (ret > 0 && looks_like_address(word))
		return bad(err, NULL, "'%s' is no address and no prefix", word);
	return ret > 0 ? unknown(lab, word, true, "there is no keyword, node, end or address", err)
		       : ret;
}

/* Words about the end of an echo ask for stories, unless the user wants single records. */
static int choose_stories(struct record_filter *filter, struct err *err)
{
	const char *word = filter->failed ? "failed" : filter->slower_ns ? "slower-than" : NULL;

	if (filter->events && word) {
		err_set(err, ERR_USAGE, EINVAL, "filter: %s is about whole stories, not --events",
			word);
		err_hint(err, "leave --events out; with it, `dropped` shows the drops alone");
		return -EINVAL;
	}
	if (word || (filter->dropped && !filter->events))
		filter->itineraries = true;
	if (!filter->itineraries)
		return 0;
	filter->chosen = filter->packets;
	filter->packets.fields &=
		VL_F_FAMILY | VL_F_SEQ | VL_F_ANY | VL_F_PROTOCOL | VL_F_ICMP | VL_F_ARP;
	/* A story joins later fragments and ICMP errors to the packets that the filter is about. */
	filter->packets.fields |= VL_F_FRAGMENTS | VL_F_ABOUT;
	return 0;
}

/* Which word of several is wrong. */
static void tell_position(int word, int argc, struct err *err)
{
	char lead[] = "filter: ", what[sizeof(err->what)];

	if (!err || argc < 2 || strncmp(err->what, lead, strlen(lead)))
		return;
	snprintf(what, sizeof(what), "filter, word %d: %.480s", word + 1, err->what + strlen(lead));
	memcpy(err->what, what, sizeof(what));
}

static int check_fits(const struct vl_filter *filter, struct err *err)
{
	uint32_t fields = filter->fields, icmp = fields & (VL_F_TYPES | VL_F_ID | VL_F_SEQ);
	bool protocol = fields & VL_F_PROTOCOL;

	if (icmp && (fields & (VL_F_NO_ICMP & ~VL_F_VLAN) ||
		     (protocol && filter->protocol != 1 && filter->protocol != 58)))
		return bad(err, "type, id and seq are words about ICMP",
			   "ICMP and another protocol at once: no packet is both");
	if (icmp && fields & VL_F_VLAN)
		return bad(err, "leave them out: `icmp vlan N`",
			   "type, id and seq of tagged packets are not read");
	if (fields & (VL_F_PORT | VL_F_SPORT | VL_F_DPORT) &&
	    (fields & (VL_F_ICMP | VL_F_ARP) || (protocol && !has_ports(filter->protocol))))
		return bad(err,
			   "tcp, udp, sctp, proto 33 (DCCP) and proto 136 (UDP-Lite) have ports",
			   "a port of a protocol that has none");
	return 0;
}

int record_filter_parse(struct record_filter *filter, int argc, char **argv, const struct lab *lab,
			struct err *err)
{
	int ret = 0;

	for (int i = 0; !ret && i < argc; i++) {
		const char *word = argv[i];
		int at = i;

		if (takes_value(word)) {
			i++;
			ret = add_pair(filter, lab, word, i < argc ? argv[i] : NULL, err);
		} else {
			ret = add_word(filter, lab, word, err);
		}
		if (ret)
			tell_position(at, argc, err);
	}
	if (!ret)
		ret = check_fits(&filter->packets, err);
	return ret ? ret : choose_stories(filter, err);
}
