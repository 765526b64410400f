// SPDX-License-Identifier: GPL-2.0-only
/* why.c - vethlab why: where a packet would go and what would stop it, without sending one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/cmd/trip_options.h"
#include "user/path/target.h"
#include "user/trace/echo.h"
#include "user/output/output.h"
#include "user/path/path.h"

struct why {
	struct trip trip;
	unsigned size; /* payload bytes of the echo */
	struct path there, back;
	bool has_back;
};

static int parse_args(int argc, char **argv, struct why *why, struct err *err)
{
	struct cmd_words words;
	int ret = options_parse(&cmd_why, why, argc, argv, &words, err);

	if (ret)
		return ret;
	return trip_operands(&cmd_why, &why->trip, &words, err);
}

static int walk(struct why *why, struct err *err)
{
	struct path_question there = {.node = why->trip.from,
				      .to = why->trip.target.addr,
				      .len = why->size + path_headers(&why->trip.target.addr)};
	int ret = path_walk(why->trip.run, &there, &why->there, err);

	if (ret || why->there.end != PATH_ARRIVES || !why->there.from.family)
		return ret;
	why->has_back = true;
	return path_walk_back(why->trip.run, &why->there, there.len, &why->back, err);
}

/* What a node does with the packet: "by a:e0 via 10.0.1.254 to r1:w0". */
static void print_hop(const struct path_hop *hop, const struct path_hop *next)
{
	char via[IP_TEXT_SIZE];

	if (hop->out_is_lower)
		output_print(stdout, "by %s:%s upon %s", hop->node->name, hop->dev, hop->out->name);
	else if (hop->out)
		output_print(stdout, "by %s", hop->out->name);
	else if (hop->dev[0])
		output_print(stdout, "by %s:%s", hop->node->name, hop->dev);
	if (hop->route.via.family)
		printf(" via %s", ip_format(&hop->route.via, via, sizeof(via)));
	for (size_t i = hop->n_bridges; next && i-- > 0;)
		if (i < PATH_BRIDGES_MAX)
			printf(" through %s (%s, %s)", hop->bridges[i].in->node->name,
			       hop->bridges[i].in->ifname, hop->bridges[i].out->ifname);
	if (next)
		output_print(stdout, " to %s", next->in->name);
	if (next && hop->also)
		output_print(stdout, " or %s", hop->also->name);
	if (next && next->in_ifindex)
		output_print(stdout, " and %s:%s upon it", next->node->name, next->in_dev);
	if (hop->nat)
		fputs(", where NAT rewrites addresses", stdout);
}

static void print_path(const struct path *path, const char *word)
{
	int width = 0;

	for (size_t i = 0; i < path->n_hops; i++) {
		int columns = output_columns(path->hops[i].node->name);

		width = columns > width ? columns : width;
	}
	for (size_t i = 0; i < path->n_hops; i++) {
		const struct path_hop *hop = &path->hops[i];
		const struct path_hop *next = i + 1 < path->n_hops ? hop + 1 : NULL;

		printf("  %-5s  %-*s  ", i ? "" : word, width, hop->node->name);
		if (next || hop->dev[0])
			print_hop(hop, next);
		if (!next && path_is_good(path))
			printf(path->end == PATH_STAYS ? ", its own" : "arrives");
		else if (!next)
			printf("%sstopped: %s", hop->dev[0] ? ", " : "", path_end_word(path->end));
		putchar('\n');
	}
}

static const struct path *verdict(const struct why *why)
{
	return why->has_back ? &why->back : &why->there;
}

/* What a longer packet would meet, unless the sender cuts it to what all links take. */
static void print_narrow(const struct path *path, const char *word)
{
	char text[2 * END_NAME_SIZE + 128];

	if (!path->mtu || path->widest_first)
		return;
	snprintf(text, sizeof(text),
		 "The way %s narrows to an MTU of %u at %s: what is longer and may not be "
		 "fragmented ends there (-s %u fits).",
		 word, path->mtu, path->narrow, path->mtu - path_headers(&path->to));
	output_wrap("", text, stdout);
}

static enum path_verdict verdict_of(const struct why *why)
{
	enum path_verdict there = path_verdict(&why->there);

	return why->has_back && there == PATH_GOOD ? path_verdict(&why->back) : there;
}

