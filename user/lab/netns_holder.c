// SPDX-License-Identifier: GPL-2.0-only
/* netns_holder.c - see netns_holder.h. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/process.h"
#include "user/lab/netns_holder.h"

/* A search, at one process. */
struct holder_search {
	struct kept_netns *list;
	size_t n, left; /* left: of these nobody was told yet */
	const struct notes *notes;
	struct statx nsfs; /* a file of the file system in which namespaces are */
	int pid, pidfd;	   /* pidfd -1: not open yet */
	char name[PROCESS_NAME_SIZE];
};

static struct kept_netns *kept_by_inode(const struct holder_search *search, uint64_t inode)
{
	for (size_t i = 0; inode && i < search->n; i++)
		if (search->list[i].id.inode == inode && !search->list[i].told)
			return &search->list[i];
	return NULL;
}

__attribute__((format(printf, 3, 4))) static void
tell(struct holder_search *search, struct kept_netns *netns, const char *fmt, ...)
{
	char how[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(how, sizeof(how), fmt, ap);
	va_end(ap);
	notes_tell(search->notes, "%s: process %d (%s) keeps the network namespace alive: %.300s",
		   netns->name, search->pid, search->name, how);
	netns->told = true;
	search->left--;
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static bool on_mount(const char *path, void *arg)
{
	struct holder_search *search = arg;

	for (size_t i = 0; i < search->n; i++) {
		int fd = netns_open_same(path, &search->list[i].id);

		if (fd < 0)
			continue;
		close(fd);
		notes_tell(search->notes,
			   "%s: the mount %s keeps the network namespace alive, with what is in it",
			   search->list[i].name, path);
		search->list[i].told = true;
	}
	return true;
}

void netns_holder_mounts(struct kept_netns *list, size_t n, const struct notes *notes)
{
	struct holder_search search = {.list = list, .n = n, .notes = notes};

	netns_each_mount(on_mount, &search);
}

/* Mounts that the process sees, perhaps in a mount namespace of its own. */
static void look_at_mounts(struct holder_search *search)
{
	cleanup_fclose FILE *f = NULL;
	cleanup_free char *line = NULL;
	char path[64], where[256];
	size_t size = 0;
	uint64_t inode;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", search->pid);
	f = fopen(path, "re");
	while (f && getline(&line, &size, f) > 0) {
		struct kept_netns *netns = NULL;

		if (sscanf(line, "%*d %*d %*s net:[%" SCNu64 "] %255s", &inode, where) == 2)
			netns = kept_by_inode(search, inode);
		if (netns)
			tell(search, netns, "it is mounted on %s, as that process sees it", where);
	}
}

/* ---- descriptors ----------------------------------------------------------------------------- */

/*
 * The inode of the namespace that a socket or a tap of the process was made in; 0: that cannot be
 * told. A descriptor of /dev/net/tun answers as a socket does (tun_chr_ioctl in drivers/net/tun.c).
 */
static uint64_t netns_made_in(struct holder_search *search, int theirs)
{
	cleanup_close int copy = -1, netns = -1;
	struct stat st;

	if (search->pidfd < 0)
		search->pidfd = syscall(SYS_pidfd_open, search->pid, 0);
	if (search->pidfd >= 0)
		copy = syscall(SYS_pidfd_getfd, search->pidfd, theirs, 0);
	if (copy >= 0)
		netns = ioctl(copy, SIOCGSKNS);
	return netns >= 0 && !fstat(netns, &st) ? st.st_ino : 0;
}

static bool is_tun(const struct statx *st)
{
	enum { MISC_MAJOR = 10, TUN_MINOR = 200 }; /* linux/major.h, linux/miscdevice.h */

	return st->stx_rdev_major == MISC_MAJOR && st->stx_rdev_minor == TUN_MINOR;
}

/* What readlink() says does not count: a namespace that was opened by a mount is called by its
 * path.
 */
static void look_at_descriptor(struct holder_search *search, int dir, const char *number)
{
	struct kept_netns *netns = NULL;
	struct statx st;

	/* No question to another machine, which may not answer. */
	if (statx(dir, number, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &st))
		return;
	if (S_ISSOCK(st.stx_mode) || (S_ISCHR(st.stx_mode) && is_tun(&st))) {
		netns = kept_by_inode(search, netns_made_in(search, atoi(number)));
		if (netns)
			tell(search, netns, "its descriptor %s is a %s in it", number,
			     S_ISSOCK(st.stx_mode) ? "socket" : "tap");
	} else if (st.stx_dev_major == search->nsfs.stx_dev_major &&
		   st.stx_dev_minor == search->nsfs.stx_dev_minor) {
		netns = kept_by_inode(search, st.stx_ino);
		if (netns)
			tell(search, netns, "it has a descriptor of it (%s)", number);
	}
}

/* ---- processes ------------------------------------------------------------------------------- */

static void look_at_thread(struct holder_search *search, const char *thread)
{
	struct kept_netns *netns;
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/ns/net", search->pid, thread);
	netns = stat(path, &st) ? NULL : kept_by_inode(search, st.st_ino);
	if (netns && atoi(thread) == search->pid)
		tell(search, netns, "it is in it");
	else if (netns)
		tell(search, netns, "its thread %.16s is in it", thread);
}

static void look_below(struct holder_search *search, const char *what)
{
	cleanup_closedir DIR *dir = NULL;
	struct dirent *entry;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", search->pid, what);
	dir = opendir(path);
	while (dir && search->left && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (!strcmp(what, "task"))
			look_at_thread(search, entry->d_name);
		else
			look_at_descriptor(search, dirfd(dir), entry->d_name);
	}
}

void netns_holder_processes(struct kept_netns *list, size_t n, const struct notes *notes)
{
	struct holder_search search = {.list = list, .n = n, .notes = notes, .pidfd = -1};
	cleanup_closedir DIR *dir = opendir("/proc");
	struct dirent *entry;

	statx(AT_FDCWD, "/proc/self/ns/net", 0, STATX_INO, &search.nsfs);
	for (size_t i = 0; i < n; i++)
		search.left += !list[i].told;
	while (dir && search.left && (entry = readdir(dir))) {
		search.pid = atoi(entry->d_name);
		if (search.pid <= 0 || search.pid == getpid())
			continue;
		process_name(search.pid, search.name);
		look_below(&search, "task");
		look_below(&search, "fd");
		if (search.left)
			look_at_mounts(&search);
		if (search.pidfd >= 0)
			close(search.pidfd);
		search.pidfd = -1;
	}
}
