// SPDX-License-Identifier: GPL-2.0-only
/* lock.c - one process at a time changes a lab; a killed holder holds nothing. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/lab/files.h"

static int make_dir(const char *path, struct err *err)
{
	if (!mkdir(path, 0755) || errno == EEXIST)
		return 0;
	err_set(err, errno == EACCES || errno == EPERM ? ERR_PRIVILEGE : ERR_SYSTEM, errno,
		"cannot make %s: %s", path, strerror(errno));
	if (err && err->code == ERR_PRIVILEGE)
		err_hint(err, "labs are built by root: sudo vethlab ...");
	return -errno;
}

/* The lock file that was locked may have been removed meanwhile by a `down`: then try again. */
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

	/* For words only: a lock without a number in it is a lock all the same. */
	if (ftruncate(fd, 0) || pwrite(fd, pid, n, 0) != n)
		return;
}

int lab_lock(const char *name, struct err *err)
{
	char dir[PATH_MAX], path[PATH_MAX + 8];
	int fd, ret;

	snprintf(dir, sizeof(dir), LAB_DIR "/%s", name);
	snprintf(path, sizeof(path), "%s/lock", dir);
	ret = lab_privileges(err);
	if (ret)
		return ret;
	for (;;) {
		ret = make_dir(LAB_DIR, err);
		if (ret)
			return ret;
		if (mkdir(dir, 0755) && errno == ENOENT)
			continue; /* the last lab's `down` has removed LAB_DIR in between */
		ret = make_dir(dir, err);
		if (ret)
			return ret;
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 && errno == ENOENT)
			continue; /* the folder was removed in between */
		if (fd < 0)
			return err_set(err, errno == EACCES ? ERR_PRIVILEGE : ERR_SYSTEM, errno,
				       "cannot open %s: %s", path, strerror(errno));
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			ret = errno == EWOULDBLOCK ? busy(fd, name, err) :
						     err_set(err, ERR_SYSTEM, errno,
							     "cannot lock %s: %s", path,
							     strerror(errno));
			close(fd);
			return ret;
		}
		if (is_current(fd, path))
			break;
		close(fd);
	}
	write_pid(fd);
	return fd;
}

bool lab_is_locked(const char *name)
{
	char path[PATH_MAX];
	bool locked;
	int fd;

	snprintf(path, sizeof(path), LAB_DIR "/%s/lock", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	locked = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}

int lab_lock_all(struct err *err)
{
	int fd, ret = make_dir(LAB_DIR, err);

	if (ret)
		return ret;
	fd = open(LAB_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, errno, "cannot open %s: %s", LAB_DIR,
			       strerror(errno));
	while (flock(fd, LOCK_EX))
		if (errno != EINTR) {
			ret = err_set(err, ERR_SYSTEM, errno, "cannot lock %s: %s", LAB_DIR,
				      strerror(errno));
			close(fd);
			return ret;
		}
	return fd;
}
