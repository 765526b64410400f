// SPDX-License-Identifier: GPL-2.0-only
/* new_file.c - see new_file.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/new_file.h"

enum { SHARED_BITS = S_ISVTX | S_IWOTH };

/* The directory of path, and the name in it. */
static int open_parent(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	size_t len = slash ? (size_t)(slash - path) : 0;

	*name = slash ? slash + 1 : path;
	if (len >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, len);
	dir[len] = '\0';
	return open(len ? dir : slash ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int refuse(const char *path, const char *kind, uid_t owner, struct err *err)
{
	err_set(err, ERR_FAILED, EACCES,
		"%s: is a %s of user %u, in a directory where everybody may "
		"make files",
		path, kind, owner);
	err_hint(err, "it is not written to; give another name, or a directory of your own");
	return -EACCES;
}

/*
 * In a shared directory: what is there must be the caller's, or that of the directory's owner, and
 * then nobody else can put another file in its place. O_EXCL: there is nothing. 0, or -errno.
 */
static int check_entry(const char *path, int dir, const char *name, const struct stat *parent,
		       struct err *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? O_EXCL : -errno;
	if (st.st_uid == geteuid() || st.st_uid == parent->st_uid)
		return 0;
	return refuse(path, S_ISLNK(st.st_mode) ? "symlink" : "file", st.st_uid, err);
}

static int open_file(const char *path, struct err *err)
{
	const char *name;
	cleanup_close int dir = open_parent(path, &name);
	struct stat parent, st;
	cleanup_close int fd = -1;
	int flags = 0;

	if (dir < 0 || fstat(dir, &parent))
		return -errno;
	if ((parent.st_mode & SHARED_BITS) == SHARED_BITS)
		flags = check_entry(path, dir, name, &parent, err);
	if (flags < 0)
		return flags;
	fd = openat(dir, name, flags | O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (S_ISREG(st.st_mode) && ftruncate(fd, 0))
		return -errno;
	return cleanup_take_fd(&fd);
}

int new_file_open(FILE **file, const char *path, struct err *err)
{
	cleanup_close int fd = open_file(path, err);
	FILE *opened;

	if (fd < 0)
		return err_set(err, ERR_SYSTEM, -fd, "%s: cannot create it (kernel: %s)", path,
			       strerror(-fd));
	opened = fdopen(fd, "w");
	if (!opened)
		return err_set(err, ERR_SYSTEM, errno, "%s: out of memory", path);
	cleanup_take_fd(&fd);
	*file = opened;
	return 0;
}