/* Below a verdict, whichever it is: what was not evaluated may make it false. */
static void print_doubts(const struct path *path, const char *word)
{
	char list[PATH_DOUBT_TEXT_SIZE], text[PATH_DOUBT_TEXT_SIZE + 128];

	if (!path->n_doubts)
		return;
	snprintf(text, sizeof(text),
		 "On its way %s it meets %s: what they do to it was not evaluated, so that it may "
		 "end otherwise.",
		 word, path_doubt_text(path, list, sizeof(list)));
	output_wrap("", text, stdout);
}

/* Where a node answers by more ends than the one by which the walk goes on. */
static void print_also(const struct path *path)
{
	char text[2 * END_NAME_SIZE + IP_TEXT_SIZE + 160], addr[IP_TEXT_SIZE];

	for (size_t i = 0; i + 1 < path->n_hops; i++) {
		const struct path_hop *hop = &path->hops[i];

		if (!hop->also)
			continue;
		snprintf(text, sizeof(text),
			 "%s %s for %s by %s and by %s: the packet may come in by either; "
			 "what was read is of the first.",
			 hop->also->node->name,
			 hop->next.family == AF_INET ? "may answer" : "answers",
			 ip_format(&hop->next, addr, sizeof(addr)), hop[1].in->name,
			 hop->also->name);
		output_wrap("", text, stdout);
	}
}

static void print_all_doubts(const struct why *why)
{
	print_also(&why->there);
	if (why->has_back)
		print_also(&why->back);
	print_doubts(&why->there, "there");
	if (why->has_back)
		print_doubts(&why->back, "back");
}

static void print_text(const struct why *why)
{
	const struct path *end = verdict(why);
	char target[TARGET_TEXT_SIZE], from[IP_TEXT_SIZE];

	printf("%s to %s", why->trip.from->name,
	       target_text(&why->trip.target, target, sizeof(target)));
	if (why->there.from.family)
		printf(", as %s",
		       ip_format(why->there.nat ? &why->there.original : &why->there.from, from,
				 sizeof(from)));
	putchar('\n');
	if (why->there.end != PATH_STAYS)
		print_path(&why->there, "there");
	if (why->has_back)
		print_path(&why->back, "back");
	if (why->there.end == PATH_STAYS || !path_is_good(end)) {
		output_wrap("", end->text, stdout);
		if (end->hint[0])
			output_wrap("  try: ", end->hint, stdout);
		print_all_doubts(why);
		return;
	}
	output_wrap("",
		    "By the nodes' routes, links and settings an echo arrives and its answer comes "
		    "back.",
		    stdout);
	print_all_doubts(why);
	fputs("To see it:\n", stdout);
	output_print(stdout, "  vethlab ping %s %s", why->trip.from_word, why->trip.to_word);
	if (why->size != ECHO_SIZE)
		printf(" -s %u", why->size);
	putchar('\n');
	print_narrow(&why->there, "there");
	if (why->has_back)
		print_narrow(&why->back, "back");
}

static json_t *readings_json(const struct path *path)
{
	json_t *readings = json_array();

	for (size_t i = 0; i < path->n_readings; i++) {
		const struct path_reading *reading = &path->readings[i];

		output_json_append(readings,
				   output_json_pack("{s:s, s:o, s:o}", "node", reading->node->name,
						    "what", output_json_text(reading->what),
						    "value", output_json_text(reading->value)));
	}
	return readings;
}

static json_t *doubts_json(const struct path *path)
{
	json_t *doubts = json_array();

	for (size_t i = 0; i < path->n_doubts; i++) {
		const struct path_doubt *doubt = &path->doubts[i];

		output_json_append(doubts,
				   output_json_pack("{s:s, s:s, s:o}", "node", doubt->node->name,
						    "what", doubt->what, "where",
						    output_json_text(doubt->where)));
	}
	return doubts;
}

static json_t *bridges_json(const struct path_hop *hop)
{
	json_t *bridges = json_array();

	for (size_t i = hop->n_bridges; i-- > 0;)
		if (i < PATH_BRIDGES_MAX)
			output_json_append(bridges,
					   output_json_pack("{s:s, s:s, s:s}", "node",
							    hop->bridges[i].in->node->name, "in",
							    hop->bridges[i].in->name, "out",
							    hop->bridges[i].out->name));
	return bridges;
}

