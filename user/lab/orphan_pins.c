// SPDX-License-Identifier: GPL-2.0-only
/* orphan_pins.c - see orphan_pins.h. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/lab/orphan_pins.h"

struct orphan_pins {
	const char *lab;
	const struct notes *notes;
	struct nl *here; /* the calling thread's namespace */
	uint64_t here_inode;
	uint64_t *told; /* inodes of namespaces */
	size_t n_told;
};

/* The name below NETNS_DIR of the namespace with an inode. */
static bool find_name(uint64_t inode, char name[NAME_MAX + 1])
{
	DIR *dir = opendir(NETNS_DIR);
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	struct stat st;

	while (dir && !found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), NETNS_DIR "/%s", entry->d_name);
		if (entry->d_name[0] == '.' || stat(path, &st) || st.st_ino != inode)
			continue;
		found = true;
		snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

/* Whether the interface of an end is there still, by name and number. */
static bool is_there(struct nl *nl, const struct vl_end *end)
{
	struct link_info info;

	return nl && !link_get(nl, end->ifindex, NULL, &info, NULL) &&
	       !strcmp(info.ifname, end->ifname);
}

static bool is_in(const char *name, const struct vl_end *end)
{
	struct nl *nl = NULL;
	int fd = netns_open(name, NULL);
	bool found;

	if (fd < 0)
		return false;
	found = !nl_open(&nl, fd, NULL) && is_there(nl, end);
	nl_close(nl);
	close(fd);
	return found;
}

static bool tell_once(struct orphan_pins *lost, uint64_t inode)
{
	uint64_t *more;

	for (size_t i = 0; i < lost->n_told; i++)
		if (lost->told[i] == inode)
			return false;
	more = realloc(lost->told, (lost->n_told + 1) * sizeof(*more));
	if (!more)
		return false;
	lost->told = more;
	lost->told[lost->n_told++] = inode;
	return true;
}

static void on_end(const struct vl_end *end, void *arg)
{
	struct orphan_pins *lost = arg;
	char name[NAME_MAX + 1], text[1024];

	if (end->netns == lost->here_inode) {
		if (!is_there(lost->here, end))
			return;
		snprintf(text, sizeof(text),
			 "interface %s was an end of lab %s, whose files are lost: `ip link delete "
			 "%s` removes it",
			 end->ifname, lost->lab, end->ifname);
	} else {
		if (!find_name(end->netns, name) || !is_in(name, end) ||
		    !tell_once(lost, end->netns))
			return;
		snprintf(text, sizeof(text),
			 "network namespace %.200s was node %s of lab %s, whose files are lost: if "
			 "the lab made it, `ip netns delete %.200s` removes it",
			 name, end->node, lost->lab, name);
	}
	lost->notes->tell(text, lost->notes->arg);
}

void orphan_pins_tell(const char *lab, const struct notes *notes)
{
	struct orphan_pins lost = {.lab = lab, .notes = notes};
	struct watch *watch = NULL;
	struct stat st;

	if (!notes || watch_open(&watch, lab, NULL))
		return;
	if (!stat("/proc/thread-self/ns/net", &st))
		lost.here_inode = st.st_ino;
	if (nl_open(&lost.here, -1, NULL))
		lost.here = NULL;
	watch_each_end(watch, on_end, &lost);
	nl_close(lost.here);
	watch_close(watch);
	free(lost.told);
}
