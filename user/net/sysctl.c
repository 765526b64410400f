// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysctl.c - settings of the calling thread's network namespace (net_ctl_root in the kernel:
 * /proc/sys/net is that of the thread that opens it).
 *
 * What every namespace has under /proc/sys/net has one name and one parent, so that the kernel's
 * dentry cache holds them in one chain (proc_sys_compare() tells them apart) and each look-up in a
 * new namespace walks all of it: 1,000 namespaces spent a fifth of their building there. So
 * a thread that has looked often goes on with a procfs of its own, which nobody else sees, and
 * takes another one after some more looks.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "user/net/net.h"

enum { VIEW_USES = 128 };

/* A procfs that is mounted nowhere. */
struct sysctl_view {
	int fd; /* its root; -1: none, the usual one serves */
	unsigned used;
};

static pthread_key_t view_key;
static bool has_key;
static pthread_once_t view_once = PTHREAD_ONCE_INIT;

static void free_view(void *arg)
{
	struct sysctl_view *view = arg;

	if (view->fd >= 0)
		close(view->fd);
	free(view);
}

static void make_key(void)
{
	has_key = !pthread_key_create(&view_key, free_view);
}

static struct sysctl_view *own_view(void)
{
	struct sysctl_view *view;

	pthread_once(&view_once, make_key);
	if (!has_key)
		return NULL;
	view = pthread_getspecific(view_key);
	if (view)
		return view;
	view = malloc(sizeof(*view));
	if (!view)
		return NULL;
	*view = (struct sysctl_view){.fd = -1};
	if (!pthread_setspecific(view_key, view))
		return view;
	free(view);
	return NULL;
}

static int mount_view(void)
{
	int root = -1, fs = fsopen("proc", FSOPEN_CLOEXEC);

	if (fs < 0)
		return -1;
	if (!fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		root = fsmount(fs, FSMOUNT_CLOEXEC,
			       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	close(fs);
	return root;
}

/* Where paths below /proc are looked up; -1: in the usual place. */
static int proc_root(void)
{
	struct sysctl_view *view = own_view();

	if (!view)
		return -1;
	if (++view->used % VIEW_USES == 0) {
		if (view->fd >= 0)
			close(view->fd);
		view->fd = mount_view();
	}
	return view->fd;
}

/*
 * As sysctl(8): dots separate, a '/' stands for a dot in a name (net.ipv4.conf.eth0/100.rp_filter);
 * a key that has '/' first separates by them.
 */
static void key_to_path(const char *key, char path[PATH_MAX])
{
	bool slashes = strcspn(key, "/") < strcspn(key, ".");
	size_t n = snprintf(path, PATH_MAX, "/proc/sys/");

	for (; *key && n < PATH_MAX - 1; key++)
		path[n++] = slashes ? *key : *key == '.' ? '/' : *key == '/' ? '.' : *key;
	path[n] = '\0';
}

static int open_key(const char *key, int flags)
{
	char path[PATH_MAX];
	int root = proc_root();

	key_to_path(key, path);
	/* openat() with a path that begins with '/' would not look at root. */
	return openat(root, root < 0 ? path : path + strlen("/proc/"), flags | O_CLOEXEC);
}

int sysctl_get(const char *key, char *value, size_t size)
{
	int fd = open_key(key, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, value, size - 1);
	value[n > 0 ? n : 0] = '\0';
	value[strcspn(value, "\n")] = '\0';
	close(fd);
	return n < 0 ? -errno : 0;
}

int sysctl_set(const char *key, const char *value)
{
	int fd = open_key(key, O_WRONLY), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}
