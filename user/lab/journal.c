// SPDX-License-Identifier: GPL-2.0-only
/*
 * journal.c - what to undo, one line a step:
 *
 *	vethlab 1 BOOT BASE RANGE GROUP
 *	netns INODE COOKIE NAME			a namespace of ours is named
 *	end INODE COOKIE IFINDEX IFNAME		an interface of ours in another's namespace
 *	sysctl INODE COOKIE KEY VALUE		a setting of another's namespace, as it was
 *	route INODE COOKIE KIND METRIC PREFIX	a route with our mark in another's namespace
 *	address INODE COOKIE IFINDEX PREFIX	an address with our mark on another's interface
 *	clsact INODE COOKIE IFINDEX		a clsact qdisc of ours on another's interface
 *	filter INODE COOKIE IFINDEX HOOK PROGRAM	a filter of ours on another's interface
 *
 * Interfaces in namespaces of ours go with them, and so does the other end of their links.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lab/journal.h"
#include "user/lab/foreign.h"
#include "user/lab/netns_removal.h"
#include "user/lab/undo.h"

enum { LINE_SIZE = JOURNAL_LINE_SIZE };

/*
 * No fsync() of lines: what is in a file outlives the process that wrote it, however that dies.
 * When the machine dies, so does all that a line could tell of, and /run with it (tmpfs); where
 * /run is on a disk, the first line tells of which boot it is.
 */

struct journal {
	int fd; /* O_APPEND: a line is one write(2), whole or cut short by a crash */
};

int boot_id(char id[BOOT_ID_SIZE], struct err *err)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	bool got = f && fgets(id, BOOT_ID_SIZE, f);

	if (f)
		fclose(f);
	if (!got)
		return err_set(err, ERR_SYSTEM, errno, "cannot read this boot's id: %s",
			       strerror(errno));
	id[strcspn(id, "\n")] = '\0';
	return 0;
}

void netns_mark(const char *name, char mark[64])
{
	snprintf(mark, 64, "vethlab %s\n", name);
}

static void journal_path(const char *name, char *path, size_t size)
{
	snprintf(path, size, LAB_DIR "/%s/journal", name);
}

static int append(struct journal *journal, struct err *err, const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n >= LINE_SIZE)
		return err_set(err, ERR_SYSTEM, ENAMETOOLONG, "journal: a line is too long");
	if (write(journal->fd, line, n) != n)
		return err_set(err, ERR_SYSTEM, errno ? errno : ENOSPC,
			       "cannot write the journal: %s", strerror(errno));
	return 0;
}

