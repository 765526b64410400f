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

/*
 * Of the owner alone: whoever may open a file here could lock it, and keep every `up` waiting. One
 * that an earlier version made is tightened.
 */
static int make_dir(const char *path, struct err *err)
{
	struct stat st;
	int error;

	if (!mkdir(path, 0700))
		return 0;
	if (errno == EEXIST && (stat(path, &st) || !(st.st_mode & 077) || !chmod(path, 0700)))
		return 0;
	error = errno;
	err_set(err, err_code_of(error), error, "cannot make %s: %s", path, strerror(error));
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

/*
 * A lock of the open file description: unlike that of flock(2), it can be asked for without taking
 * it. 0, or -errno: -EWOULDBLOCK if another one has it.
 */
static int take(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	return errno == EACCES || errno == EAGAIN ? -EWOULDBLOCK : -errno;
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
	if (fd < 0 || (!take(fd) && is_current(fd, path))) {
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
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ENOENT)
		return -EAGAIN;
	if (fd < 0) {
		ret = err_set(err, errno == EACCES ? ERR_PRIVILEGE : ERR_SYSTEM, errno,
			      "cannot open %s: %s", path, strerror(errno));
		remove_unused(fd, dir, path);
		return ret;
	}
	ret = take(fd);
	if (!ret) {
		if (is_current(fd, path))
			return fd;
		ret = -EAGAIN;
	} else if (ret == -EWOULDBLOCK) {
		ret = busy(fd, name, err);
	} else {
		err_set(err, ERR_SYSTEM, -ret, "cannot lock %s: %s", path, strerror(-ret));
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

int lab_lock_running(const struct running *run, struct err *err)
{
	cleanup_close int fd = -1;
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), LAB_DIR "/%s/lock", run->name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return running_taken_down(run, err);
	if (fd < 0)
		return err_set(err, errno == EACCES ? ERR_PRIVILEGE : ERR_SYSTEM, errno,
			       "cannot open %s: %s", path, strerror(errno));
	ret = take(fd);
	if (ret == -EWOULDBLOCK)
		return busy(fd, run->name, err);
	if (ret)
		return err_set(err, ERR_SYSTEM, -ret, "cannot lock %s: %s", path, strerror(-ret));
	if (!is_current(fd, path))
		return running_taken_down(run, err);
	write_pid(fd);
	return cleanup_take_fd(&fd);
}

bool lab_is_locked(const char *name)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	cleanup_close int fd = -1;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), LAB_DIR "/%s/lock", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

int lab_lock_all(const volatile int *interrupted, const struct notes *notes, struct err *err)
{
	cleanup_close int fd = -1;
	int ret = make_dir(LAB_DIR, err);

	if (ret)
		return ret;
	/* flock(2), since a directory cannot be opened for writing, which the other lock needs. */
	fd = open(LAB_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, errno, "cannot open %s: %s", LAB_DIR,
			       strerror(errno));
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return cleanup_take_fd(&fd);
	if (errno != EWOULDBLOCK)
		return err_set(err, ERR_SYSTEM, errno, "cannot lock %s: %s", LAB_DIR,
			       strerror(errno));
	notes_tell(notes, "waiting for the process that holds the lock of %s (flock)", LAB_DIR);
	while (flock(fd, LOCK_EX)) {
		if (errno != EINTR)
			return err_set(err, ERR_SYSTEM, errno, "cannot lock %s: %s", LAB_DIR,
				       strerror(errno));
		if (interrupted && *interrupted)
			return err_set(err, ERR_FAILED, EINTR,
				       "interrupted while it waited for the process that holds the "
				       "lock of %s; what was done is undone",
				       LAB_DIR);
	}
	return cleanup_take_fd(&fd);
}
