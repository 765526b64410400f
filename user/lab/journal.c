// SPDX-License-Identifier: GPL-2.0-only
/*
 * journal.c - see journal.h.
 *
 * Lines are not synced to disk: what write(2) has taken outlives the process, however it dies. If
 * the machine dies, everything that a line describes is gone too, and /run (a tmpfs) with it; if
 * /run is on a disk, the first line tells that the journal is of an earlier boot.
 */
#include <ctype.h>
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
#include "user/base/number.h"
#include "user/lab/journal.h"

struct journal {
	int fd;		      /* O_APPEND */
	pthread_mutex_t lock; /* of an append, which may have to take its line back */
};

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

/* ---- reading --------------------------------------------------------------------------------- */

/* The next word of a line, which ends at a blank or with the line. False: there is none. */
static bool next_word(const char **at, char word[JOURNAL_WORD_SIZE])
{
	size_t len = strcspn(*at, " ");

	if (!len || len >= JOURNAL_WORD_SIZE)
		return false;
	memcpy(word, *at, len);
	word[len] = '\0';
	*at += len;
	*at += **at == ' ';
	return true;
}

static bool next_number(const char **at, uint64_t least, uint64_t most, uint64_t *number)
{
	char word[JOURNAL_WORD_SIZE];

	return next_word(at, word) && number_parse(word, least, most, number);
}

static bool next_u32(const char **at, uint32_t least, uint32_t most, uint32_t *number)
{
	uint64_t value;

	if (!next_number(at, least, most, &value))
		return false;
	*number = value;
	return true;
}

static bool next_prefix(const char **at, struct ip_prefix *prefix)
{
	char word[JOURNAL_WORD_SIZE];

	return next_word(at, word) && ip_prefix_parse(word, prefix);
}

/* A name of a file: no way out of its directory. */
static bool next_name(const char **at, struct journal_step *step)
{
	return next_word(at, step->name) && !strchr(step->name, '/') && step->name[0] != '.';
}

static int parse_sysctl(const char *at, struct journal_step *step)
{
	if (!next_word(&at, step->name) || at[-1] != ' ' || !isalnum(step->name[0]) ||
	    strstr(step->name, "..") || strstr(step->name, "//"))
		return -EINVAL;
	step->value = unescape(at);
	return step->value ? 0 : -ENOMEM;
}

/* What follows the namespace in a line of each kind but sysctl; nothing may follow it. */
static bool parse_rest(const char *at, struct journal_step *step)
{
	uint32_t kind;

	switch (step->kind) {
	case JOURNAL_NETNS:
		return next_name(&at, step) && !*at;
	case JOURNAL_END:
		return next_u32(&at, 1, INT32_MAX, &step->ifindex) && next_name(&at, step) && !*at;
	case JOURNAL_ROUTE:
		if (!next_u32(&at, 0, ROUTE_PROHIBIT, &kind))
			return false;
		step->route_kind = kind;
		return next_u32(&at, 0, UINT32_MAX, &step->metric) &&
		       next_prefix(&at, &step->prefix) && !*at;
	case JOURNAL_ADDRESS:
		return next_u32(&at, 1, INT32_MAX, &step->ifindex) &&
		       next_prefix(&at, &step->prefix) && !*at;
	case JOURNAL_CLSACT:
		return next_u32(&at, 1, INT32_MAX, &step->ifindex) && !*at;
	case JOURNAL_FILTER:
		if (!next_u32(&at, 1, INT32_MAX, &step->ifindex) ||
		    !next_u32(&at, 0, VL_HOOKS - 1, &kind))
			return false;
		step->hook = kind;
		return next_u32(&at, 0, UINT32_MAX, &step->prog_id) && !*at;
	case JOURNAL_SYSCTL:
		break;
	}
	return false;
}

int journal_parse(struct journal_step *step, const char *line)
{
	static const char *const kinds[] = {
		[JOURNAL_NETNS] = "netns",     [JOURNAL_END] = "end",
		[JOURNAL_SYSCTL] = "sysctl",   [JOURNAL_ROUTE] = "route",
		[JOURNAL_ADDRESS] = "address", [JOURNAL_CLSACT] = "clsact",
		[JOURNAL_FILTER] = "filter",
	};
	char word[JOURNAL_WORD_SIZE];
	size_t kind = 0;

	*step = (struct journal_step){0};
	if (!next_word(&line, word))
		return -EINVAL;
	while (kind < sizeof(kinds) / sizeof(kinds[0]) && strcmp(word, kinds[kind]) != 0)
		kind++;
	step->kind = kind;
	if (kind == sizeof(kinds) / sizeof(kinds[0]) ||
	    !next_number(&line, 0, UINT64_MAX, &step->id.inode) ||
	    !next_number(&line, 0, UINT64_MAX, &step->id.cookie))
		return -EINVAL;
	if (kind == JOURNAL_SYSCTL)
		return parse_sysctl(line, step);
	return parse_rest(line, step) ? 0 : -EINVAL;
}

