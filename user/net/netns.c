// SPDX-License-Identifier: GPL-2.0-only
/* netns.c - network namespaces: enter, make, name, recognize. Names are as ip-netns(8) keeps them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/net/net.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* linux 5.14 */
#endif

struct visit {
	int netns_fd;
	int (*fn)(void *arg);
	void *arg;
	int entered; /* 0, or -errno of setns */
	int ret;
};

static void *visit_thread(void *arg)
{
	struct visit *visit = arg;

	if (setns(visit->netns_fd, CLONE_NEWNET)) {
		visit->entered = -errno;
		return NULL;
	}
	visit->ret = visit->fn(visit->arg);
	return NULL;
}

int netns_run(int netns_fd, int (*fn)(void *arg), void *arg, struct err *err)
{
	struct visit visit = {.netns_fd = netns_fd, .fn = fn, .arg = arg};
	pthread_t thread;
	int ret = pthread_create(&thread, NULL, visit_thread, &visit);

	if (ret)
		return err_set(err, ERR_SYSTEM, ret, "cannot start a thread: %s", strerror(ret));
	pthread_join(thread, NULL);
	if (!visit.entered)
		return visit.ret;
	err_set(err, err_code_of(-visit.entered), -visit.entered,
		"cannot enter a network namespace: %s", strerror(-visit.entered));
	if (visit.entered == -EPERM)
		err_hint(err, "this needs CAP_SYS_ADMIN: run as root");
	return visit.entered;
}

static int open_netns_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs)) {
		error = errno;
		if (fd >= 0)
			close(fd);
		return err_set(err, error == EACCES ? ERR_PRIVILEGE : ERR_SYSTEM, error,
			       "cannot open the network namespace %s: %s", path, strerror(error));
	}
	if (fs.f_type == NSFS_MAGIC)
		return fd;
	close(fd);
	err_set(err, ERR_SYSTEM, EINVAL, "%s is not a network namespace", path);
	err_hint(err,
		 "a crash or an unmount left an empty file there; `ip netns delete` removes it");
	return -EINVAL;
}

int netns_open_self(struct err *err)
{
	return open_netns_file("/proc/thread-self/ns/net", err);
}

int netns_open_main(struct err *err)
{
	return open_netns_file("/proc/self/ns/net", err);
}

int netns_open(const char *name, struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : NETNS_DIR "/", name);
	return open_netns_file(path, err);
}

int netns_open_pid(int pid, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return open_netns_file(path, err);
}

/* Cookie of the calling thread's namespace; 0 if the kernel tells none (before 5.14). */
static int read_cookie(void *arg)
{
	uint64_t *cookie = arg;
	socklen_t len = sizeof(*cookie);
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (sock < 0)
		return -errno;
	*cookie = 0;
	if (getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len))
		ret = errno == ENOPROTOOPT ? 0 : -errno; /* a kernel before 5.14 has none */
	close(sock);
	return ret;
}

static int read_inode(int netns_fd, struct netns_id *id, struct err *err)
{
	struct stat st;

	if (fstat(netns_fd, &st))
		return err_set(err, ERR_SYSTEM, errno, "cannot identify a network namespace: %s",
			       strerror(errno));
	id->inode = st.st_ino;
	return 0;
}

int netns_identify(int netns_fd, struct netns_id *id, struct err *err)
{
	struct netns_id found = {0};
	int ret = read_inode(netns_fd, &found, err);

	if (!ret)
		ret = netns_run(netns_fd, read_cookie, &found.cookie, err);
	if (ret < 0)
		return err_set(err, ERR_SYSTEM, -ret, "cannot identify a network namespace: %s",
			       strerror(-ret));
	*id = found;
	return 0;
}

int netns_enter(int netns_fd, struct netns_id *id, struct err *err)
{
	struct netns_id found = {0};
	int ret = read_inode(netns_fd, &found, err);

	if (ret)
		return ret;
	if (setns(netns_fd, CLONE_NEWNET))
		return err_set(err, err_code_of(errno), errno,
			       "cannot enter a network namespace: %s", strerror(errno));
	ret = read_cookie(&found.cookie);
	if (ret)
		return err_set(err, ERR_SYSTEM, -ret, "cannot identify a network namespace: %s",
			       strerror(-ret));
	*id = found;
	return 0;
}

