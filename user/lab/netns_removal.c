// SPDX-License-Identifier: GPL-2.0-only
/* netns_removal.c - see netns_removal.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/workers.h"
#include "user/lab/netns_removal.h"
#include "user/net/netns_wait.h"

/*
 * The kernel takes deleted namespaces apart in the background, a few within milliseconds, 1,000
 * within a second: these are not waited for. What keeps one of a few is looked for soon.
 */
enum { LET_GO_MS = 5000, KEPT_MS = 300, MANY_NETNS = 100, LET_GO_MANY_MS = 50 };

struct parting {
	struct netns_wait *leave;	    /* NULL: nobody goes, or it cannot be watched */
	const struct removed_netns **going; /* by their place in leave */
	size_t n;
	const struct notes *notes;
};

static bool goes(const struct removed_netns *home)
{
	return home->fd >= 0 && !home->held;
}

/* The last one that goes to the end of homes, where netns_removal_unname() gives it up last. */
static void put_last(struct removed_netns *homes, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		struct removed_netns home = homes[i];

		if (!goes(&home))
			continue;
		homes[i] = homes[n - 1];
		homes[n - 1] = home;
		return;
	}
}

/* Of many, the last alone stands for all. A lab goes without being watched if it cannot be. */
static void start(struct parting *parting, const struct removed_netns *homes, size_t n)
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

struct going {
	struct removed_netns *homes;
	const char *mark;
	pthread_mutex_t lock; /* of ret and err */
	int ret;
	struct err err;
};

static int take_name(size_t i, void *arg, struct err *ignored)
{
	struct going *going = arg;
	struct removed_netns *home = &going->homes[i];
	struct err err = {0};
	int ret = netns_unname(home->name, home->fd, &home->id, going->mark, &err);

	(void)ignored;
	if (home->fd >= 0)
		close(home->fd);
	home->fd = -1;
	if (!ret || ret == -ESTALE) /* somebody else's by now */
		return 0;
	pthread_mutex_lock(&going->lock);
	if (!going->ret) {
		going->ret = ret;
		going->err = err;
	}
	pthread_mutex_unlock(&going->lock);
	return 0;
}

int netns_removal_unname(struct removed_netns *homes, size_t n, const char *mark, struct err *err)
{
	struct going going = {.homes = homes, .mark = mark, .lock = PTHREAD_MUTEX_INITIALIZER};
	int ret = n ? workers_run(n - 1, take_name, &going, err) : 0;

	if (n && !ret)
		take_name(n - 1, &going, NULL);
	pthread_mutex_destroy(&going.lock);
	netns_removal_close(homes, n); /* none, unless no thread could be started */
	if (!ret && going.ret) {
		ret = going.ret;
		if (err && !err->code)
			*err = going.err;
	}
	return ret;
}

void netns_removal_close(struct removed_netns *homes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (homes[i].fd >= 0)
			close(homes[i].fd);
		homes[i].fd = -1;
	}
}

int netns_removal_wait(struct removed_netns *homes, size_t n, const char *mark,
		       const struct notes *notes, struct err *err)
{
	struct parting parting = {.notes = notes};
	int ret;

	put_last(homes, n);
	start(&parting, homes, n);
	ret = netns_removal_unname(homes, n, mark, err);
	if (!ret)
		ret = wait_gone(&parting, n);
	netns_wait_free(parting.leave);
	free(parting.going);
	return ret;
}
