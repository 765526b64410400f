// SPDX-License-Identifier: GPL-2.0-only
/* filter.c - the options and the filter of the verbs that show records. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/cmd/cmd.h"
#include "user/cmd/view.h"

bool parse_duration(const char *text, uint64_t *ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"", 1e9},	  {"s", 1e9},  {"ms", 1e6},  {"us", 1e3},
		     {"ns", 1.0}, {"m", 60e9}, {"min", 60e9}};
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || errno || !(value >= 0 && value < 1e9))
		return false;
	end += *end == ' ';
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (!strcmp(end, units[i].unit)) {
			*ns = value * units[i].ns;
			return true;
		}
	}
	return false;
}

static bool parse_count(const char *text, uint64_t max, uint64_t *count)
{
	char *end;

	errno = 0;
	*count = strtoull(text, &end, 0);
	return end != text && !*end && !errno && *text != '-' && *count <= max;
}

int view_parse(struct view_options *options, int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {{"lab", required_argument, NULL, 'l'},
					      {"json", no_argument, NULL, 'j'},
					      {"count", required_argument, NULL, 'c'},
					      {"for", required_argument, NULL, 'f'},
					      {"itineraries", no_argument, NULL, 'i'},
					      {"events", no_argument, NULL, 'e'},
					      {NULL}};
	int c;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":l:jc:i", longs, NULL)) != -1) {
		switch (c) {
		case 'l':
			options->lab = optarg;
			break;
		case 'j':
			options->json = true;
			break;
		case 'i':
			options->itineraries = true;
			break;
		case 'e':
			options->itineraries = false;
			break;
		case 'c':
			if (!parse_count(optarg, UINT64_MAX, &options->count) || !options->count)
				return cmd_usage(err, argv[0], "-c %s: that is no number of lines",
						 optarg);
			break;
		case 'f':
			if (!parse_duration(optarg, &options->for_ns) || !options->for_ns)
				return cmd_usage(err, argv[0],
						 "--for %s: that is no time (10s, 500ms)", optarg);
			break;
		default:
			return cmd_bad_option(err, argv[0], c, argv);
		}
	}
	if (options->wants_operand) {
		if (optind == argc)
			return cmd_usage(err, argv[0], "which file?");
		options->operand = argv[optind++];
	}
	options->argc = argc - optind;
	options->argv = argv + optind;
	return 0;
}

static int bad(struct err *err, const char *fmt, const char *word)
{
	char what[300];

	snprintf(what, sizeof(what), fmt, word);
	err_set(err, ERR_USAGE, EINVAL, "filter: %s", what);
	err_hint(err, "node N, end N:I, link N:I, addr A[/L], src A, dst A, type T, id N, seq N, "
		      "v4, v6, failed, slower-than TIME");
	return -EINVAL;
}

/* An address or a prefix, into one of the filter's places for such. */
static bool parse_prefix(struct vl_filter *filter, const char *text, uint8_t bytes[16],
			 uint8_t *len)
{
	struct ip_prefix prefix;

	if (ip_parse(text, &prefix.addr))
		prefix.len = prefix.addr.family == AF_INET6 ? 128 : 32;
	else if (!ip_prefix_parse(text, &prefix))
		return false;
	memcpy(bytes, prefix.addr.bytes, 16);
	*len = prefix.len;
	filter->fields |= VL_F_FAMILY; /* 10.0.0.1 is no IPv6 address that starts alike */
	filter->family = prefix.addr.family == AF_INET6 ? 6 : 4;
	return true;
}

static bool add_address(struct vl_filter *filter, const char *keyword, const char *text)
{
	if (!strcmp(keyword, "src")) {
		filter->fields |= VL_F_SRC;
		return parse_prefix(filter, text, filter->src, &filter->src_len);
	}
	if (!strcmp(keyword, "dst")) {
		filter->fields |= VL_F_DST;
		return parse_prefix(filter, text, filter->dst, &filter->dst_len);
	}
	filter->fields |= VL_F_ADDR;
	return parse_prefix(filter, text, filter->addr, &filter->addr_len);
}