/* To the namespace of the main thread. Where that is not allowed, the thread stays where it is. */
static void go_home(void)
{
	cleanup_close int fd = netns_open_main(NULL);

	if (fd >= 0)
		setns(fd, CLONE_NEWNET);
}

int netns_new(struct netns_id *id, struct err *err)
{
	int fd, ret;

	/* The new one may copy settings from the one that it is made in (devconf.h). */
	go_home();
	if (unshare(CLONE_NEWNET)) {
		int error = errno;

		err_set(err, err_code_of(error), error, "cannot make a network namespace: %s",
			strerror(error));
		if (error == EPERM)
			err_hint(err, "this needs CAP_SYS_ADMIN: run as root");
		else if (error == ENOSPC)
			err_hint(err, "see /proc/sys/user/max_net_namespaces");
		return -error;
	}
	fd = netns_open_self(err);
	if (fd < 0)
		return fd;
	ret = read_inode(fd, id, err);
	if (!ret)
		ret = read_cookie(&id->cookie);
	if (ret < 0) {
		err_set(err, ERR_SYSTEM, -ret, "cannot identify a network namespace: %s",
			strerror(-ret));
		close(fd);
		return ret;
	}
	return fd;
}

void netns_raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int netns_prepare_dir(struct err *err)
{
	if (mkdir(NETNS_DIR, 0755) && errno != EEXIST)
		return err_set(err, ERR_SYSTEM, errno, "cannot make %s: %s", NETNS_DIR,
			       strerror(errno));
	if (!mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL))
		return 0;
	/* Not a mount point yet: bind it to itself, as ip-netns does. */
	if (errno == EINVAL && !mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) &&
	    !mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL))
		return 0;
	return err_set(err, err_code_of(errno), errno, "cannot make %s a shared mount: %s",
		       NETNS_DIR, strerror(errno));
}

/* A file that appears at once with its content: its name is linked when it is complete. */
static int make_marked_file(const char *path, const char *mark)
{
	char link[64];
	int fd = open(NETNS_DIR, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0444);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, mark, strlen(mark)) < 0)
		ret = -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (!ret && linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW))
		ret = -errno;
	close(fd);
	return ret;
}

int netns_name(int netns_fd, const char *name, const char *mark, struct err *err)
{
	char path[PATH_MAX], source[64], found[128];
	int ret;

	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	ret = make_marked_file(path, mark);
	/* One that was ours, and could be unmounted but not removed. */
	if (ret == -EEXIST &&
	    netns_name_state(name, found, sizeof(found), NULL) == NETNS_NAME_STALE &&
	    !strcmp(found, mark) && !unlink(path))
		ret = make_marked_file(path, mark);
	if (ret) {
		err_set(err, ERR_SYSTEM, -ret, "cannot make %s: %s", path, strerror(-ret));
		if (ret == -EEXIST)
			err_hint(err, "a namespace of that name exists and is not this lab's");
		return ret;
	}
	snprintf(source, sizeof(source), "/proc/self/fd/%d", netns_fd);
	if (mount(source, path, "none", MS_BIND, NULL)) {
		ret = err_set(err, err_code_of(errno), errno,
			      "cannot mount a network namespace on %s: %s", path, strerror(errno));
		unlink(path);
	}
	return ret;
}

/* What opening or reading says of links, sockets, directories, devices: no files of ours. */
static bool is_no_file(int error)
{
	return error == ELOOP || error == ENXIO || error == EISDIR || error == EAGAIN ||
	       error == EINVAL;
}

static int fd_name_state(int fd, char *mark, size_t mark_size)
{
	struct statfs fs;
	ssize_t n;

	if (fstatfs(fd, &fs))
		return -errno;
	if (fs.f_type == NSFS_MAGIC)
		return NETNS_NAME_MOUNTED;
	n = read(fd, mark, mark_size - 1);
	if (n < 0 && !is_no_file(errno))
		return -errno;
	mark[n > 0 ? n : 0] = '\0';
	return NETNS_NAME_STALE;
}

int netns_name_state(const char *name, char *mark, size_t mark_size, struct err *err)
{
	char path[PATH_MAX];
	int fd, ret;

	mark[0] = '\0';
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		ret = errno == ENOENT	  ? NETNS_NAME_FREE
		      : is_no_file(errno) ? NETNS_NAME_STALE
					  : -errno;
	} else {
		ret = fd_name_state(fd, mark, mark_size);
		close(fd);
	}
	if (ret < 0)
		err_set(err, ERR_SYSTEM, -ret, "cannot look at %s: %s", path, strerror(-ret));
	return ret;
}

