// SPDX-License-Identifier: GPL-2.0-only
/* undo.c - see undo.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/lab/foreign.h"
#include "user/lab/netns_removal.h"
#include "user/lab/undo.h"

/* ---- one step -------------------------------------------------------------------------------- */

/* A descriptor of a step's namespace. -ENOENT: it is gone, with all that was in it. */
static int open_netns(const struct netns_id *id, struct err *err)
{
	int fd = netns_find(id);

	if (fd < 0 && fd != -ENOENT)
		err_set(err, ERR_SYSTEM, -fd, "cannot look for a network namespace: %s",
			strerror(-fd));
	return fd;
}

/* A socket in a step's namespace. 1: the namespace is gone, with all that was in it. */
static int open_socket(struct nl **nl, const struct netns_id *id, struct err *err)
{
	cleanup_close int fd = open_netns(id, err);

	if (fd < 0)
		return fd == -ENOENT ? 1 : fd;
	return nl_open(nl, fd, err);
}

/* Remove an interface from a foreign namespace, if it is there and has the lab's group. */
static int undo_end(const char *line, const struct journal_head *head, struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	struct link_info info;
	struct netns_id id;
	char ifname[JOURNAL_WORD_SIZE];
	struct nl_what what = {.object = ifname, .action = "be removed", .ignore = ENODEV};
	uint32_t ifindex;
	int ret;

	if (sscanf(line, "end %" SCNu64 " %" SCNu64 " %" SCNu32 " %511s", &id.inode, &id.cookie,
		   &ifindex, ifname) != 4)
		return 0;
	ret = open_socket(&nl, &id, err);
	if (ret)
		return ret < 0 ? ret : 0;
	ret = link_get(nl, ifindex, NULL, &info, err);
	if (ret)
		return ret == -ENODEV ? 0 : ret;
	if (info.group != head->group)
		return 0;
	ret = link_delete(nl, ifindex, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

struct sysctl_value {
	const char *key, *value;
};

static int restore_sysctl(void *arg)
{
	const struct sysctl_value *sysctl = arg;

	return sysctl_restore(sysctl->key, sysctl->value);
}

static int undo_sysctl(const char *line, struct err *err)
{
	cleanup_free char *value = NULL;
	char key[JOURNAL_WORD_SIZE];
	cleanup_close int fd = -1;
	struct sysctl_value sysctl;
	struct netns_id id;
	int ret = journal_parse_sysctl(line, &id, key, &value);

	if (ret == -EINVAL)
		return 0;
	if (ret)
		return err_set(err, ERR_SYSTEM, -ret, "journal: out of memory");
	fd = open_netns(&id, err);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	sysctl = (struct sysctl_value){key, value};
	ret = netns_run(fd, restore_sysctl, &sysctl, err);
	if (ret == -ENOENT) /* the interface that it is about was removed */
		return 0;
	if (ret < 0)
		err_set(err, ERR_SYSTEM, -ret, "cannot set sysctl %s back to \"%.80s%s\": %s", key,
			value, strlen(value) > 80 ? "..." : "",
			ret == -ERANGE ? "the kernel has another value after it was written"
				       : strerror(-ret));
	return ret;
}

static int undo_route(const char *line, struct err *err)
{
	char text[JOURNAL_WORD_SIZE];
	struct nl_what what = {.object = text, .action = "remove the route", .ignore = ESRCH};
	cleanup_nl struct nl *nl = NULL;
	struct route route = {0};
	struct netns_id id;
	int kind, ret;

	if (sscanf(line, "route %" SCNu64 " %" SCNu64 " %d %" SCNu32 " %511s", &id.inode,
		   &id.cookie, &kind, &route.metric, text) != 5 ||
	    !ip_prefix_parse(text, &route.to))
		return 0;
	route.kind = kind;
	ret = open_socket(&nl, &id, err);
	if (ret)
		return ret < 0 ? ret : 0;
	ret = route_delete(nl, &route, ROUTE_OURS, NULL, NULL, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

static int undo_address(const char *line, struct err *err)
{
	char text[JOURNAL_WORD_SIZE];
	struct nl_what what = {
		.object = text, .action = "remove the address", .ignore = EADDRNOTAVAIL};
	cleanup_nl struct nl *nl = NULL;
	struct ip_prefix prefix;
	struct netns_id id;
	uint32_t ifindex;
	int ret;

	if (sscanf(line, "address %" SCNu64 " %" SCNu64 " %" SCNu32 " %511s", &id.inode, &id.cookie,
		   &ifindex, text) != 4 ||
	    !ip_prefix_parse(text, &prefix))
		return 0;
	ret = open_socket(&nl, &id, err);
	if (ret)
		return ret < 0 ? ret : 0;
	ret = address_is_marked(nl, ifindex, &prefix, ADDRESS_OURS, err);
	if (ret <= 0)
		return ret;
	ret = address_delete(nl, ifindex, &prefix, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

/* A clsact qdisc, or a filter on it. */
static int undo_clsact_or_filter(const char *line, struct err *err)
{
	bool clsact = !strncmp(line, "clsact ", 7);
	struct watch_filter filter = {0};
	cleanup_nl struct nl *nl = NULL;
	struct netns_id id;
	char object[32];
	int ret, hook = 0;
	int n = sscanf(line, "%*s %" SCNu64 " %" SCNu64 " %" SCNu32 " %d %" SCNu32, &id.inode,
		       &id.cookie, &filter.ifindex, &hook, &filter.prog_id);

	if (n != (clsact ? 3 : 5))
		return 0;
	filter.hook = hook;
	snprintf(object, sizeof(object), "interface %" PRIu32, filter.ifindex);
	ret = open_socket(&nl, &id, err);
	if (ret)
		return ret < 0 ? ret : 0;
	return clsact ? watch_clsact_remove(nl, filter.ifindex, object, err)
		      : watch_filter_remove(nl, &filter, object, err);
}

static int undo_step(const char *line, const struct journal_head *head, struct err *err)
{
	if (!strncmp(line, "end ", 4))
		return undo_end(line, head, err);
	if (!strncmp(line, "sysctl ", 7))
		return undo_sysctl(line, err);
	if (!strncmp(line, "route ", 6))
		return undo_route(line, err);
	if (!strncmp(line, "address ", 8))
		return undo_address(line, err);
	if (!strncmp(line, "clsact ", 7) || !strncmp(line, "filter ", 7))
		return undo_clsact_or_filter(line, err);
	return 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* The namespaces of the lab that a journal lists; the caller frees *list. */
static int list_netns(const struct journal_lines *lines, struct removed_netns **list, size_t *n,
		      struct err *err)
{
	struct removed_netns *all = calloc(lines->n + 1, sizeof(*all));
	char name[JOURNAL_WORD_SIZE];

	if (!all)
		return err_set(err, ERR_SYSTEM, ENOMEM, "journal: out of memory");
	*n = 0;
	for (size_t i = 0; i < lines->n; i++) {
		struct removed_netns *netns = &all[*n];

		if (sscanf(lines->steps[i], "netns %" SCNu64 " %" SCNu64 " %511s", &netns->id.inode,
			   &netns->id.cookie, name) == 3 &&
		    snprintf(netns->name, sizeof(netns->name), "%s", name) <
			    (int)sizeof(netns->name))
			++*n;
	}
	*list = all;
	return 0;
}

static int undo_steps(const char *name, const struct journal_lines *lines,
		      const struct notes *notes, struct err *err)
{
	cleanup_free struct removed_netns *netns = NULL;
	char mark[64];
	size_t n = 0;
	int ret, first = list_netns(lines, &netns, &n, err);

	if (first)
		return first;
	/* If hardware cannot be moved out, undo nothing: it would be lost with its namespace. */
	first = foreign_move_out(netns, n, &lines->head, notes, err);
	if (first) {
		netns_removal_close(netns, n);
		return first;
	}
	for (size_t i = lines->n; i-- > 0;) {
		ret = undo_step(lines->steps[i], &lines->head, err);
		first = first ? first : ret;
	}
	netns_mark(name, mark);
	ret = netns_removal_wait(netns, n, mark, notes, err);
	return first ? first : ret;
}

int undo_journal(const char *name, const struct notes *notes, struct err *err)
{
	struct journal_lines lines;
	char boot[BOOT_ID_SIZE];
	int ret = boot_id(boot, err);

	if (ret)
		return ret;
	ret = journal_read(&lines, name, err);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	/* Nothing that an earlier boot made is left. */
	if (lines.has_head && !strcmp(lines.head.boot, boot))
		ret = undo_steps(name, &lines, notes, err);
	journal_lines_free(&lines);
	return ret;
}

int undo_filters(const char *name, const struct netns_id *id, uint32_t ifindex, struct err *err)
{
	struct journal_lines lines;
	struct netns_id owner;
	uint32_t filter_ifindex;
	int ret = journal_read(&lines, name, err), first = 0;

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	for (size_t i = lines.n; i-- > 0;) {
		if (sscanf(lines.steps[i], "filter %" SCNu64 " %" SCNu64 " %" SCNu32, &owner.inode,
			   &owner.cookie, &filter_ifindex) != 3 ||
		    filter_ifindex != ifindex || !netns_same(&owner, id))
			continue;
		ret = undo_step(lines.steps[i], NULL, err);
		first = first ? first : ret;
	}
	journal_lines_free(&lines);
	return first;
}
