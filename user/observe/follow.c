// SPDX-License-Identifier: GPL-2.0-only
/* follow.c - see follow.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "user/observe/follow.h"
#include "user/lab/lab.h"

enum {
	REFRESH_MS = 1000, /* for what no event tells of */
	QUIET_MS = 30,	   /* a new link causes several events: made, moved, named, set up */
	QUIET_WAITS = 10,  /* at most so many times QUIET_MS are waited for the last event */
};

enum { FD_NETLINK, FD_INOTIFY, FDS };

struct follow {
	char state[PATH_MAX]; /* the path of state.json, which exists as long as the lab */
	int lock;
	struct nl *nl; /* listens */
	int inotify;
	int names; /* inotify watch of NETNS_DIR; -1: it does not exist yet */
};

static int take_lock(struct follow *follow, const char *lab, struct err *err)
{
	char path[PATH_MAX], pid[16] = "";
	ssize_t n;

	snprintf(path, sizeof(path), LAB_DIR "/%s/follow", lab);
	follow->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (follow->lock < 0)
		return err_set(err, ERR_SYSTEM, errno, "cannot open %s: %s", path, strerror(errno));
	if (!flock(follow->lock, LOCK_EX | LOCK_NB)) {
		n = snprintf(pid, sizeof(pid), "%d\n", getpid());
		/* Only a message uses the number; the lock holds without it. */
		if (ftruncate(follow->lock, 0) || pwrite(follow->lock, pid, n, 0) != n)
			return 0;
		return 0;
	}
	if (errno != EWOULDBLOCK)
		return err_set(err, ERR_SYSTEM, errno, "cannot lock %s: %s", path, strerror(errno));
	n = pread(follow->lock, pid, sizeof(pid) - 1, 0);
	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return err_set(err, ERR_FAILED, EBUSY, "process %s follows lab %s already",
		       pid[0] ? pid : "?", lab);
}

static int listen_everywhere(struct follow *follow, struct err *err)
{
	static const unsigned groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR};
	int ret = nl_open(&follow->nl, -1, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		ret = nl_listen(follow->nl, groups[i], err);
		if (ret)
			return ret;
	}
	/* If it is refused, changes in other namespaces are seen a second later. */
	nl_listen_all_netns(follow->nl);
	return 0;
}

/* NETNS_DIR may not exist yet. */
static void watch_names(struct follow *follow)
{
	if (follow->names < 0)
		follow->names = inotify_add_watch(follow->inotify, NETNS_DIR,
						  IN_CREATE | IN_DELETE | IN_MOVE | IN_ATTRIB);
}

static int watch_files(struct follow *follow, const char *lab, struct err *err)
{
	char path[PATH_MAX];

	follow->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof(path), LAB_DIR "/%s", lab);
	/* Deletion alone: this process itself writes files there. */
	if (follow->inotify < 0 ||
	    inotify_add_watch(follow->inotify, path, IN_DELETE | IN_DELETE_SELF) < 0)
		return err_set(err, ERR_SYSTEM, errno, "cannot watch %s: %s", path,
			       strerror(errno));
	watch_names(follow);
	return 0;
}

static int open_parts(struct follow *follow, const char *lab, struct err *err)
{
	int ret = take_lock(follow, lab, err);

	if (ret)
		return ret;
	ret = listen_everywhere(follow, err);
	return ret ? ret : watch_files(follow, lab, err);
}

int follow_open(struct follow **out, const char *lab, struct err *err)
{
	struct follow *follow = calloc(1, sizeof(*follow));
	int ret;

	if (!follow)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	*follow = (struct follow){.lock = -1, .inotify = -1, .names = -1};
	snprintf(follow->state, sizeof(follow->state), LAB_DIR "/%s/state.json", lab);
	ret = open_parts(follow, lab, err);
	if (ret) {
		follow_close(follow);
		return ret;
	}
	*out = follow;
	return 0;
}

void follow_close(struct follow *follow)
{
	if (!follow)
		return;
	if (follow->lock >= 0)
		close(follow->lock);
	if (follow->inotify >= 0)
		close(follow->inotify);
	nl_close(follow->nl);
	free(follow);
}

static void discard_file_events(const struct follow *follow)
{
	char buffer[32 * 1024];
	ssize_t n;

	do
		n = read(follow->inotify, buffer, sizeof(buffer));
	while (n > 0 || (n < 0 && errno == EINTR));
}

/*
 * Wait for events, whose contents do not matter: a refresh reads everything. 1: there were some; 0:
 * none within timeout_ms; or -errno, as -EINTR.
 */
static int wait_for_events(struct follow *follow, int timeout_ms)
{
	struct pollfd fds[FDS] = {
		[FD_NETLINK] = {nl_fd(follow->nl), POLLIN, 0},
		[FD_INOTIFY] = {follow->inotify, POLLIN, 0},
	};
	int ret = poll(fds, FDS, timeout_ms);

	if (ret <= 0)
		return ret ? -errno : 0;
	if (fds[FD_NETLINK].revents)
		nl_discard_events(follow->nl);
	if (fds[FD_INOTIFY].revents)
		discard_file_events(follow);
	return 1;
}

int follow_wait(struct follow *follow, struct err *err)
{
	int ret = wait_for_events(follow, REFRESH_MS);

	for (int i = 0; ret > 0 && i < QUIET_WAITS; i++)
		ret = wait_for_events(follow, QUIET_MS);
	if (ret == -EINTR)
		return ret;
	if (ret < 0)
		return err_set(err, ERR_SYSTEM, -ret, "cannot wait: %s", strerror(-ret));
	watch_names(follow);
	return access(follow->state, F_OK) ? 0 : 1;
}