/* Whether what stands under the name is ours; 1 if it is mounted, 0 if it is a stale file. */
static int name_is_ours(const char *name, int netns_fd, const struct netns_id *id, const char *mark)
{
	char found[128], path[PATH_MAX];
	struct stat st;
	struct netns_id now;
	int fd, ret = netns_name_state(name, found, sizeof(found), NULL);

	if (ret < 0)
		return ret;
	if (ret == NETNS_NAME_FREE)
		return -ENOENT;
	if (ret == NETNS_NAME_STALE)
		return strcmp(found, mark) ? -ESTALE : 0;
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	if (netns_fd >= 0)
		return stat(path, &st) ? -errno : st.st_ino == id->inode ? 1 : -ESTALE;
	fd = netns_open(name, NULL);
	if (fd < 0)
		return fd;
	ret = netns_identify(fd, &now, NULL);
	close(fd);
	if (ret)
		return ret;
	return netns_same(&now, id) ? 1 : -ESTALE;
}

int netns_unname(const char *name, int netns_fd, const struct netns_id *id, const char *mark,
		 struct err *err)
{
	char path[PATH_MAX];
	int mounted = name_is_ours(name, netns_fd, id, mark);

	if (mounted == -ENOENT)
		return 0;
	if (mounted == -ESTALE)
		return -ESTALE;
	if (mounted < 0)
		return err_set(err, ERR_SYSTEM, -mounted, "cannot look at %s/%s: %s", NETNS_DIR,
			       name, strerror(-mounted));
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	if (mounted && umount2(path, MNT_DETACH) && errno != EINVAL)
		return err_set(err, ERR_SYSTEM, errno, "cannot unmount %s: %s", path,
			       strerror(errno));
	if (unlink(path) && errno != ENOENT)
		return err_set(err, ERR_SYSTEM, errno, "cannot remove %s: %s", path,
			       strerror(errno));
	return 0;
}

/* Gone, or no namespace; anything else may have been the one. */
static int gone_or(int error)
{
	return error == ENOTDIR || error == ESRCH || error == EINVAL ? -ENOENT : -error;
}

int netns_open_same(const char *path, const struct netns_id *id)
{
	struct netns_id found;
	struct stat st;
	int fd, ret;

	if (stat(path, &st))
		return gone_or(errno);
	if (st.st_ino != id->inode)
		return -ENOENT;
	fd = open_netns_file(path, NULL);
	if (fd < 0)
		return gone_or(-fd);
	ret = netns_identify(fd, &found, NULL);
	if (!ret && netns_same(&found, id))
		return fd;
	close(fd);
	return ret ? ret : -ENOENT;
}

struct search {
	const struct netns_id *id;
	int fd; /* or -ENOENT so far, or what kept us from looking somewhere */
};

/* What may not be looked at is somebody else's. Returns whether to go on. */
static bool look_in(struct search *search, const char *path, bool theirs)
{
	int fd = netns_open_same(path, search->id);

	if (fd >= 0 || (fd != -ENOENT && !(theirs && (fd == -EACCES || fd == -EPERM))))
		search->fd = fd;
	return fd < 0;
}

static void look_below(struct search *search, const char *dir, const char *rest, bool theirs)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	char path[PATH_MAX];

	errno = d ? 0 : errno;
	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", dir, entry->d_name, rest);
		if (!look_in(search, path, theirs))
			break;
		errno = 0;
	}
	if (search->fd < 0 && errno && errno != ENOENT)
		search->fd = -errno;
	if (d)
		closedir(d);
}

static bool on_mount(const char *path, void *arg)
{
	return look_in(arg, path, true);
}

int netns_find(const struct netns_id *id)
{
	struct search search = {id, -ENOENT};

	look_in(&search, "/proc/thread-self/ns/net", false);
	if (search.fd < 0)
		look_below(&search, NETNS_DIR, "", false);
	if (search.fd < 0)
		look_below(&search, "/proc", "/ns/net", true);
	if (search.fd < 0) /* where others mount namespaces: /run/docker/netns and the like */
		netns_each_mount(on_mount, &search);
	return search.fd;
}