static bool parse_head(const char *line, struct journal_head *head)
{
	char word[JOURNAL_WORD_SIZE], boot[JOURNAL_WORD_SIZE];
	struct journal_head parsed = {0};

	if (!next_word(&line, word) || strcmp(word, "vethlab") != 0 || !next_word(&line, word) ||
	    strcmp(word, "1") != 0 || !next_word(&line, boot) || strlen(boot) >= BOOT_ID_SIZE ||
	    !next_u32(&line, 0, INT32_MAX, &parsed.ifindex_base) ||
	    !next_u32(&line, 0, INT32_MAX, &parsed.range) ||
	    !next_u32(&line, 0, UINT32_MAX, &parsed.group) || *line)
		return false;
	snprintf(parsed.boot, sizeof(parsed.boot), "%s", boot);
	*head = parsed;
	return true;
}

void journal_lines_free(struct journal_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->steps[i].value);
	for (size_t i = 0; i < lines->n_unread; i++)
		free(lines->unread[i].text);
	free(lines->steps);
	free(lines->unread);
	*lines = (struct journal_lines){0};
}

int journal_add_step(struct journal_lines *lines, const struct journal_step *step)
{
	if (array_reserve(&lines->steps, &lines->room, lines->n + 1, sizeof(*lines->steps)))
		return -ENOMEM;
	lines->steps[lines->n++] = *step;
	return 0;
}

static int add_unread(struct journal_lines *lines, size_t number, const char *text)
{
	struct journal_unread unread = {number, strdup(text)};

	if (!unread.text || array_reserve_one(&lines->unread, lines->n_unread, sizeof(unread))) {
		free(unread.text);
		return -ENOMEM;
	}
	lines->unread[lines->n_unread++] = unread;
	return 0;
}

/* line: of len bytes and a NUL. One with a NUL in it is not what a vethlab wrote. */
static int add_line(struct journal_lines *lines, size_t number, const char *line, size_t len)
{
	struct journal_step step;
	int ret = -EINVAL;

	if (number == 1) {
		lines->has_head = strlen(line) == len && parse_head(line, &lines->head);
		return lines->has_head ? 0 : add_unread(lines, number, line);
	}
	if (strlen(line) == len)
		ret = journal_parse(&step, line);
	if (ret)
		return ret == -EINVAL ? add_unread(lines, number, line) : ret;
	ret = journal_add_step(lines, &step);
	if (ret)
		free(step.value);
	return ret;
}

int journal_read_file(struct journal_lines *lines, FILE *f)
{
	cleanup_free char *line = NULL;
	size_t size = 0, number = 0;
	ssize_t len;
	int ret;

	errno = 0;
	while ((len = getline(&line, &size, f)) > 0) {
		if (line[len - 1] != '\n')
			break; /* cut short by a crash: its step was not begun */
		line[len - 1] = '\0';
		ret = add_line(lines, ++number, line, len - 1);
		if (ret)
			return ret;
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
	ret = f ? journal_read_file(lines, f) : -errno;
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
	char *end;

	journal_path(name, path, sizeof(path));
	f = fopen(path, "re");
	if (!f)
		return -errno;
	end = fgets(line, sizeof(line), f) ? strchr(line, '\n') : NULL;
	if (!end)
		return -ENOENT;
	*end = '\0';
	return parse_head(line, head) ? 0 : -ENOENT;
}

int journal_find_sysctl(const char *name, const struct netns_id *id, const char *key, char **value)
{
	struct journal_lines lines;
	int ret = journal_read(&lines, name, NULL);

	if (ret)
		return ret;
	ret = -ENOENT;
	for (size_t i = 0; i < lines.n && ret == -ENOENT; i++) {
		struct journal_step *step = &lines.steps[i];

		if (step->kind != JOURNAL_SYSCTL || !netns_same(&step->id, id) ||
		    strcmp(step->name, key) != 0)
			continue;
		*value = cleanup_take(step->value);
		ret = 0;
	}
	journal_lines_free(&lines);
	return ret;
}
