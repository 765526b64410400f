// SPDX-License-Identifier: GPL-2.0-only
/* sysfs.c - a /sys that shows the calling thread's network namespace. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "user/net/net.h"

/* What is mounted below /sys and is no part of sysfs: it stays reachable. */
static const char *const below[] = {
	"/sys/fs/bpf",	     "/sys/fs/cgroup",	     "/sys/kernel/tracing",
	"/sys/kernel/debug", "/sys/kernel/security", "/sys/firmware/efi/efivars",
};
enum { BELOW = sizeof(below) / sizeof(*below) };

/* A copy of the mount at path and what is below it; -1: nothing of its own is mounted there. */
static int copy_mount(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) || fs.f_type == SYSFS_MAGIC)
		return -1;
	return syscall(SYS_open_tree, AT_FDCWD, path,
		       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

int netns_mount_sysfs(void)
{
	int copies[BELOW], error = 0;
	struct statvfs now;
	struct statfs fs;

	if (statfs("/sys", &fs) || fs.f_type != SYSFS_MAGIC || statvfs("/sys", &now))
		return 0; /* there is none to be mistaken for the namespace's */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/sys", NULL, MS_PRIVATE, NULL))
		return -errno;
	for (int i = 0; i < BELOW; i++)
		copies[i] = copy_mount(below[i]);
	if (mount("sysfs", "/sys", "sysfs",
		  MS_NOSUID | MS_NODEV | MS_NOEXEC | (now.f_flag & ST_RDONLY ? MS_RDONLY : 0),
		  NULL))
		error = errno;
	for (int i = 0; i < BELOW; i++) {
		if (copies[i] < 0)
			continue;
		/* EBUSY: /sys is that of this namespace already. */
		if (!error && syscall(SYS_move_mount, copies[i], "", AT_FDCWD, below[i],
				      MOVE_MOUNT_F_EMPTY_PATH))
			error = errno;
		close(copies[i]);
	}
	return error == EBUSY ? 0 : -error;
}