static int open_file(struct journal **out, const char *name, int flags, struct err *err)
{
	struct journal *journal = malloc(sizeof(*journal));
	char path[PATH_MAX];

	if (!journal)
		return err_set(err, ERR_SYSTEM, ENOMEM, "journal: out of memory");
	journal_path(name, path, sizeof(path));
	journal->fd = open(path, flags | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
	if (journal->fd < 0) {
		int ret = err_set(err, ERR_SYSTEM, errno, "cannot open %s: %s", path,
				  strerror(errno));

		free(journal);
		return ret;
	}
	*out = journal;
	return 0;
}

int journal_create(struct journal **out, const char *name, const struct journal_head *head,
		   struct err *err)
{
	struct journal *journal;
	int ret = open_file(&journal, name, O_CREAT | O_TRUNC, err);

	if (ret)
		return ret;
	ret = append(journal, err, "vethlab 1 %s %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", head->boot,
		     head->ifindex_base, head->range, head->group);
	if (ret) {
		journal_close(journal);
		return ret;
	}
	*out = journal;
	return 0;
}

int journal_open(struct journal **out, const char *name, struct err *err)
{
	return open_file(out, name, 0, err);
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	close(journal->fd);
	free(journal);
}

int journal_netns(struct journal *journal, const char *netns_name, const struct netns_id *id,
		  struct err *err)
{
	return append(journal, err, "netns %" PRIu64 " %" PRIu64 " %s\n", id->inode, id->cookie,
		      netns_name);
}

int journal_end(struct journal *journal, const struct netns_id *id, uint32_t ifindex,
		const char *ifname, struct err *err)
{
	return append(journal, err, "end %" PRIu64 " %" PRIu64 " %" PRIu32 " %s\n", id->inode,
		      id->cookie, ifindex, ifname);
}

int journal_sysctl(struct journal *journal, const struct netns_id *id, const char *key,
		   const char *value, struct err *err)
{
	return append(journal, err, "sysctl %" PRIu64 " %" PRIu64 " %s %s\n", id->inode, id->cookie,
		      key, value);
}

int journal_route(struct journal *journal, const struct netns_id *id, const struct route *route,
		  struct err *err)
{
	char text[IP_TEXT_SIZE];

	return append(journal, err, "route %" PRIu64 " %" PRIu64 " %d %" PRIu32 " %s\n", id->inode,
		      id->cookie, route->kind, route->metric,
		      ip_prefix_format(&route->to, text, sizeof(text)));
}

int journal_address(struct journal *journal, const struct netns_id *id, uint32_t ifindex,
		    const struct ip_prefix *prefix, struct err *err)
{
	char text[IP_TEXT_SIZE];

	return append(journal, err, "address %" PRIu64 " %" PRIu64 " %" PRIu32 " %s\n", id->inode,
		      id->cookie, ifindex, ip_prefix_format(prefix, text, sizeof(text)));
}

int journal_clsact(struct journal *journal, const struct netns_id *id, uint32_t ifindex,
		   struct err *err)
{
	return append(journal, err, "clsact %" PRIu64 " %" PRIu64 " %" PRIu32 "\n", id->inode,
		      id->cookie, ifindex);
}

int journal_filter(struct journal *journal, const struct netns_id *id,
		   const struct watch_filter *filter, struct err *err)
{
	return append(journal, err, "filter %" PRIu64 " %" PRIu64 " %" PRIu32 " %d %" PRIu32 "\n",
		      id->inode, id->cookie, filter->ifindex, (int)filter->hook, filter->prog_id);
}

static bool parse_head(const char *line, struct journal_head *head)
{
	return sscanf(line, "vethlab 1 %39s %" SCNu32 " %" SCNu32 " %" SCNu32, head->boot,
		      &head->ifindex_base, &head->range, &head->group) == 4;
}

/* The whole lines of a journal; frees with free_lines(). Empty if there is none. */
struct lines {
	char **list;
	size_t n;
};

static void free_lines(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->list[i]);
	free(lines->list);
}

static int read_lines(const char *name, struct lines *lines)
{
	char path[PATH_MAX], line[LINE_SIZE];
	size_t room = 0;
	int ret = 0;
	FILE *f;

	*lines = (struct lines){0};
	journal_path(name, path, sizeof(path));
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		size_t len = strlen(line);

		if (!len || line[len - 1] != '\n')
			break; /* cut short by a crash: its step was not begun */
		line[len - 1] = '\0';
		if (lines->n == room) {
			char **list =
				realloc(lines->list, (room = room ? 2 * room : 64) * sizeof(*list));

			ret = list ? 0 : -ENOMEM;
			if (ret)
				break;
			lines->list = list;
		}
		lines->list[lines->n] = strdup(line);
		ret = lines->list[lines->n] ? 0 : -ENOMEM;
		if (ret)
			break;
		lines->n++;
	}
	/* Not half of it: what is not read is not undone, and then forgotten. */
	if (!ret && ferror(f))
		ret = errno ? -errno : -EIO;
	fclose(f);
	if (ret)
		free_lines(lines);
	return ret;
}

static int cannot_read(const char *name, int ret, struct err *err)
{
	return err_set(err, ERR_SYSTEM, -ret, "lab %s: cannot read the journal: %s", name,
		       strerror(-ret));
}

int journal_head(const char *name, struct journal_head *head)
{
	char path[PATH_MAX], line[LINE_SIZE];
	bool good;
	FILE *f;

	journal_path(name, path, sizeof(path));
	f = fopen(path, "re");
	if (!f)
		return -errno;
	good = fgets(line, sizeof(line), f) && strchr(line, '\n') && parse_head(line, head);
	fclose(f);
	return good ? 0 : -ENOENT;
}

