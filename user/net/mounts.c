// SPDX-License-Identifier: GPL-2.0-only
/* mounts.c - namespaces by where they are mounted, and what they call each other. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/net_namespace.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "user/net/net.h"

void netns_each_mount(bool (*fn)(const char *path, void *arg), void *arg)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;

	/* ID PARENT DEVICE ROOT PATH ...: the root of a network namespace is net:[INODE]. */
	while (f && getline(&line, &size, f) > 0) {
		char root[64], path[PATH_MAX];

		if (sscanf(line, "%*d %*d %*s %63s %4095s", root, path) != 2 ||
		    strncmp(root, "net:[", 5) != 0 || strchr(path, '\\'))
			continue;
		if (!fn(path, arg))
			break;
	}
	free(line);
	if (f)
		fclose(f);
}

static void read_mark(int dir, const char *name, char mark[NETNS_MARK_SIZE])
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd >= 0 ? read(fd, mark, NETNS_MARK_SIZE - 1) : 0;

	mark[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

int netns_each_mark(bool (*fn)(const char *name, const char *mark, void *arg), void *arg)
{
	/* A copy of that mount alone: what is mounted on its files is not in it (open_tree(2)). */
	int copy = open_tree(AT_FDCWD, NETNS_DIR, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int fd = copy < 0 ? -1 : openat(copy, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int ret = dir ? 0 : -errno;
	char mark[NETNS_MARK_SIZE];
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		read_mark(fd, entry->d_name, mark);
		if (mark[0] && !fn(entry->d_name, mark, arg))
			break;
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	if (copy >= 0)
		close(copy);
	return ret == -ENOENT ? 0 : ret;
}

static int on_nsid(const struct nlmsghdr *msg, void *arg)
{
	const struct nlattr *attr;

	if (msg->nlmsg_type != RTM_NEWNSID)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, msg, sizeof(struct rtgenmsg))
		if (mnl_attr_get_type(attr) == NETNSA_NSID)
			*(int32_t *)arg = (int32_t)mnl_attr_get_u32(attr);
	return MNL_CB_STOP;
}

int netns_nsid(struct nl *nl, int netns_fd, int32_t *nsid, struct err *err)
{
	struct nl_what what = {.object = "a network namespace", .action = "be identified"};
	struct nlmsghdr *msg = nl_begin(nl, RTM_GETNSID, 0);
	struct rtgenmsg *gen = mnl_nlmsg_put_extra_header(msg, sizeof(*gen));

	gen->rtgen_family = AF_UNSPEC;
	mnl_attr_put_u32(msg, NETNSA_FD, netns_fd);
	*nsid = -1;
	return nl_dump(nl, msg, on_nsid, nsid, &what, err);
}
