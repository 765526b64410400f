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
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/lab/journal.h"

struct journal {
	int fd;		      /* O_APPEND */
	pthread_mutex_t lock; /* of an append, which may have to take its line back */
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

/*
 * Append a whole line or nothing: half a line, which a full disk may leave, would be joined with
 * the next one. Under the lock.
 */
static int write_line(const struct journal *journal, const char *line, size_t len)
{
	struct stat stat;
	ssize_t n;

	if (fstat(journal->fd, &stat))
		return -errno;
	n = write(journal->fd, line, len);
	if (n == (ssize_t)len)
		return 0;
	n = n < 0 ? -errno : -ENOSPC;
	return ftruncate(journal->fd, stat.st_size) ? -errno : n;
}

static int append(struct journal *journal, struct err *err, const char *fmt, ...)
{
	cleanup_free char *line = NULL;
	va_list ap;
	int n, ret;

	va_start(ap, fmt);
	n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0) {
		line = NULL;
		return err_set(err, ERR_SYSTEM, ENOMEM, "journal: out of memory");
	}
	pthread_mutex_lock(&journal->lock);
	ret = write_line(journal, line, n);
	pthread_mutex_unlock(&journal->lock);
	if (ret)
		return err_set(err, ERR_SYSTEM, -ret, "cannot write the journal: %s",
			       strerror(-ret));
	return 0;
}

/* Cut off the last line if it is incomplete: its step was not begun. */
static int drop_torn_line(int fd)
{
	struct stat stat;
	off_t end;
	char c;

	if (fstat(fd, &stat))
		return -errno;
	for (end = stat.st_size; end > 0; end--) {
		if (pread(fd, &c, 1, end - 1) != 1)
			return -EIO;
		if (c == '\n')
			break;
	}
	return end < stat.st_size && ftruncate(fd, end) ? -errno : 0;
}

static int open_file(struct journal **out, const char *name, int flags, struct err *err)
{
	cleanup_free struct journal *journal = malloc(sizeof(*journal));
	cleanup_close int fd = -1;
	char path[PATH_MAX];
	int ret;

	if (!journal)
		return err_set(err, ERR_SYSTEM, ENOMEM, "journal: out of memory");
	journal_path(name, path, sizeof(path));
	fd = open(path, flags | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, errno, "cannot open %s: %s", path, strerror(errno));
	ret = drop_torn_line(fd);
	if (ret)
		return err_set(err, ERR_SYSTEM, -ret, "cannot repair %s: %s", path, strerror(-ret));
	journal->fd = cleanup_take_fd(&fd);
	pthread_mutex_init(&journal->lock, NULL);
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
	pthread_mutex_destroy(&journal->lock);
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

/* A newline becomes \n, and \ becomes \\. NULL: out of memory. */
static char *escape(const char *value)
{
	char *escaped = malloc(2 * strlen(value) + 1), *p = escaped;

	for (; escaped && *value; value++) {
		if (*value == '\n' || *value == '\\')
			*p++ = '\\';
		*p++ = *value == '\n' ? 'n' : *value;
	}
	if (escaped)
		*p = '\0';
	return escaped;
}

static char *unescape(const char *text)
{
	char *value = malloc(strlen(text) + 1), *p = value;

	for (; value && *text; text++) {
		bool escaped = *text == '\\' && text[1];

		text += escaped;
		*p++ = escaped && *text == 'n' ? '\n' : *text;
	}
	if (value)
		*p = '\0';
	return value;
}

int journal_sysctl(struct journal *journal, const struct netns_id *id, const char *key,
		   const char *value, struct err *err)
{
	cleanup_free char *escaped = escape(value);

	if (!escaped)
		return err_set(err, ERR_SYSTEM, ENOMEM, "journal: out of memory");
	if (strlen(key) >= JOURNAL_WORD_SIZE)
		return err_set(err, ERR_SYSTEM, ENAMETOOLONG,
			       "journal: the key of a sysctl may have %d bytes",
			       JOURNAL_WORD_SIZE - 1);
	return append(journal, err, "sysctl %" PRIu64 " %" PRIu64 " %s %s\n", id->inode, id->cookie,
		      key, escaped);
}

int journal_parse_sysctl(const char *line, struct netns_id *id, char key[JOURNAL_WORD_SIZE],
			 char **value)
{
	int at = 0;
	char *text;

	if (sscanf(line, "sysctl %" SCNu64 " %" SCNu64 " %511s%n", &id->inode, &id->cookie, key,
		   &at) != 3 ||
	    line[at] != ' ')
		return -EINVAL;
	text = unescape(line + at + 1);
	if (!text)
		return -ENOMEM;
	*value = text;
	return 0;
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
	cleanup_free char *line = NULL;
	size_t room = 0, size = 0;
	bool first = true;
	ssize_t len;

	errno = 0;
	while ((len = getline(&line, &size, f)) > 0) {
		if (line[len - 1] != '\n')
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
	if (!feof(f))
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
	char path[PATH_MAX], line[JOURNAL_HEAD_SIZE];
	cleanup_fclose FILE *f = NULL;

	journal_path(name, path, sizeof(path));
	f = fopen(path, "re");
	if (!f)
		return -errno;
	return fgets(line, sizeof(line), f) && strchr(line, '\n') && parse_head(line, head)
		       ? 0
		       : -ENOENT;
}

int journal_find_sysctl(const char *name, const struct netns_id *id, const char *key, char **value)
{
	char found[JOURNAL_WORD_SIZE];
	struct journal_lines lines;
	struct netns_id owner;
	int ret = journal_read(&lines, name, NULL);

	if (ret)
		return ret;
	ret = -ENOENT;
	for (size_t i = 0; i < lines.n && ret == -ENOENT; i++) {
		char *before = NULL;

		ret = journal_parse_sysctl(lines.steps[i], &owner, found, &before);
		if (ret == -EINVAL || (!ret && (!netns_same(&owner, id) || strcmp(found, key)))) {
			free(before);
			ret = -ENOENT;
		} else if (!ret) {
			*value = before;
		}
	}
	journal_lines_free(&lines);
	return ret;
}
