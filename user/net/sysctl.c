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
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/net/net.h"

enum { VIEW_USES = 128 };
enum { VALUE_SIZE = 1024, VALUE_MAX = 1 << 20 }; /* bytes of a value: of the first try, at most */

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

bool sysctl_is_default(const char *key)
{
	static const char *const dirs[] = {"net/ipv4/conf/default/", "net/ipv6/conf/default/",
					   "net/ipv4/neigh/default/", "net/ipv6/neigh/default/"};
	char path[PATH_MAX];

	key_to_path(key, path);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (!strncmp(path + strlen("/proc/sys/"), dirs[i], strlen(dirs[i])))
			return true;
	return false;
}

static int open_key(const char *key, int flags)
{
	char path[PATH_MAX];
	int root = proc_root();

	key_to_path(key, path);
	/* openat() with a path that begins with '/' would not look at root. */
	return openat(root, root < 0 ? path : path + strlen("/proc/"), flags | O_CLOEXEC);
}

int sysctl_mode(const char *key, mode_t *mode)
{
	cleanup_close int fd = open_key(key, O_PATH);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	*mode = st.st_mode;
	return 0;
}

/*
 * One read(2) of a whole value: the kernel prints a bitmap only at offset 0
 * (proc_do_large_bitmap()). NULL in *out: it does not fit.
 */
static int read_at_once(const char *key, size_t size, char **out)
{
	cleanup_free char *value = malloc(size);
	cleanup_close int fd = open_key(key, O_RDONLY);
	ssize_t n;

	*out = NULL;
	if (fd < 0)
		return -errno;
	if (!value)
		return -ENOMEM;
	n = read(fd, value, size - 1);
	if (n < 0)
		return -errno;
	if ((size_t)n == size - 1)
		return 0;
	if (n && value[n - 1] == '\n')
		n--;
	value[n] = '\0';
	*out = cleanup_take(value);
	return 0;
}

int sysctl_get_all(const char *key, char **value)
{
	char *found = NULL;
	int ret;

	for (size_t size = VALUE_SIZE; size <= VALUE_MAX; size *= 4) {
		ret = read_at_once(key, size, &found);
		if (ret)
			return ret;
		if (found) {
			*value = found;
			return 0;
		}
	}
	return -EFBIG;
}

int sysctl_get(const char *key, char *value, size_t size)
{
	cleanup_free char *all = NULL;
	int ret = sysctl_get_all(key, &all);

	if (ret)
		return ret;
	all[strcspn(all, "\n")] = '\0';
	snprintf(value, size, "%s", all);
	return 0;
}

int sysctl_set(const char *key, const char *value)
{
	cleanup_close int fd = open_key(key, O_WRONLY);
	size_t left;

	if (fd < 0)
		return -errno;
	/* Zero bytes would not reach the setting; a newline empties it. */
	if (!*value)
		value = "\n";
	/* The kernel takes a long bitmap in parts of a page. */
	for (left = strlen(value); left;) {
		ssize_t n = write(fd, value, left);

		if (n < 0)
			return -errno;
		if (!n)
			return -EINVAL;
		value += n;
		left -= n;
	}
	return 0;
}

int sysctl_restore(const char *key, const char *value)
{
	cleanup_free char *before = NULL, *after = NULL;
	int ret = sysctl_get_all(key, &before);

	if (ret)
		return ret;
	if (!strcmp(before, value))
		return 0;
	ret = sysctl_set(key, value);
	if (ret)
		return ret;
	ret = sysctl_get_all(key, &after);
	if (ret)
		return ret;
	return strcmp(after, value) ? -ERANGE : 0;
}

/* ---- settings that the kernel changes with another one -----------------------------------------
 */

/* What is written to a key, the kernel writes to `field` of all that is in the directory. */
static const struct spread {
	const char *key, *dir, *field;
	const char *other; /* this one changes too */
} spreads[] = {
	/* inet_forward_change() in net/ipv4/devinet.c */
	{"net/ipv4/ip_forward", "net/ipv4/conf", "forwarding",
	 "net/ipv4/conf/all/accept_redirects"},
	{"net/ipv4/conf/all/forwarding", "net/ipv4/conf", "forwarding",
	 "net/ipv4/conf/all/accept_redirects"},
	/* addrconf_fixup_forwarding(), addrconf_disable_ipv6(), addrconf_fixup_linkdown() */
	{"net/ipv6/conf/all/forwarding", "net/ipv6/conf", "forwarding", NULL},
	{"net/ipv6/conf/all/disable_ipv6", "net/ipv6/conf", "disable_ipv6", NULL},
	{"net/ipv6/conf/all/ignore_routes_with_linkdown", "net/ipv6/conf",
	 "ignore_routes_with_linkdown", NULL},
};

/* devinet_copy_dflt_conf() and neigh_copy_dflt_parms() write a default to what follows it. */
static const char *const default_dirs[] = {"net/ipv4/conf", "net/ipv4/neigh", "net/ipv6/neigh"};

/*
 * These count in whole seconds, or in hundredths, and the kernel keeps milliseconds, which another
 * file shows (neigh_sysctl_template in net/core/neighbour.c).
 */
static bool is_coarse(const char *field)
{
	return !strcmp(field, "base_reachable_time") || !strcmp(field, "retrans_time");
}

/* The finer one of a neighbor setting. */
static bool find_fine(const char *key, char *fine, size_t size)
{
	const char *field = strrchr(key, '/');

	if ((strncmp(key, "net/ipv4/neigh/", 15) && strncmp(key, "net/ipv6/neigh/", 15)) ||
	    !is_coarse(field + 1))
		return false;
	snprintf(fine, size, "%s_ms", key);
	return true;
}

static bool find_spread(const char *key, struct spread *spread, char dir[32])
{
	for (size_t i = 0; i < sizeof(spreads) / sizeof(*spreads); i++) {
		if (!strcmp(spreads[i].key, key)) {
			*spread = spreads[i];
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(default_dirs) / sizeof(*default_dirs); i++) {
		int n = snprintf(dir, 32, "%s/default/", default_dirs[i]);

		if (!strncmp(key, dir, n)) {
			*spread = (struct spread){key, default_dirs[i], key + n, NULL};
			return true;
		}
	}
	return false;
}

static int visit_spread(const struct spread *spread, DIR *dir, bool defaults,
			int (*fn)(const char *key, void *arg), void *arg)
{
	const struct dirent *entry;
	char key[PATH_MAX];
	int ret;

	rewinddir(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "default") != defaults)
			continue;
		snprintf(key, sizeof(key), "%s/%s/%s%s", spread->dir, entry->d_name, spread->field,
			 is_coarse(spread->field) ? "_ms" : "");
		ret = strcmp(key, spread->key) ? fn(key, arg) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

int sysctl_each_dependent(const char *key, int (*fn)(const char *key, void *arg), void *arg)
{
	char path[PATH_MAX], dir_path[PATH_MAX], fine[PATH_MAX + 4], prefix[32];
	struct spread spread; /* its key and field may point into path */
	cleanup_closedir DIR *dir = NULL;
	int ret;

	key_to_path(key, path);
	if (!find_spread(path + strlen("/proc/sys/"), &spread, prefix))
		return find_fine(path + strlen("/proc/sys/"), fine, sizeof(fine)) ? fn(fine, arg)
										  : 0;
	key_to_path(spread.dir, dir_path);
	dir = opendir(dir_path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	ret = spread.other ? fn(spread.other, arg) : 0;
	if (!ret)
		ret = visit_spread(&spread, dir, false, fn, arg);
	return ret ? ret : visit_spread(&spread, dir, true, fn, arg);
}
