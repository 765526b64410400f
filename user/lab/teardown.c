// SPDX-License-Identifier: GPL-2.0-only
/* teardown.c - see teardown.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lab/teardown.h"
#include "user/net/netns_wait.h"

/*
 * The kernel takes deleted namespaces apart in the background, a few within milliseconds, 1,000
 * within a second: these are not waited for. What keeps one of a few is looked for soon.
 */
enum { LET_GO_MS = 5000, KEPT_MS = 300, MANY_NETNS = 100, LET_GO_MANY_MS = 50 };

struct parting {
	struct netns_wait *leave;	    /* NULL: nobody goes, or it cannot be watched */
	const struct leaving_netns **going; /* by their place in leave */
	size_t n;
	const struct notes *notes;
};

static bool goes(const struct leaving_netns *home)
{
	return home->fd >= 0 && !home->held;
}

/* The last one that goes to the end of homes, where foreign_unname() gives it up last. */
static void put_last(struct leaving_netns *homes, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		struct leaving_netns home = homes[i];

		if (!goes(&home))
			continue;
		homes[i] = homes[n - 1];
		homes[n - 1] = home;
		return;
	}
}

/* Of many, the last alone stands for all. A lab goes without being watched if it cannot be. */
static void start(struct parting *parting, const struct leaving_netns *homes, size_t n)
{
	size_t first = n >= MANY_NETNS ? n - 1 : 0;
	int *fds = calloc(n + 1, sizeof(*fds));

	parting->going = calloc(n + 1, sizeof(*parting->going));
	for (size_t i = first; fds && parting->going && i < n; i++) {
		if (!goes(&homes[i]))
			continue;
		parting->going[parting->n] = &homes[i];
		fds[parting->n++] = homes[i].fd;
	}
	if (parting->n && netns_wait_start(&parting->leave, fds, parting->n, NULL))
		parting->leave = NULL;
	free(fds);
}

struct keeper {
	const struct parting *parting;
	bool told;
};

/* A mount elsewhere, of `unshare --net=FILE` or a container's tool, say. */
static bool on_mount(const char *path, void *arg)
{
	struct keeper *keeper = arg;
	const struct parting *parting = keeper->parting;

	for (size_t i = 0; i < parting->n; i++) {
		int fd = netns_wait_is_kept(parting->leave, i)
				 ? netns_open_same(path, &parting->going[i]->id)
				 : -1;

		if (fd < 0)
			continue;
		close(fd);
		notes_tell(parting->notes,
			   "%s: the mount %s keeps the network namespace alive, with what is in it",
			   parting->going[i]->name, path);
		keeper->told = true;
	}
	return true;
}

static void tell_kept(const struct parting *parting)
{
	for (size_t i = 0; i < parting->n; i++)
		if (netns_wait_is_kept(parting->leave, i)) {
			notes_tell(parting->notes,
				   "%s: something keeps the network namespace alive after "
				   "%d s, an open file or a socket perhaps",
				   parting->going[i]->name, (LET_GO_MS + KEPT_MS) / 1000);
			return;
		}
	notes_tell(parting->notes, "the kernel is still taking network namespaces apart after %d s",
		   (LET_GO_MS + KEPT_MS) / 1000);
}

static int wait_gone(const struct parting *parting, size_t n)
{
	bool many = n >= MANY_NETNS;
	struct keeper keeper = {parting, false};

	if (!parting->leave || !netns_wait_until(parting->leave, many ? LET_GO_MANY_MS : KEPT_MS))
		return 0;
	if (many) {
		notes_tell(parting->notes,
			   "the kernel is still taking the %zu network namespaces apart", n);
		return 1;
	}
	netns_each_mount(on_mount, &keeper);
	if (!keeper.told && !netns_wait_until(parting->leave, LET_GO_MS))
		return 0;
	if (!keeper.told)
		tell_kept(parting);
	netns_wait_unlink(parting->leave);
	return 1;
}

int teardown_namespaces(struct leaving_netns *homes, size_t n, const char *mark,
			const struct notes *notes, struct err *err)
{
	struct parting parting = {.notes = notes};
	int ret;

	put_last(homes, n);
	start(&parting, homes, n);
	ret = foreign_unname(homes, n, mark, err);
	if (!ret)
		ret = wait_gone(&parting, n);
	netns_wait_free(parting.leave);
	free(parting.going);
	return ret;
}