static json_t *path_json(const struct path *path)
{
	json_t *hops = json_array(), *object;
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < path->n_hops; i++) {
		const struct path_hop *hop = &path->hops[i];
		json_t *item = output_json_pack("{s:s}", "node", hop->node->name);

		if (hop->in)
			output_json_set(item, "in", output_json_text(hop->in->name));
		if (hop->in_ifindex)
			output_json_set(item, "in_device", output_json_text(hop->in_dev));
		if (hop->dev[0])
			output_json_set(item, "interface", output_json_text(hop->dev));
		if (hop->out)
			output_json_set(item, "out", output_json_text(hop->out->name));
		if (hop->also)
			output_json_set(item, "next_also", output_json_text(hop->also->name));
		if (hop->nat)
			output_json_set(item, "nat", json_true());
		if (hop->route.via.family)
			output_json_set(
				item, "via",
				output_json_text(ip_format(&hop->route.via, text, sizeof(text))));
		if (hop->n_bridges)
			output_json_set(item, "bridges", bridges_json(hop));
		output_json_append(hops, item);
	}
	object = output_json_pack("{s:s, s:o, s:o, s:o}", "end", path_end_word(path->end), "text",
				  output_json_text(path->text), "hint",
				  output_json_text(path->hint), "hops", hops);
	output_json_set(object, "at", output_json_text(path->at->name));
	output_json_set(object, "read", readings_json(path));
	output_json_set(object, "not_evaluated", doubts_json(path));
	if (path->mtu) {
		output_json_set(object, "mtu", json_integer(path->mtu));
		output_json_set(object, "mtu_at", output_json_text(path->narrow));
	}
	return object;
}

static void print_json(const struct why *why)
{
	json_t *doc = output_json_document("vethlab.why/1");
	char text[IP_TEXT_SIZE];

	output_json_set(doc, "from", output_json_text(why->trip.from->name));
	output_json_set(doc, "to",
			output_json_text(ip_format(&why->trip.target.addr, text, sizeof(text))));
	if (why->there.from.family)
		output_json_set(doc, "source",
				output_json_text(ip_format(&why->there.from, text, sizeof(text))));
	output_json_set(doc, "size", json_integer(why->size));
	output_json_set(doc, "verdict", output_json_text(path_verdict_word(verdict_of(why))));
	output_json_set(doc, "good", json_boolean(path_is_good(verdict(why))));
	output_json_set(doc, "there", path_json(&why->there));
	if (why->has_back)
		output_json_set(doc, "back", path_json(&why->back));
	output_json_print(doc, stdout);
}

static int why_main(int argc, char **argv, struct err *err)
{
	static const int statuses[] = {
		[PATH_GOOD] = 0, [PATH_STOPPED] = ERR_FAILED, [PATH_UNKNOWN] = ERR_UNKNOWN};
	cleanup_free struct why *why = calloc(1, sizeof(*why));
	bool failed;

	if (!why)
		return err_set(err, ERR_SYSTEM, ENOMEM, "why: out of memory");
	failed = parse_args(argc, argv, why, err) || trip_open(&why->trip, err) || walk(why, err);
	if (!failed && why->trip.json)
		print_json(why);
	else if (!failed)
		print_text(why);
	trip_close(&why->trip);
	return failed ? (int)err->code : statuses[verdict_of(why)];
}

_Static_assert(ECHO_SIZE == 56 && ECHO_SIZE_MAX == 65507, "the texts of -s say so");

static const struct cmd_operand operands[] = {
	OPERANDS_TRIP(.row = NO_ROW),
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{.letter = 's',
	 .value = "SIZE",
	 .kind = VALUE_NUMBER,
	 .most = ECHO_SIZE_MAX,
	 .initial = "56",
	 .wrong = "0 to 65507 payload bytes",
	 .text = "payload bytes of the assumed echo (56)",
	 INTO_UNSIGNED(struct why, size)},
	OPTIONS_FAMILY(struct why),
	OPTION_TRIP_LAB(struct why),
	OPTION_TRIP_JSON(struct why),
	OPTIONS_END,
};

const struct cmd cmd_why = {
	.name = "why",
	.summary = "say where a packet would go and what would stop it; sends nothing",
	.operands = operands,
	.options = options,
	.notes = "Each node's kernel is asked for its routes, MTUs, link states and\n"
		 "settings.\n"
		 "The exit status is 1 if something stops it, and 6 if that cannot be known:\n"
		 "what was not evaluated (nft rules, programs) is named.\n",
	.run = why_main,
};
