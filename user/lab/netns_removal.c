// SPDX-License-Identifier: GPL-2.0-only
/* netns_removal.c - see netns_removal.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/workers.h"
#include "user/lab/netns_holder.h"
#include "user/lab/netns_removal.h"
#include "user/net/netns_wait.h"

/*
 * The kernel destroys namespaces in the background: a few within milliseconds, 1,000 within a
 * second. MANY_NETNS and more are waited for during MANY_WAIT_MS only. Fewer for FIRST_WAIT_MS;
 * what somebody holds then for LAST_WAIT_MS in all, unless it is a mount, which does not go by
 * itself; what nobody holds until the kernel has made no progress for STALLED_MS: it may be slow,
 * or busy with namespaces of others.
 */
enum {
	LAST_WAIT_MS = 5000,
	FIRST_WAIT_MS = 300,
	LOOK_AGAIN_MS = 500,
	STALLED_MS = 60000,
	MANY_NETNS = 100,
	MANY_WAIT_MS = 50
};

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

/* Those that have references yet. The caller frees *list. Returns how many. */
static size_t list_kept(const struct removal *removal, struct kept_netns **list)
{
	size_t n = 0;

	*list = calloc(removal->n + 1, sizeof(**list));
	for (size_t i = 0; *list && i < removal->n; i++)
		if (netns_wait_is_held(removal->wait, i))
			(*list)[n++] = (struct kept_netns){.name = removal->waited[i]->name,
							   .id = removal->waited[i]->id};
	return n;
}

static bool any_told(const struct kept_netns *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].told)
			return true;
	return false;
}

static void tell_holders(const struct removal *removal, struct kept_netns *list, size_t n)
{
	netns_holder_processes(list, n, removal->notes);
	for (size_t i = 0; i < n; i++)
		if (!list[i].told)
			notes_tell(removal->notes,
				   "%s: something keeps the network namespace alive after %d s: "
				   "the kernel counts a reference to it, and none was found "
				   "at the processes, their descriptors and mounts (a TCP "
				   "connection that was closed and still sends, or an open "
				   "file of /proc/PID/net, is not found)",
				   list[i].name, LAST_WAIT_MS / 1000);
}

/*
 * One look at what is left: whether there is nothing more to wait for, which is told. since: when
 * waiting began; progress: when the kernel told of a namespace for the last time.
 */
static bool give_up(const struct removal *removal, int64_t since, int64_t progress)
{
	cleanup_free struct kept_netns *list = NULL;
	size_t n = list_kept(removal, &list);
	int64_t now = clock_monotonic_ms();

	if (n)
		netns_holder_mounts(list, n, removal->notes);
	if (n && now - since >= LAST_WAIT_MS)
		tell_holders(removal, list, n);
	else if (!n && now - progress >= STALLED_MS)
		notes_tell(removal->notes,
			   "nobody holds the network namespaces any more, and the kernel has not "
			   "taken them apart after %d s",
			   (int)((now - since) / 1000));
	else
		return any_told(list, n);
	return true;
}

static int wait_until_ended(const struct removal *removal, size_t n)
{
	int64_t since = clock_monotonic_ms(), progress = since;
	bool many = n >= MANY_NETNS;
	size_t left;

	if (!removal->wait || !netns_wait_until(removal->wait, many ? MANY_WAIT_MS : FIRST_WAIT_MS))
		return 0;
	if (many) {
		notes_tell(removal->notes,
			   "the kernel is still taking the %zu network namespaces apart", n);
		return 1;
	}
	left = netns_wait_left(removal->wait);
	while (!give_up(removal, since, progress)) {
		if (!netns_wait_until(removal->wait, LOOK_AGAIN_MS))
			return 0;
		if (netns_wait_left(removal->wait) != left)
			progress = clock_monotonic_ms();
		left = netns_wait_left(removal->wait);
	}
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
	int ret = n ? workers_wait(n - 1, unname_one, &unnaming, err) : 0;

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