int journal_undo_filters(const char *name, const struct netns_id *id, uint32_t ifindex,
			 struct err *err)
{
	struct netns_id whose;
	struct lines lines;
	uint32_t which;
	int ret = read_lines(name, &lines), first = 0;

	if (ret)
		return ret == -ENOENT ? 0 : cannot_read(name, ret, err);
	for (size_t i = lines.n; i-- > 1;) {
		if (strncmp(lines.list[i], "filter ", 7) ||
		    sscanf(lines.list[i], "filter %" SCNu64 " %" SCNu64 " %" SCNu32, &whose.inode,
			   &whose.cookie, &which) != 3 ||
		    which != ifindex || !netns_same(&whose, id))
			continue;
		ret = undo_line(lines.list[i], NULL, err);
		first = first ? first : ret;
	}
	free_lines(&lines);
	return first;
}

static bool parse_netns(const char *line, struct netns_id *id, char netns_name[LINE_SIZE])
{
	return sscanf(line, "netns %" SCNu64 " %" SCNu64 " %511s", &id->inode, &id->cookie,
		      netns_name) == 3;
}

/* The namespaces of ours that a journal tells of: *homes is the caller's to free. */
static int read_homes(const struct lines *lines, struct removed_netns **homes, size_t *n,
		      struct err *err)
{
	struct removed_netns *list = calloc(lines->n + 1, sizeof(*list));
	char netns_name[LINE_SIZE];

	if (!list)
		return err_set(err, ERR_SYSTEM, ENOMEM, "journal: out of memory");
	*n = 0;
	for (size_t i = 1; i < lines->n; i++)
		if (parse_netns(lines->list[i], &list[*n].id, netns_name) &&
		    snprintf(list[*n].name, sizeof(list[*n].name), "%s", netns_name) <
			    (int)sizeof(list[*n].name))
			++*n;
	*homes = list;
	return 0;
}

/*
 * What others put into our namespaces is looked after before the first of these goes: hardware that
 * cannot be handed back must not go, and then nothing does. Later on a failure does not keep the
 * rest from being undone; the first is told.
 */
static int undo_lines(const char *name, const struct lines *lines, const struct journal_head *head,
		      const struct notes *notes, struct err *err)
{
	struct removed_netns *homes = NULL;
	char mark[64];
	size_t n = 0;
	int ret, first = read_homes(lines, &homes, &n, err);

	if (first)
		return first;
	first = foreign_hand_back(homes, n, head, notes, err);
	if (first) {
		netns_removal_close(homes, n);
		free(homes);
		return first;
	}
	for (size_t i = lines->n; i-- > 1;) {
		ret = undo_line(lines->list[i], head, err);
		first = first ? first : ret;
	}
	netns_mark(name, mark);
	ret = netns_removal_wait(homes, n, mark, notes, err);
	free(homes);
	return first ? first : ret;
}

int journal_undo(const char *name, const struct notes *notes, struct err *err)
{
	struct journal_head head = {0};
	char boot[BOOT_ID_SIZE];
	struct lines lines;
	int ret = boot_id(boot, err);

	if (ret)
		return ret;
	ret = read_lines(name, &lines);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return cannot_read(name, ret, err);
	/* Nothing that a former boot made is left. */
	if (lines.n && parse_head(lines.list[0], &head) && !strcmp(head.boot, boot))
		ret = undo_lines(name, &lines, &head, notes, err);
	free_lines(&lines);
	return ret;
}

int journal_find_sysctl(const char *name, const struct netns_id *id, const char *key, char *value,
			size_t size)
{
	char found[LINE_SIZE];
	struct netns_id whose;
	struct lines lines;
	int ret = read_lines(name, &lines), at;

	if (ret)
		return ret;
	ret = -ENOENT;
	for (size_t i = 1; i < lines.n && ret; i++) {
		at = 0;
		if (sscanf(lines.list[i], "sysctl %" SCNu64 " %" SCNu64 " %511s %n", &whose.inode,
			   &whose.cookie, found, &at) != 3 ||
		    !at || !netns_same(&whose, id) || strcmp(found, key) != 0)
			continue;
		snprintf(value, size, "%s", lines.list[i] + at);
		ret = 0;
	}
	free_lines(&lines);
	return ret;
}
