// SPDX-License-Identifier: GPL-2.0-only
/* mounts.c - namespaces by where they are mounted, and what they call each other. */
#include <errno.h>
#include <linux/net_namespace.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
