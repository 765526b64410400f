// SPDX-License-Identifier: GPL-2.0-only
/* target.c - FROM and TO as people type them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/net/net.h"
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

/* The addresses of a node or of one of its ends as they are now, in the order of the lab file. */
struct current {
	struct address_info *list; /* owned */
	size_t n, sorted;
	bool no_memory;
};

static bool is_loopback(const struct ip_addr *addr)
{
	static const uint8_t v6[16] = {[15] = 1};

	return addr->family == AF_INET6 ? !memcmp(addr->bytes, v6, sizeof(v6))
					: addr->bytes[0] == 127;
}

static bool on_address(const struct address_info *info, void *arg)
{
	struct current *current = arg;

	if (address_unusable_word(info->flags) || ip_is_link_local(&info->prefix.addr) ||
	    is_loopback(&info->prefix.addr))
		return true;
	current->no_memory =
		array_reserve_one(&current->list, current->n, sizeof(*current->list)) != 0;
	if (current->no_memory)
		return false;
	current->list[current->n++] = *info;
	return true;
}

/* Those of the file first. */
static void sort(struct current *current, const struct address *file, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = current->sorted; k < current->n; k++) {
			struct address_info found = current->list[k];

			if (!ip_equal(&found.prefix.addr, &file[i].prefix.addr))
				continue;
			current->list[k] = current->list[current->sorted];
			current->list[current->sorted++] = found;
		}
}

static int read_current(struct current *current, const struct running *run, const struct node *node,
			const struct end *end, struct err *err)
{
	cleanup_close int fd = running_open_netns(run, node, err);
	cleanup_nl struct nl *nl = NULL;
	int ret = fd < 0 ? fd : nl_open(&nl, fd, err);

	if (!ret)
		ret = address_list(nl, end ? running_ifindex(run, end) : 0, on_address, current,
				   err);
	if (ret)
		return ret;
	if (current->no_memory)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; i < node->n_ends; i++)
		if (!end || end == node->ends[i])
			sort(current, node->ends[i]->addresses, node->ends[i]->n_addresses);
	sort(current, node->bridge_addresses, node->n_bridge_addresses);
	sort(current, node->lo_addresses, node->n_lo_addresses);
	return 0;
}

struct choice {
	const struct running *run;
	const struct node *from;
	struct ip_addr first, best; /* family 0: none yet */
	uint8_t family;
};

static int consider(struct choice *choice, const struct current *current, struct err *err)
{
	for (size_t i = 0; i < current->n; i++) {
		const struct ip_addr *addr = &current->list[i].prefix.addr;
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

static int choose(struct target *target, struct choice *choice, const struct node *node,
		  const struct end *end, const char *typed, struct err *err)
{
	uint8_t asked = choice->family;
	struct current current = {0};
	int ret = read_current(&current, choice->run, end ? end->node : node, end, err);

	/* IPv4 unless the user says so or there is none: a fault must not be hidden by IPv6. */
	for (int pass = 0; !ret && !choice->first.family && pass < (asked ? 1 : 2); pass++) {
		if (!asked)
			choice->family = pass ? AF_INET6 : AF_INET;
		ret = consider(choice, &current, err);
	}
	free(current.list);
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

/* UBSan checks arguments of strchr() for NULL, and GCC then warns of what comes after such a check.
 */
__attribute__((nonnull(1))) static int bad_address(const char *typed, struct err *err)
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
