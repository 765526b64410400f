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
 * The kernel destroys namespaces in the background: a few within milliseconds, 1,000 within a
 * second. MANY_NETNS and more are waited for during MANY_WAIT_MS only; fewer for FIRST_WAIT_MS,
 * and after a search for what keeps them alive, for LAST_WAIT_MS.
 */
enum { LAST_WAIT_MS = 5000, FIRST_WAIT_MS = 300, MANY_NETNS = 100, MANY_WAIT_MS = 50 };

struct removal {
	struct netns_wait *wait; /* NULL: nothing to wait for, or waiting is not possible */
	const struct removed_netns **waited; /* in the order of wait */
	size_t n;
	const struct notes *notes;
};

static bool will_end(const struct removed_netns *netns)
{
	return netns->fd >= 0 && !netns->held;
}

/* Move the last namespace that will end to the end of the list: it is unnamed after all others. */
static void put_last(struct removed_netns *list, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		struct removed_netns netns = list[i];

		if (!will_end(&netns))
			continue;
		list[i] = list[n - 1];
		list[n - 1] = netns;
		return;
	}
}

/*
 * Of many namespaces, only the last is waited for. If waiting is not possible, the lab is removed
 * all the same.
 */
static void start_wait(struct removal *removal, const struct removed_netns *list, size_t n)
{
	size_t first = n >= MANY_NETNS ? n - 1 : 0;
	int *fds = calloc(n + 1, sizeof(*fds));

	removal->waited = calloc(n + 1, sizeof(*removal->waited));
	for (size_t i = first; fds && removal->waited && i < n; i++) {
		if (!will_end(&list[i]))
			continue;
		removal->waited[removal->n] = &list[i];
		fds[removal->n++] = list[i].fd;
	}
	if (removal->n && netns_wait_start(&removal->wait, fds, removal->n, NULL))
		removal->wait = NULL;
	free(fds);
}

struct keeper {
	const struct removal *removal;
	bool told;
};

/* A namespace may be mounted on another file too: by `unshare --net=FILE`, for instance. */
static bool on_mount(const char *path, void *arg)
{
	struct keeper *keeper = arg;
	const struct removal *removal = keeper->removal;

	for (size_t i = 0; i < removal->n; i++) {
		int fd = netns_wait_is_kept(removal->wait, i)
				 ? netns_open_same(path, &removal->waited[i]->id)
				 : -1;

		if (fd < 0)
			continue;
		close(fd);
		notes_tell(removal->notes,
			   "%s: the mount %s keeps the network namespace alive, with what is in it",
			   removal->waited[i]->name, path);
		keeper->told = true;
	}
	return true;
}

static void tell_kept(const struct removal *removal)
{
	for (size_t i = 0; i < removal->n; i++)
		if (netns_wait_is_kept(removal->wait, i)) {
			notes_tell(removal->notes,
				   "%s: something keeps the network namespace alive after "
				   "%d s, an open file or a socket perhaps",
				   removal->waited[i]->name, (LAST_WAIT_MS + FIRST_WAIT_MS) / 1000);
			return;
		}
	notes_tell(removal->notes, "the kernel is still taking network namespaces apart after %d s",
		   (LAST_WAIT_MS + FIRST_WAIT_MS) / 1000);
}

static int wait_until_ended(const struct removal *removal, size_t n)
{
	bool many = n >= MANY_NETNS;
	struct keeper keeper = {removal, false};

	if (!removal->wait || !netns_wait_until(removal->wait, many ? MANY_WAIT_MS : FIRST_WAIT_MS))
		return 0;
	if (many) {
		notes_tell(removal->notes,
			   "the kernel is still taking the %zu network namespaces apart", n);
		return 1;
	}
	netns_each_mount(on_mount, &keeper);
	if (!keeper.told && !netns_wait_until(removal->wait, LAST_WAIT_MS))
		return 0;
	if (!keeper.told)
		tell_kept(removal);
	netns_wait_unlink(removal->wait);
	return 1;
}

struct unnaming {
	struct removed_netns *list;
	const char *mark;
	pthread_mutex_t lock; /* of ret and err */
	int ret;
	struct err err;
};

static int unname_one(size_t i, void *arg, struct err *ignored)
{
	struct unnaming *unnaming = arg;
	struct removed_netns *netns = &unnaming->list[i];
	struct err err = {0};
	int ret = netns_unname(netns->name, netns->fd, &netns->id, unnaming->mark, &err);

	(void)ignored;
	if (netns->fd >= 0)
		close(netns->fd);
	netns->fd = -1;
	if (!ret || ret == -ESTALE) /* somebody else's by now */
		return 0;
	pthread_mutex_lock(&unnaming->lock);
	if (!unnaming->ret) {
		unnaming->ret = ret;
		unnaming->err = err;
	}
	pthread_mutex_unlock(&unnaming->lock);
	return 0;
}

int netns_removal_unname(struct removed_netns *list, size_t n, const char *mark, struct err *err)
{
	struct unnaming unnaming = {.list = list, .mark = mark, .lock = PTHREAD_MUTEX_INITIALIZER};
	int ret = n ? workers_run(n - 1, unname_one, &unnaming, err) : 0;

	if (n && !ret)
		unname_one(n - 1, &unnaming, NULL);
	pthread_mutex_destroy(&unnaming.lock);
	netns_removal_close(list, n); /* all are closed, unless no thread could be started */
	if (!ret && unnaming.ret) {
		ret = unnaming.ret;
		if (err && !err->code)
			*err = unnaming.err;
	}
	return ret;
}

void netns_removal_close(struct removed_netns *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].fd >= 0)
			close(list[i].fd);
		list[i].fd = -1;
	}
}

int netns_removal_wait(struct removed_netns *list, size_t n, const char *mark,
		       const struct notes *notes, struct err *err)
{
	struct removal removal = {.notes = notes};
	int ret;

	put_last(list, n);
	start_wait(&removal, list, n);
	ret = netns_removal_unname(list, n, mark, err);
	if (!ret)
		ret = wait_until_ended(&removal, n);
	netns_wait_free(removal.wait);
	free(removal.waited);
	return ret;
}
