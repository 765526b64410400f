// SPDX-License-Identifier: GPL-2.0-only
/* link.c - vethlab link: set an end up or down, give it addresses. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/cmd/cmd.h"
#include "user/change/edit.h"
#include "user/lab/end_state.h"
#include "user/output/output.h"
#include "user/render/changes.h"

enum { WAIT_MS = 2000 };

struct link_waiting {
	uint32_t ifindex;
	enum end_state want, now;
};

/*
 * The queue takes packets from operational state up on, a moment after "running"; and what goes
 * with the carrier is gone when the operational state is up no more, a moment after the carrier.
 */
static enum end_state settled_state(const struct link_info *info)
{
	enum end_state state = end_state_of(info);

	if (state == END_DOWN)
		return state;
	return info->operstate == 6 /* IF_OPER_UP */ ? END_UP : END_NO_CARRIER;
}

static bool on_link(const struct link_info *info, void *arg)
{
	struct link_waiting *waiting = arg;

	if (info->ifindex == waiting->ifindex)
		waiting->now = settled_state(info);
	return true;
}

struct link_side {
	const struct running *run;
	const struct end *end;
	struct nl *nl, *events;
	struct link_waiting waiting;
};

static int open_side(struct link_side *side, const struct running *run, const struct end *end,
		     struct err *err)
{
	cleanup_close int fd = running_open_netns(run, end->node, err);
	int ret;

	if (fd < 0)
		return fd;
	side->run = run;
	side->end = end;
	side->waiting.ifindex = running_ifindex(run, end);
	ret = nl_open(&side->nl, fd, err);
	if (ret)
		return ret;
	ret = nl_open(&side->events, fd, err);
	if (ret)
		return ret;
	return nl_listen(side->events, RTNLGRP_LINK, err);
}

static void close_side(struct link_side *side)
{
	nl_close(side->nl);
	nl_close(side->events);
}

static int read_link(struct link_side *side, struct link_info *info, struct err *err)
{
	int ret = link_get(side->nl, side->waiting.ifindex, NULL, info, err);

	return ret == -ENODEV ? running_end_gone(side->run, side->end, err) : ret;
}

/* Wait until one end is in the state that both ends' settings lead to. */
static int wait_state(struct link_side *side, struct err *err)
{
	struct link_info info;
	int ret = read_link(side, &info, err);

	if (ret)
		return ret;
	on_link(&info, &side->waiting);
	while (!ret && side->waiting.now != side->waiting.want)
		ret = link_event(side->events, WAIT_MS, on_link, &side->waiting, err);
	return ret == -ETIMEDOUT ? 0 : ret; /* what it is now is told as it is */
}

