// SPDX-License-Identifier: GPL-2.0-only
/* lock.c - the lock of a lab: one process at a time changes it. See state.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/lab/machine_features.h"
#include "user/lab/state.h"

static int make_dir(const char *path, struct err *err)
{
	int error;

	if (!mkdir(path, 0755) || errno == EEXIST)
		return 0;
	error = errno;
	err_set(err, error == EACCES || error == EPERM ? ERR_PRIVILEGE : ERR_SYSTEM, error,
		"cannot make %s: %s", path, strerror(error));
	if (err && err->code == ERR_PRIVILEGE)
		err_hint(err, "labs are built by root: sudo vethlab ...");
	return -error;
}

/* Whether the locked file is still the lab's: a `down` may have removed it before it was locked. */
static bool is_current(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static int busy(int fd, const char *name, struct err *err)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	err_set(err, ERR_FAILED, EBUSY, "lab %s is being changed by another vethlab (process %s)",
		name, pid[0] ? pid : "unknown");
	err_hint(err, "wait for it, then try again");
	return -EBUSY;
}

static void write_pid(int fd)
{
	char pid[16];
	int n = snprintf(pid, sizeof(pid), "%d\n", getpid());

	/* Only a message uses the number; the lock holds without it. */
	if (ftruncate(fd, 0) || pwrite(fd, pid, n, 0) != n)
		return;
}

/*
 * After a failure, remove the lab's lock file and directory, if nobody holds the lock and nothing
 * else is in there. fd -1: there is no lock file.
 */
static void remove_unused(int fd, const char *dir, const char *path)
{
	if (fd < 0 || (!flock(fd, LOCK_EX | LOCK_NB) && is_current(fd, path))) {
		if (fd >= 0)
			unlink(path);
		if (!rmdir(dir))
			rmdir(LAB_DIR); /* fails unless it is empty */
	}
}

/* Returns a descriptor, or -errno. -EAGAIN: a `down` has removed a directory or file meanwhile. */
static int try_lock(const char *name, const char *dir, const char *path, struct err *err)
{
	int fd, ret = make_dir(LAB_DIR, err);

	if (ret)
		return ret;
	ret = make_dir(dir, err);
	if (ret == -ENOENT) {
		err_clear(err);
		return -EAGAIN;
	}
	if (ret) {
		rmdir(LAB_DIR); /* fails unless it is empty */
		return ret;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 && errno == ENOENT)
		return -EAGAIN;
	if (fd < 0) {
		ret = err_set(err, errno == EACCES ? ERR_PRIVILEGE : ERR_SYSTEM, errno,
			      "cannot open %s: %s", path, strerror(errno));
		remove_unused(fd, dir, path);
		return ret;
	}
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		if (is_current(fd, path))
			return fd;
		ret = -EAGAIN;
	} else if (errno == EWOULDBLOCK) {
		ret = busy(fd, name, err);
	} else {
		ret = err_set(err, ERR_SYSTEM, errno, "cannot lock %s: %s", path, strerror(errno));
		remove_unused(fd, dir, path);
	}
	close(fd);
	return ret;
}

int lab_lock(const char *name, struct err *err)
{
	char dir[PATH_MAX], path[PATH_MAX + 8];
	int fd = lab_privileges(err);

	if (fd)
		return fd;
	snprintf(dir, sizeof(dir), LAB_DIR "/%s", name);
	snprintf(path, sizeof(path), "%s/lock", dir);
	do
		fd = try_lock(name, dir, path, err);
	while (fd == -EAGAIN);
	if (fd >= 0)
		write_pid(fd);
	return fd;
}

bool lab_is_locked(const char *name)
{
	cleanup_close int fd = -1;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), LAB_DIR "/%s/lock", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
}

int lab_lock_all(struct err *err)
{
	cleanup_close int fd = -1;
	int ret = make_dir(LAB_DIR, err);

	if (ret)
		return ret;
	fd = open(LAB_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, errno, "cannot open %s: %s", LAB_DIR,
			       strerror(errno));
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			return err_set(err, ERR_SYSTEM, errno, "cannot lock %s: %s", LAB_DIR,
				       strerror(errno));
	return cleanup_take_fd(&fd);
}
