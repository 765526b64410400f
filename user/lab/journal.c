// SPDX-License-Identifier: GPL-2.0-only
/*
 * journal.c - see journal.h.
 *
 * Lines are not synced to disk: what write(2) has taken outlives the process, however it dies. If
 * the machine dies, everything that a line describes is gone too, and /run (a tmpfs) with it; if
 * /run is on a disk, the first line tells that the journal is of an earlier boot.
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

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/lab/journal.h"

struct journal {
	int fd; /* O_APPEND: each line is one write(2), so a crash leaves it complete or cut short
		 */
};

int boot_id(char id[BOOT_ID_SIZE], struct err *err)
{
	cleanup_fclose FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || !fgets(id, BOOT_ID_SIZE, f))
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
	char line[JOURNAL_LINE_SIZE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n >= JOURNAL_LINE_SIZE)
		return err_set(err, ERR_SYSTEM, ENAMETOOLONG, "journal: a line is too long");
	if (write(journal->fd, line, n) != n)
		return err_set(err, ERR_SYSTEM, errno ? errno : ENOSPC,
			       "cannot write the journal: %s", strerror(errno));
	return 0;
}

static int open_file(struct journal **out, const char *name, int flags, struct err *err)
{
	cleanup_free struct journal *journal = malloc(sizeof(*journal));
	char path[PATH_MAX];

	if (!journal)
		return err_set(err, ERR_SYSTEM, ENOMEM, "journal: out of memory");
	journal_path(name, path, sizeof(path));
	journal->fd = open(path, flags | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
	if (journal->fd < 0)
		return err_set(err, ERR_SYSTEM, errno, "cannot open %s: %s", path, strerror(errno));
	*out = cleanup_take(journal);
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

void journal_lines_free(struct journal_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->steps[i]);
	free(lines->steps);
	*lines = (struct journal_lines){0};
}

static int read_lines(struct journal_lines *lines, FILE *f)
{
	char line[JOURNAL_LINE_SIZE];
	bool first = true;
	size_t room = 0;

	while (fgets(line, sizeof(line), f)) {
		size_t len = strlen(line);

		if (!len || line[len - 1] != '\n')
			break; /* cut short by a crash: its step was not begun */
		line[len - 1] = '\0';
		if (first) {
			lines->has_head = parse_head(line, &lines->head);
			first = false;
			continue;
		}
		if (array_reserve(&lines->steps, &room, lines->n + 1, sizeof(*lines->steps)))
			return -ENOMEM;
		lines->steps[lines->n] = strdup(line);
		if (!lines->steps[lines->n])
			return -ENOMEM;
		lines->n++;
	}
	if (ferror(f))
		return errno ? -errno : -EIO;
	return 0;
}

int journal_read(struct journal_lines *lines, const char *name, struct err *err)
{
	cleanup_fclose FILE *f = NULL;
	char path[PATH_MAX];
	int ret;

	*lines = (struct journal_lines){0};
	journal_path(name, path, sizeof(path));
	f = fopen(path, "re");
	if (!f && errno == ENOENT)
		return -ENOENT;
	ret = f ? read_lines(lines, f) : -errno;
	if (!ret)
		return 0;
	journal_lines_free(lines);
	return err_set(err, ERR_SYSTEM, -ret, "lab %s: cannot read the journal: %s", name,
		       strerror(-ret));
}

int journal_head(const char *name, struct journal_head *head)
{
	char path[PATH_MAX], line[JOURNAL_LINE_SIZE];
	cleanup_fclose FILE *f = NULL;

	journal_path(name, path, sizeof(path));
	f = fopen(path, "re");
	if (!f)
		return -errno;
	return fgets(line, sizeof(line), f) && strchr(line, '\n') && parse_head(line, head)
		       ? 0
		       : -ENOENT;
}

int journal_find_sysctl(const char *name, const struct netns_id *id, const char *key, char *value,
			size_t size)
{
	char found[JOURNAL_LINE_SIZE];
	struct journal_lines lines;
	struct netns_id owner;
	int ret = journal_read(&lines, name, NULL), at;

	if (ret)
		return ret;
	ret = -ENOENT;
	for (size_t i = 0; i < lines.n && ret; i++) {
		at = 0;
		if (sscanf(lines.steps[i], "sysctl %" SCNu64 " %" SCNu64 " %511s %n", &owner.inode,
			   &owner.cookie, found, &at) != 3 ||
		    !at || !netns_same(&owner, id) || strcmp(found, key) != 0)
			continue;
		snprintf(value, size, "%s", lines.steps[i] + at);
		ret = 0;
	}
	journal_lines_free(&lines);
	return ret;
}
