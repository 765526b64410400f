// SPDX-License-Identifier: GPL-2.0-only
/*
 * ids.c - what is pinned, by id, for the tests' zero-residue check: other programs load and free
 * objects of their own meanwhile, so global lists tell nothing.
 *
 * ids FILE|DIRECTORY...  print "prog 12", "map 3" or "link 7" for each pinned object, or each below
 * a directory ids --gone   read such lines; succeed if none of these objects exists any more ids
 * --hold FILE...  print them, and keep the objects until it is ended
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct kind {
	const char *name, *inode;
	int (*open)(__u32 id);
};

static const struct kind kinds[] = {
	{"prog", "bpf-prog", bpf_prog_get_fd_by_id},
	{"map", "bpf-map", bpf_map_get_fd_by_id},
	{"link", "bpf", bpf_link_get_fd_by_id}, /* bpf_link, bpf-link: by the kernel's version */
};
enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

static const struct kind *kind_of_fd(int fd)
{
	char path[64], inode[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, inode, sizeof(inode) - 1) < 0)
		return NULL;
	for (int i = 0; i < N_KINDS; i++)
		if (strstr(inode, kinds[i].inode))
			return &kinds[i];
	return NULL;
}

static bool hold;

static int print_id(const char *path)
{
	union {
		struct bpf_prog_info prog;
		struct bpf_map_info map;
		struct bpf_link_info link;
	} info = {0};
	__u32 len = sizeof(info), id;
	const struct kind *kind;
	int fd = bpf_obj_get(path);

	if (fd < 0) {
		fprintf(stderr, "ids: %s: %s\n", path, strerror(errno));
		return 1;
	}
	kind = kind_of_fd(fd);
	if (!kind || bpf_obj_get_info_by_fd(fd, &info, &len)) {
		fprintf(stderr, "ids: %s: not a BPF object\n", path);
		close(fd);
		return 1;
	}
	if (!hold)
		close(fd);
	if (kind == &kinds[0])
		id = info.prog.id;
	else if (kind == &kinds[1])
		id = info.map.id;
	else
		id = info.link.id;
	printf("%s %u\n", kind->name, id);
	return 0;
}

static int print_below(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return kind == FTW_F ? print_id(path) : 0;
}

/* Says which are still there. */
static int check_gone(void)
{
	char name[8];
	unsigned id;
	int fd, left = 0;

	while (scanf("%7s %u", name, &id) == 2) {
		for (int i = 0; i < N_KINDS; i++) {
			if (strcmp(name, kinds[i].name) != 0)
				continue;
			fd = kinds[i].open(id);
			if (fd < 0)
				continue;
			close(fd);
			printf("%s %u is still there\n", name, id);
			left++;
		}
	}
	return left > 0;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc == 2 && strcmp(argv[1], "--gone") == 0)
		return check_gone();
	hold = argc > 1 && strcmp(argv[1], "--hold") == 0;
	for (int i = 1 + hold; i < argc; i++) {
		int ret = nftw(argv[i], print_below, 8, FTW_PHYS);

		if (ret < 0)
			fprintf(stderr, "ids: %s: %s\n", argv[i], strerror(errno));
		status |= ret != 0;
	}
	fflush(stdout);
	while (hold && !status)
		pause();
	return status;
}
