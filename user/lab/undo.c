// SPDX-License-Identifier: GPL-2.0-only
/* undo.c - see undo.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/lab/node_setup.h"
#include "user/lab/undo.h"

enum { LINE_SIZE = JOURNAL_LINE_SIZE };

/* A descriptor of the namespace of a line; -ENOENT: gone, and what was in it; else err is set. */
static int open_netns(const struct netns_id *id, struct err *err)
{
	int fd = netns_find(id);

	if (fd < 0 && fd != -ENOENT)
		err_set(err, ERR_SYSTEM, -fd, "cannot look for a network namespace: %s",
			strerror(-fd));
	return fd;
}

/* Delete an interface of ours from a namespace of somebody else, if it is there and carries our
 * mark. */
static int undo_end(const char *line, const struct journal_head *head, struct err *err)
{
	struct link_info info;
	struct netns_id id;
	struct nl *nl = NULL;
	char ifname[LINE_SIZE];
	struct nl_what what = {.object = ifname, .action = "be removed", .ignore = ENODEV};
	uint32_t ifindex;
	int fd, ret;

	if (sscanf(line, "end %" SCNu64 " %" SCNu64 " %" SCNu32 " %511s", &id.inode, &id.cookie,
		   &ifindex, ifname) != 4)
		return 0;
	fd = open_netns(&id, err);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ret = nl_open(&nl, fd, err);
	if (!ret) {
		ret = link_get(nl, ifindex, NULL, &info, err);
		if (ret == -ENODEV) {
			ret = 0;
		} else if (!ret && info.group == head->group) {
			ret = link_delete(nl, ifindex, &what, err);
			if (!ret)
				ret = nl_flush(nl, err);
		}
	}
	nl_close(nl);
	close(fd);
	return ret;
}

static int undo_sysctl(const char *line, struct err *err)
{
	struct netns_id id;
	char key[LINE_SIZE];
	int fd, ret, value = 0;

	if (sscanf(line, "sysctl %" SCNu64 " %" SCNu64 " %511s %n", &id.inode, &id.cookie, key,
		   &value) != 3 ||
	    !value)
		return 0;
	fd = open_netns(&id, err);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ret = node_setup_restore_sysctl(fd, key, line + value, err);
	close(fd);
	return ret;
}

static int undo_route(const char *line, struct err *err)
{
	char text[LINE_SIZE];
	struct nl_what what = {.object = text, .action = "remove the route", .ignore = ESRCH};
	struct route route = {0};
	struct netns_id id;
	struct nl *nl = NULL;
	int fd, kind, ret;

	if (sscanf(line, "route %" SCNu64 " %" SCNu64 " %d %" SCNu32 " %511s", &id.inode,
		   &id.cookie, &kind, &route.metric, text) != 5 ||
	    !ip_prefix_parse(text, &route.to))
		return 0;
	route.kind = kind;
	fd = open_netns(&id, err);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ret = nl_open(&nl, fd, err);
	if (!ret)
		ret = route_delete(nl, &route, ROUTE_OURS, NULL, NULL, &what, err);
	if (!ret)
		ret = nl_flush(nl, err);
	nl_close(nl);
	close(fd);
	return ret;
}

static int undo_address(const char *line, struct err *err)
{
	char text[LINE_SIZE];
	struct nl_what what = {
		.object = text, .action = "remove the address", .ignore = EADDRNOTAVAIL};
	struct ip_prefix prefix;
	struct netns_id id;
	struct nl *nl = NULL;
	uint32_t ifindex;
	int fd, ret;

	if (sscanf(line, "address %" SCNu64 " %" SCNu64 " %" SCNu32 " %511s", &id.inode, &id.cookie,
		   &ifindex, text) != 4 ||
	    !ip_prefix_parse(text, &prefix))
		return 0;
	fd = open_netns(&id, err);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ret = nl_open(&nl, fd, err);
	if (!ret)
		ret = address_is_marked(nl, ifindex, &prefix, ADDRESS_OURS, err);
	if (ret > 0) {
		ret = address_delete(nl, ifindex, &prefix, &what, err);
		if (!ret)
			ret = nl_flush(nl, err);
	}
	nl_close(nl);
	close(fd);
	return ret;
}

/* What is on an interface of others, by clsact; the words for it in errors. */
static int undo_on_interface(const char *line, struct err *err)
{
	bool clsact = !strncmp(line, "clsact ", 7);
	struct watch_filter filter = {0};
	struct netns_id id;
	struct nl *nl = NULL;
	char object[32];
	int fd, ret, hook = 0;
	int n = sscanf(line, "%*s %" SCNu64 " %" SCNu64 " %" SCNu32 " %d %" SCNu32, &id.inode,
		       &id.cookie, &filter.ifindex, &hook, &filter.prog_id);

	if (n != (clsact ? 3 : 5))
		return 0;
	filter.hook = hook;
	snprintf(object, sizeof(object), "interface %" PRIu32, filter.ifindex);
	fd = open_netns(&id, err);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ret = nl_open(&nl, fd, err);
	if (!ret)
		ret = clsact ? watch_clsact_remove(nl, filter.ifindex, object, err)
			     : watch_filter_remove(nl, &filter, object, err);
	nl_close(nl);
	close(fd);
	return ret;
}

int undo_line(const char *line, const struct journal_head *head, struct err *err)
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
		return undo_on_interface(line, err);
	return 0;
}