/* Set the end up or down, and wait until both ends know. *was_up: whether it was up before. */
static int change(struct link_side sides[2], bool up, bool *was_up, struct err *err)
{
	struct nl_what what = {sides[0].end->name, up ? "set it up" : "set it down",
			       sides[0].end->where, 0};
	struct link_info end, peer;
	int ret = read_link(&sides[0], &end, err);

	if (ret)
		return ret;
	*was_up = end_state_of(&end) != END_DOWN;
	ret = read_link(&sides[1], &peer, err);
	if (ret)
		return ret;
	ret = link_set_up(sides[0].nl, end.ifindex, up, &what, err);
	if (ret)
		return ret;
	ret = nl_flush(sides[0].nl, err);
	if (ret)
		return ret;
	sides[0].waiting.want = !up				  ? END_DOWN
				: end_state_of(&peer) == END_DOWN ? END_NO_CARRIER
								  : END_UP;
	sides[1].waiting.want = end_state_of(&peer) == END_DOWN ? END_DOWN
				: up				? END_UP
								: END_NO_CARRIER;
	for (int i = 0; i < 2; i++) {
		ret = wait_state(&sides[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

/* One after the other, the parts of a record as changes of the end. False: there are no more. */
static bool next_change(const struct down_record *record, const struct end *end, size_t i,
			struct lab_change *change)
{
	*change = (struct lab_change){.node = end->node, .end = end};
	if (i < record->n_addresses) {
		change->kind = CHANGE_ADDRESS_ADD;
		change->address = &record->addresses[i];
		return true;
	}
	i -= record->n_addresses;
	if (i < record->n_neighbors) {
		change->kind = CHANGE_NEIGHBOR_SET;
		change->neighbor = &record->neighbors[i];
		return true;
	}
	i -= record->n_neighbors;
	if (i >= record->n_routes)
		return false;
	change->kind = CHANGE_ROUTE_SET;
	change->route = &record->routes[i].route;
	return true;
}

/* The same in words, with nexthop objects at the end. NULL: there are no more. */
static const char *next_part(const struct down_record *record, const struct end *end, size_t i,
			     char text[CHANGE_TEXT_SIZE])
{
	struct lab_change change;
	int used;

	if (next_change(record, end, i, &change))
		return change_text(&change, text);
	i -= record->n_addresses + record->n_neighbors + record->n_routes;
	if (i >= record->objects.n)
		return NULL;
	used = snprintf(text, CHANGE_TEXT_SIZE, "%s nexthop ", end->node->name);
	nexthop_words(&record->objects.list[i], end->ifname, text + used, CHANGE_TEXT_SIZE - used);
	return text;
}

static void print_record(const struct down_record *record, const struct end *end, const char *head)
{
	char text[CHANGE_TEXT_SIZE];
	const char *part;

	for (size_t i = 0; (part = next_part(record, end, i, text)); i++)
		printf("%s%s  %s\n", i ? "" : head, i ? "" : "\n", part);
}

static json_t *record_json(const struct down_record *record, const struct end *end)
{
	char text[CHANGE_TEXT_SIZE];
	json_t *list = json_array();
	const char *part;

	for (size_t i = 0; (part = next_part(record, end, i, text)); i++)
		output_json_append(list, output_json_text(part));
	return list;
}

static void print_changes(const struct edit_changes *changes, const struct end *end, bool up)
{
	char head[2 * END_NAME_SIZE + 64];

	print_record(&changes->end, end, up ? "restored:" : "the kernel dropped with it:");
	snprintf(head, sizeof(head),
		 up ? "restored of %s:" : "the kernel dropped with the carrier of %s:",
		 end->peer->name);
	print_record(&changes->peer, end->peer, head);
	if (!up && (!down_record_is_empty(&changes->end) || !down_record_is_empty(&changes->peer)))
		printf("`vethlab link %s up` restores that\n", end->name);
	for (size_t i = 0; i < changes->n_uppers; i++)
		printf("%s (%s) stands upon it: what that loses with it is not recorded, and "
		       "`vethlab link %s up` does not restore it\n",
		       changes->uppers[i].ifname, changes->uppers[i].kind, end->name);
	print_record(&changes->waiting, end, "not restored before it has a carrier:");
	if (!down_record_is_empty(&changes->waiting))
		printf("`vethlab link %s up` restores that\n", end->peer->name);
}

static json_t *uppers_json(const struct edit_changes *changes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < changes->n_uppers; i++) {
		json_t *upper = json_object();

		output_json_set(upper, "interface", output_json_text(changes->uppers[i].ifname));
		output_json_set(upper, "kind", output_json_text(changes->uppers[i].kind));
		output_json_append(list, upper);
	}
	return list;
}

static void print_json(const struct link_side sides[2], const struct edit_changes *changes, bool up)
{
	json_t *doc = output_json_document("vethlab.link/1");

	for (int i = 0; i < 2; i++) {
		const struct end *end = sides[i].end;
		json_t *object = output_json_end(end);

		output_json_set(object, "state",
				output_json_text(end_state_word(sides[i].waiting.now)));
		output_json_set(object, up ? "restored" : "dropped",
				record_json(i ? &changes->peer : &changes->end, end));
		if (!i && changes->n_uppers)
			output_json_set(object, "not_recorded", uppers_json(changes));
		if (!i && up)
			output_json_set(object, "waiting", record_json(&changes->waiting, end));
		output_json_set(doc, i ? "peer" : "end", object);
	}
	output_json_print(doc, stdout);
}

static void print(const struct link_side sides[2], const struct edit_changes *changes, bool up,
		  bool json)
{
	if (json) {
		print_json(sides, changes, up);
		return;
	}
	for (int i = 0; i < 2; i++)
		printf("%s%s is %s", i ? ", its peer " : "", sides[i].end->name,
		       end_state_word(sides[i].waiting.now));
	putchar('\n');
	print_changes(changes, sides[0].end, up);
}

/* The caller closes both sides, after a failure too. */
static int open_and_change(struct link_side sides[2], struct edit_changes *changes, bool up,
			   bool *was_up, const struct running *run, const struct end *end,
			   struct err *err)
{
	int ret = open_side(&sides[0], run, end, err);

	if (ret)
		return ret;
	ret = open_side(&sides[1], run, end->peer, err);
	if (ret)
		return ret;
	ret = up ? 0 : edit_begin_down(changes, run, end, err);
	return ret ? ret : change(sides, up, was_up, err);
}

static int link_state(const struct running *run, const struct end *end, bool up, bool json,
		      struct err *err)
{
	cleanup_edit_changes struct edit_changes changes = {0};
	struct link_side sides[2] = {0};
	bool was_up = false;
	int ret = open_and_change(sides, &changes, up, &was_up, run, end, err);

	close_side(&sides[0]);
	close_side(&sides[1]);
	if (ret)
		return ret;
	ret = up ? edit_restore_end(&changes, run, end, was_up, err)
		 : edit_finish_down(&changes, run, end, err);
	if (ret)
		return ret;
	if (up) /* a failure at the peer does not hide what became of the end */
		ret = edit_restore_peer(&changes, run, end, err);
	print(sides, &changes, up, json);
	return ret;
}

/* link END address add|del PREFIX */
static int link_address(const struct running *run, const struct end *end,
			const struct ip_prefix *prefix, bool add, bool json, struct err *err)
{
	char text[IP_TEXT_SIZE];
	int ret = edit_address(run, end, prefix, add, err);

	if (ret)
		return ret;
	ip_prefix_format(prefix, text, sizeof(text));
	if (json) {
		json_t *doc = output_json_document("vethlab.link/1"),
		       *object = output_json_end(end);

		output_json_set(object, add ? "added" : "deleted", output_json_text(text));
		output_json_set(doc, "end", object);
		output_json_print(doc, stdout);
	} else {
		printf("%s %s %s\n", end->name, add ? "now has" : "no longer has", text);
	}
	return 0;
}

/* What is asked for. */
struct link_words {
	bool address, on; /* on: up, or add */
	struct ip_prefix prefix;
};

static int parse_words(const struct cmd_args *args, struct link_words *words, struct err *err)
{
	const char *word = args->argc > 1 ? args->argv[1] : "";

	words->address = !strcmp(word, "address");
	if (args->argc != (words->address ? 4 : 2))
		return cmd_usage(err, &cmd_link, "which end, up or down, or which address?");
	if (words->address)
		word = args->argv[2];
	words->on = !strcmp(word, words->address ? "add" : "up");
	if (!words->on && strcmp(word, words->address ? "del" : "down") != 0)
		return cmd_usage(err, &cmd_link, "'%s' is not %s", word,
				 words->address ? "add or del" : "up or down");
	if (words->address && !ip_prefix_parse(args->argv[3], &words->prefix))
		return cmd_usage(err, &cmd_link,
				 "'%s' is not an address with its length, like "
				 "10.0.0.1/24",
				 args->argv[3]);
	return 0;
}

static int link_main(int argc, char **argv, struct err *err)
{
	struct link_words words = {0};
	cleanup_running struct running *run = NULL;
	struct cmd_args args;
	const struct end *end;
	int ret = cmd_parse(&cmd_link, &args, argc, argv, err);

	if (ret)
		return ret;
	ret = parse_words(&args, &words, err);
	if (ret)
		return ret;
	if (lab_open(&run, args.lab, err))
		return err->code;
	end = running_find_end(run, args.argv[0], err);
	if (!end)
		ret = -ENOENT;
	else if (words.address)
		ret = link_address(run, end, &words.prefix, words.on, args.json, err);
	else
		ret = link_state(run, end, words.on, args.json, err);
	return ret ? (int)err->code : 0;
}

static const struct cmd_choice states[] = {{"up"}, {"down"}, {NULL}};
static const struct cmd_choice address_word[] = {{"address"}, {NULL}};
static const struct cmd_choice changes[] = {{"add"}, {"del"}, {NULL}};

static const struct cmd_operand operands[] = {
	{"END", .kind = VALUE_END, .text = "the end of a link", .row = NO_ROW},
	{"up|down", .kind = VALUE_CHOICE, .choices = states, .text = "the state that it gets",
	 .row = NO_ROW},
	{"END", .kind = VALUE_END, .form = 1, .text = "the end of a link", .row = NO_ROW},
	{"address", .kind = VALUE_CHOICE, .choices = address_word, .form = 1,
	 .text = "its addresses are changed", .row = NO_ROW},
	{"add|del", .kind = VALUE_CHOICE, .choices = changes, .form = 1,
	 .text = "give it an address, or take it away", .row = NO_ROW},
	{"PREFIX", .kind = VALUE_PREFIX, .form = 1, .text = "the address with its length",
	 .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_LAB(struct cmd_args, .early = true),
	OPTION_JSON(struct cmd_args),
	OPTIONS_END,
};

const struct cmd cmd_link = {
	.name = "link",
	.summary = "set an end up or down, give it an address or take it away",
	.operands = operands,
	.options = options,
	.notes = "With an end that is set down, the kernel drops routes, IPv6 addresses, static\n"
		 "neighbors and nexthop objects, and nexthop objects of its peer: they are told,\n"
		 "and restored when it is set up.\n",
	.examples = "vethlab link default:veth0 up\n"
		    "vethlab link blue:veth1 address add 10.1.1.9/24\n",
	.run = link_main,
};
