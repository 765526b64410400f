// SPDX-License-Identifier: GPL-2.0-only
/*
 * pins.c - a lab's directory in bpffs: its maps and programs pinned there, and removed.
 */
#include "user/watch/drops.h"
#include "user/watch/internal.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Directories in a lab's directory. */
static const char *const dir_names[] = {"links", "locks"};

void watch_path(char path[256], const char *lab, const char *fmt, ...)
{
	int n = snprintf(path, 256, WATCH_DIR "/%s/", lab);
	va_list args;

	va_start(args, fmt);
	vsnprintf(path + n, 256 - n, fmt, args);
	va_end(args);
}

int watch_mount_bpffs(struct err *err)
{
	struct statfs fs;

	if (statfs(BPFFS, &fs)) {
		/* One mounted over what cannot be looked at would hide the pins of others. */
		if (errno != ENOENT)
			return watch_fail(err, errno, BPFFS, "look at the file system",
					  "CAP_SYS_ADMIN");
	} else if ((unsigned long)fs.f_type == BPF_FS_MAGIC) {
		return fs.f_flags & ST_RDONLY ? watch_fail(err, EROFS, BPFFS, "pin programs there",
							   "CAP_SYS_ADMIN")
					      : 0;
	}
	if (mkdir(BPFFS, 0700) && errno != EEXIST && errno != EROFS && errno != EPERM)
		return watch_fail(err, errno, BPFFS, "make the directory", "CAP_SYS_ADMIN");
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700")) {
		int error = errno;

		watch_fail(err, error, BPFFS, "mount bpffs", "CAP_SYS_ADMIN");
		if (error == ENODEV || error == ENOENT)
			err_hint(err,
				 "the kernel needs CONFIG_BPF_SYSCALL, and /sys must be mounted");
		return -error;
	}
	return 1;
}

/* Whoever owns a directory, or may write to it, can put other objects and symlinks in place of
 * ours. */
static int check_owner(const char *path, bool sticky_is_enough, struct err *err)
{
	struct stat st;

	if (lstat(path, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode)) {
		err_set(err, ERR_FAILED, ENOTDIR, "%s is no directory, it is user %u's", path,
			st.st_uid);
	} else if (st.st_uid && st.st_uid != geteuid()) {
		err_set(err, ERR_FAILED, EPERM,
			"%s belongs to user %u, who could replace what is pinned below it", path,
			st.st_uid);
	} else if ((st.st_mode & 022) && !(sticky_is_enough && st.st_mode & S_ISVTX)) {
		err_set(err, ERR_FAILED, EPERM,
			"%s may be written by other users (mode %04o), who could replace what is "
			"pinned below it",
			path, st.st_mode & 07777);
	} else {
		return 0;
	}
	return -EPERM;
}

int watch_check_dir(struct err *err)
{
	int ret = check_owner(WATCH_DIR, false, err);

	if (ret == -EPERM)
		err_hint(err, "look what is there, remove it, and `chmod 0700 %s`", BPFFS);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = check_owner(BPFFS, true, err);
	if (ret == -EPERM)
		err_hint(err, "`chmod 0700 %s`, then try again", BPFFS);
	return ret ? ret : 1;
}

static int make_dir(const char *path, struct err *err)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return watch_fail(err, errno, path, "make the directory", "CAP_BPF");
	return 0;
}

static int pin(int fd, const char *lab, const char *name, struct err *err)
{
	char path[256];

	if (fd < 0)
		return 0;
	watch_path(path, lab, "%s", name);
	if (bpf_obj_pin(fd, path))
		return watch_fail(err, errno, path, "pin", "CAP_BPF");
	return 0;
}

int watch_pin_program(struct watch *watch, int prog, struct err *err)
{
	return pin(watch->progs[prog], watch->lab, watch_prog_names[prog], err);
}

int watch_pin(struct watch *watch, struct err *err)
{
	char path[256];
	int ret;

	watch_path(path, watch->lab, "%s", "");
	ret = make_dir(WATCH_DIR, err);
	if (ret)
		return ret;
	ret = watch_check_dir(err);
	if (ret < 0)
		return ret;
	ret = make_dir(path, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < sizeof(dir_names) / sizeof(*dir_names); i++) {
		watch_path(path, watch->lab, "%s", dir_names[i]);
		ret = make_dir(path, err);
		if (ret)
			return ret;
	}
	for (int i = 0; i < VL_SESSIONS; i++) {
		watch_path(path, watch->lab, "locks/%d", i);
		ret = make_dir(path, err);
		if (ret)
			return ret;
	}
	for (int i = 0; i < WATCH_MAPS; i++) {
		ret = pin(watch->maps[i], watch->lab, watch_map_names[i], err);
		if (ret)
			return ret;
	}
	for (int i = 0; i < WATCH_PROGS; i++) {
		ret = watch_pin_program(watch, i, err);
		if (ret)
			return ret;
	}
	/* Without BTF there are none, and reading says so. */
	watch_start_drops(watch, NULL);
	return 0;
}

/* Remove what is below dir and dir itself. bpffs nests no deeper than we make it. */
static int remove_tree(int parent, const char *dir)
{
	int fd = openat(parent, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), ret = 0;
	struct dirent *entry;
	DIR *list;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	list = fdopendir(fd);
	if (!list) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while (!ret && (entry = readdir(list))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (entry->d_type == DT_DIR)
			ret = remove_tree(fd, entry->d_name);
		else if (unlinkat(fd, entry->d_name, 0) && errno != ENOENT)
			ret = -errno;
	}
	closedir(list);
	if (!ret && unlinkat(parent, dir, AT_REMOVEDIR) && errno != ENOENT)
		ret = -errno;
	return ret;
}

/* The interfaces of an observed lab stay: its programs are detached when the pins are removed. */
static void detach_all(const char *lab)
{
	char path[256];
	struct dirent *entry;
	DIR *dir;

	watch_path(path, lab, "places");
	if (access(path, F_OK))
		return;
	watch_path(path, lab, "links");
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		watch_path(path, lab, "links/%s", entry->d_name);
		watch_detach(path);
	}
	if (dir)
		closedir(dir);
}

int watch_unpin(const char *lab, struct err *err)
{
	char path[256];
	int ret;

	/* If it is not there, or another user's, nothing of ours is in it. */
	if (watch_check_dir(NULL) != 1)
		return 0;
	detach_all(lab);
	snprintf(path, sizeof(path), WATCH_DIR "/%s", lab);
	ret = remove_tree(AT_FDCWD, path);
	if (ret)
		return watch_fail(err, -ret, path, "remove its pins", "CAP_DAC_OVERRIDE");
	/* Another lab may be in it. */
	if (rmdir(WATCH_DIR) && errno != ENOTEMPTY && errno != ENOENT)
		return watch_fail(err, errno, WATCH_DIR, "remove the directory",
				  "CAP_DAC_OVERRIDE");
	return 0;
}