static bool add_place(struct vl_filter *filter, const struct lab *lab, const char *keyword,
		      const char *text)
{
	const struct node *node;
	const struct end *end;

	if (!strcmp(keyword, "node")) {
		node = lab_find_node(lab, text);
		if (node) {
			filter->fields |= VL_F_NODE;
			filter->node = node->index;
		}
		return node;
	}
	end = lab_find_end(lab, text);
	if (end && !strcmp(keyword, "link")) {
		filter->fields |= VL_F_LINK;
		filter->link = end->link->index;
	} else if (end) {
		filter->fields |= VL_F_END;
		filter->end = end->number;
	}
	return end;
}

static bool add_types(struct vl_filter *filter, const char *list)
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
	const size_t n = sizeof(types) / sizeof(*types);

	filter->fields |= VL_F_TYPES;
	while (*list) {
		size_t len = strcspn(list, ","), i;

		for (i = 0; i < n; i++)
			if (strlen(types[i].name) == len && !strncmp(types[i].name, list, len))
				break;
		if (i == n)
			return false;
		filter->types |= types[i].bits;
		list += len + (list[len] == ',');
	}
	return filter->types;
}

/* A keyword with its value. Returns 0 if it took both, 1 if keyword is none, -errno. */
static int add_pair(struct view_options *options, const struct lab *lab, const char *keyword,
		    const char *value, struct err *err)
{
	struct vl_filter *filter = &options->filter;
	uint64_t number;

	if (!strcmp(keyword, "node") || !strcmp(keyword, "end") || !strcmp(keyword, "link"))
		return add_place(filter, lab, keyword, value)
			       ? 0
			       : bad(err, "the lab has no node or end '%s'", value);
	if (!strcmp(keyword, "addr") || !strcmp(keyword, "src") || !strcmp(keyword, "dst"))
		return add_address(filter, keyword, value)
			       ? 0
			       : bad(err, "'%s' is no address and no prefix", value);
	if (!strcmp(keyword, "type"))
		return add_types(filter, value)
			       ? 0
			       : bad(err,
				     "'%s': types are request, reply, echo, unreachable, exceeded, "
				     "redirect, error, nd, other",
				     value);
	if (!strcmp(keyword, "id") || !strcmp(keyword, "seq")) {
		if (!parse_count(value, UINT16_MAX, &number))
			return bad(err, "'%s' is no number up to 65535", value);
		filter->fields |= *keyword == 'i' ? VL_F_ID : VL_F_SEQ;
		*(*keyword == 'i' ? &filter->id : &filter->seq) = number;
		return 0;
	}
	if (!strcmp(keyword, "slower-than")) {
		options->itineraries = true;
		return parse_duration(value, &options->slower_ns)
			       ? 0
			       : bad(err, "'%s' is no time (50us, 1ms)", value);
	}
	return 1;
}

static bool add_word(struct view_options *options, const struct lab *lab, const char *word)
{
	struct vl_filter *filter = &options->filter;

	if (!strcmp(word, "failed") || !strcmp(word, "dropped")) {
		options->failed = options->itineraries = true;
		return true;
	}
	if (!strcmp(word, "v4") || !strcmp(word, "v6")) {
		filter->fields |= VL_F_FAMILY;
		filter->family = word[1] - '0';
		return true;
	}
	if (lab_find_node(lab, word))
		return add_place(filter, lab, "node", word);
	if (lab_find_end(lab, word))
		return add_place(filter, lab, "end", word);
	return add_address(filter, "addr", word);
}

int view_filter(struct view_options *options, const struct lab *lab, struct err *err)
{
	for (int i = 0; i < options->argc; i++) {
		const char *word = options->argv[i];
		int ret = 1;

		if (i + 1 < options->argc)
			ret = add_pair(options, lab, word, options->argv[i + 1], err);
		if (ret < 0)
			return ret;
		if (!ret)
			i++;
		else if (!add_word(options, lab, word))
			return bad(err, "'%s' is no keyword, node, end or address", word);
	}
	return 0;
}
