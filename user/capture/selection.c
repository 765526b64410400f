// SPDX-License-Identifier: GPL-2.0-only
/* selection.c - which ends are captured. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "user/capture/capture.h"

static void add_end(struct capture_selection *ends, const struct end *end, bool named)
{
	struct captured_end *captured = ends->list;

	while (captured < ends->list + ends->n && captured->end != end)
		captured++;
	if (captured == ends->list + ends->n)
		ends->list[ends->n++] = (struct captured_end){.end = end};
	captured->named |= named;
}

static int add_word(struct capture_selection *ends, const struct running *run, const char *word,
		    struct err *err)
{
	const struct node *node;
	const struct end *end;

	if (!strcmp(word, "all")) {
		for (size_t i = 0; i < lab_n_ends(run->lab); i++)
			add_end(ends, lab_end(run->lab, i), false);
		return 0;
	}
	if (!strchr(word, ':')) {
		node = running_find_node(run, word, err);
		for (size_t i = 0; node && i < node->n_ends; i++)
			add_end(ends, node->ends[i], false);
		return node ? 0 : -ENOENT;
	}
	end = running_find_end(run, word, err);
	if (end)
		add_end(ends, end, true);
	return end ? 0 : -ENOENT;
}

static int add_link(struct capture_selection *ends, const struct running *run, const char *word,
		    struct err *err)
{
	const struct end *end;

	if (!word)
		return err_set(err, ERR_USAGE, EINVAL,
			       "capture: link needs an end of it behind it");
	end = running_find_end(run, word, err);
	if (!end)
		return -ENOENT;
	add_end(ends, end, true);
	add_end(ends, end->peer, true);
	return 0;
}

int capture_choose(struct capture_selection *ends, const struct running *run, int argc, char **argv,
		   struct err *err)
{
	int ret = 0;

	ends->list = calloc(lab_n_ends(run->lab) + 1, sizeof(*ends->list));
	if (!ends->list)
		return err_set(err, ERR_SYSTEM, ENOMEM, "capture: out of memory");
	if (!argc)
		return add_word(ends, run, "all", err);
	for (int i = 0; !ret && i < argc; i++) {
		/* A node may be called link. */
		if (!strcmp(argv[i], "link") && (i + 1 < argc || !lab_find_node(run->lab, "link")))
			ret = add_link(ends, run, i + 1 < argc ? argv[++i] : NULL, err);
		else
			ret = add_word(ends, run, argv[i], err);
	}
	return ret;
}

static int open_end(struct captured_end *captured, const struct running *run,
		    struct sniff_config config, struct err *err)
{
	int netns_fd = running_open_netns(run, captured->end->node, err), ret;

	if (netns_fd < 0)
		return netns_fd;
	config.object = captured->end->name;
	config.ifindex = running_ifindex(run, captured->end);
	ret = sniff_open(&captured->sniffer, netns_fd, &config, err);
	close(netns_fd);
	if (ret == -ENODEV) {
		err_clear(err);
		running_end_gone(run, captured->end, err);
	}
	return ret;
}

enum { OTHER_FILES = 16 };

/* Descriptors that this process has open. */
static size_t open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* Beside the sockets: the file, the namespace that is entered, maps and buffers of the stacks'
 * records, one a CPU. */
static size_t other_files(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	return OTHER_FILES + (cpus > 0 ? (size_t)cpus : 1);
}

/* Each end takes a socket as long as it is captured: whether there are as many, before the first.
 */
static int check_files(const struct capture_selection *ends, struct err *err)
{
	size_t needed = ends->n + open_files() + other_files();
	struct rlimit limit;

	netns_raise_file_limit();
	if (getrlimit(RLIMIT_NOFILE, &limit) || needed <= limit.rlim_cur)
		return 0;
	err_set(err, ERR_SYSTEM, EMFILE,
		"capture: %zu ends take a socket each, with what else is open %zu files, and %llu "
		"are allowed",
		ends->n, needed, (unsigned long long)limit.rlim_cur);
	err_hint(err, "name fewer ends or nodes, or raise the limit (ulimit -Hn)");
	return -EMFILE;
}

int capture_open(struct capture_selection *ends, const struct running *run,
		 const struct sniff_config *config, struct err *err)
{
	size_t n = 0;
	int ret = check_files(ends, err);

	for (size_t i = 0; !ret && i < ends->n; i++) {
		struct captured_end captured = ends->list[i];
		bool last = !n && i + 1 == ends->n;

		ret = open_end(&captured, run, *config, err);
		if (!ret) {
			ends->list[n++] = captured;
		} else if ((ret == -ENODEV || ret == -ESTALE) && !captured.named && !last) {
			fprintf(stderr, "not captured: %s\n", err->what);
			err_clear(err);
			ret = 0;
		}
	}
	ends->n = n;
	return ret;
}

void capture_close(struct capture_selection *ends)
{
	for (size_t i = 0; i < ends->n; i++)
		sniff_close(ends->list[i].sniffer);
	free(ends->list);
}
