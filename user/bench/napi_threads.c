// SPDX-License-Identifier: GPL-2.0-only
/* napi_threads.c - NAPI in kernel threads, which only sysfs can ask for on most kernels. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "user/bench/internal.h"

/* sysfs as the calling thread's network namespace has it, mounted nowhere: goes with the
 * descriptor. */
static int open_sysfs(void)
{
	int fs = fsopen("sysfs", FSOPEN_CLOEXEC), root = -1;

	if (fs < 0)
		return -errno;
	if (!fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		root = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (root < 0)
		root = -errno;
	close(fs);
	return root;
}

/* Inside the side's namespace. */
static int set_threaded(void *arg)
{
	const struct bench_side *side = arg;
	char path[64];
	int root = open_sysfs(), fd, ret;

	if (root < 0)
		return root;
	snprintf(path, sizeof(path), "class/net/%s/threaded", strchr(side->name, ':') + 1);
	fd = openat(root, path, O_WRONLY | O_CLOEXEC);
	ret = fd < 0 ? -errno : 0;
	close(root);
	if (ret)
		return ret;
	if (write(fd, "1", 1) != 1 && errno != EOPNOTSUPP) /* EOPNOTSUPP: there is no NAPI */
		ret = -errno;
	close(fd);
	return ret;
}

static int thread_side(const struct bench_side *side, struct err *err)
{
	struct bench_side copy = *side;
	int ret = netns_run(side->netns_fd, set_threaded, &copy, err);

	if (!ret)
		return 0;
	err_set(err, ret == -ENOENT ? ERR_PRIVILEGE : err_code_of(-ret), -ret,
		"%s: cannot put NAPI into threads (kernel: %s)", side->name, strerror(-ret));
	if (ret == -ENOENT)
		err_hint(err, "this needs Linux 5.12");
	return ret;
}

int napi_threads_on(const struct bench_link *link, struct err *err)
{
	int ret = thread_side(&link->from, err);

	return ret ? ret : thread_side(&link->to, err);
}
