// SPDX-License-Identifier: GPL-2.0-only
/* target.c - FROM and TO as people type them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "user/path/target.h"
#include "user/path/path.h"

static void describe(struct target *target, const struct running *run, const struct ip_addr *addr)
{
	struct node *node = NULL;
	struct end *end = NULL;

	*target = (struct target){.addr = *addr};
	if (lab_find_address(run->lab, addr, &node, &end)) {
		target->node = node;
		target->end = end;
	}
}

struct choice {
	const struct running *run;
	const struct node *from;
	struct ip_addr first, best; /* family 0: none yet */
	uint8_t family;
};

static int consider(struct choice *choice, const struct address *list, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct ip_addr *addr = &list[i].prefix.addr;
		struct path_question question = {.node = choice->from, .to = *addr};
		struct path path;
		int ret;

		if (choice->best.family || (choice->family && addr->family != choice->family))
			continue;
		if (!choice->first.family)
			choice->first = *addr;
		ret = path_walk(choice->run, &question, &path, err);
		if (ret)
			return ret;
		if (path_is_good(&path))
			choice->best = *addr;
	}
	return 0;
}

static int consider_node(struct choice *choice, const struct node *node, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < node->n_ends; i++)
		ret = consider(choice, node->ends[i]->addresses, node->ends[i]->n_addresses, err);
	if (!ret)
		ret = consider(choice, node->bridge_addresses, node->n_bridge_addresses, err);
	if (!ret)
		ret = consider(choice, node->lo_addresses, node->n_lo_addresses, err);
	return ret;
}

static int choose(struct target *target, struct choice *choice, const struct node *node,
		  const struct end *end, const char *typed, struct err *err)
{
	uint8_t asked = choice->family;
	int ret = 0;

	/* IPv4 unless the user says so or there is none: a fault must not be hidden by IPv6. */
	for (int pass = 0; !ret && !choice->first.family && pass < (asked ? 1 : 2); pass++) {
		if (!asked)
			choice->family = pass ? AF_INET6 : AF_INET;
		ret = end ? consider(choice, end->addresses, end->n_addresses, err)
			  : consider_node(choice, node, err);
	}
	if (ret)
		return ret;
	if (!choice->best.family)
		choice->best = choice->first;
	if (!choice->best.family)
		return err_set(err, ERR_FAILED, EADDRNOTAVAIL, "%s has no %saddress", typed,
			       asked == AF_INET6  ? "IPv6 "
			       : asked == AF_INET ? "IPv4 "
						  : "");
	describe(target, choice->run, &choice->best);
	return 0;
}

/* Whether somebody meant an address, though it is none. */
static bool looks_like_address(const char *text)
{
	const char *colon = strchr(text, ':');

	if (strspn(text, "0123456789./") == strlen(text))
		return strchr(text, '.');
	return colon && strchr(colon + 1, ':') &&
	       strspn(text, "0123456789abcdefABCDEF:./") == strlen(text);
}

static int bad_address(const char *typed, struct err *err)
{
	bool v6 = strchr(typed, ':');

	err_set(err, ERR_USAGE, EINVAL, "'%s' is no IPv%d address", typed, v6 ? 6 : 4);
	if (strchr(typed, '/'))
		err_hint(err, "TO is one address, without a prefix length");
	else if (!v6)
		err_hint(err, "an IPv4 address is four numbers from 0 to 255");
	else
		err_hint(err, "TO is an address, a node, or an end (node:interface)");
	return -EINVAL;
}

int target_find(struct target *target, const struct running *run, const struct node *from,
		const char *typed, uint8_t family, struct err *err)
{
	struct choice choice = {.run = run, .from = from, .family = family};
	const struct end *end = NULL;
	const struct node *node = NULL;
	struct ip_addr addr;

	if (ip_parse(typed, &addr)) {
		if (family && addr.family != family)
			return err_set(err, ERR_USAGE, EAFNOSUPPORT, "%s is no IPv%d address",
				       typed, family == AF_INET6 ? 6 : 4);
		describe(target, run, &addr);
		return 0;
	}
	if (looks_like_address(typed) && !lab_find_node(run->lab, typed) &&
	    !lab_find_end(run->lab, typed))
		return bad_address(typed, err);
	if (strchr(typed, ':'))
		end = running_find_end(run, typed, err);
	else
		node = running_find_node(run, typed, err);
	if (!end && !node) {
		if (!err->hint[0])
			err_hint(err, "TO is an address, a node, or an end (node:interface)");
		return -ENOENT;
	}
	return choose(target, &choice, node, end, typed, err);
}

const char *target_text(const struct target *target, char *buf, size_t size)
{
	char addr[IP_TEXT_SIZE];

	ip_format(&target->addr, addr, sizeof(addr));
	if (target->end || target->node)
		snprintf(buf, size, "%s (%s)", addr,
			 target->end ? target->end->name : target->node->name);
	else
		snprintf(buf, size, "%s", addr);
	return buf;
}

static const struct node *find_from(const struct trip *trip, struct err *err)
{
	const struct end *end = lab_find_end(trip->run->lab, trip->from_word);

	if (!end)
		return running_find_node(trip->run, trip->from_word, err);
	err_set(err, ERR_USAGE, EINVAL,
		"'%s' is an end: FROM is a node, whose routes choose the end", trip->from_word);
	err_hint(err, "from its node: %s", end->node->name);
	return NULL;
}

int trip_open(struct trip *trip, struct err *err)
{
	int ret = lab_open(&trip->run, trip->lab, err);

	if (ret)
		return ret;
	trip->from = find_from(trip, err);
	if (!trip->from)
		return -ENOENT;
	return target_find(&trip->target, trip->run, trip->from, trip->to_word, trip->family, err);
}

void trip_close(struct trip *trip)
{
	running_free(trip->run);
	trip->run = NULL;
}
