// SPDX-License-Identifier: GPL-2.0-only
/* running_lab.c - a running lab: its nodes and ends by name, their namespaces and hooks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topology/lab_diff.h"
#include "user/base/cleanup.h"
#include "user/lab/state.h"

enum xdp_mode running_xdp(const struct running *run, const struct end *end)
{
	return run->observed ? run->observed[end->number].xdp
			     : link_xdp(run->lab, end->link, run->xdp);
}

unsigned running_hooks(const struct running *run, const struct end *end)
{
	return run->observed ? run->observed[end->number].hooks
			     : link_hooks(run->lab, end->link, run->hooks);
}

uint8_t running_hook_bits(const struct running *run, const struct end *end)
{
	unsigned hooks = running_hooks(run, end);
	uint8_t bits = 0;

	if (hooks & HOOKS_OUT)
		bits |= 1 << VL_HOOK_OUT;
	if (hooks & HOOKS_IN)
		bits |= 1 << VL_HOOK_IN;
	if (hooks != HOOKS_NONE && running_xdp(run, end) != XDP_MODE_OFF)
		bits |= 1 << VL_HOOK_XDP;
	return bits;
}

bool running_has_programs(const struct running *run)
{
	for (size_t i = 0; i < lab_n_ends(run->lab); i++)
		if (running_hook_bits(run, lab_end(run->lab, i)))
			return true;
	return false;
}

/* ---- by name --------------------------------------------------------------------------------- */

static void suggest(const struct running *run, const char *typed, const char *const *names,
		    size_t n, const char *what, struct err *err)
{
	const char *near = n ? nearest_name(typed, names, n) : NULL;

	if (near)
		err_hint(err, "did you mean '%s'?", near);
	else
		err_hint(err, "`vethlab show %s` lists the %s", run->name, what);
}

struct node *running_find_node(const struct running *run, const char *name, struct err *err)
{
	struct node *node = lab_find_node(run->lab, name);
	const char **names;
	size_t n = run->lab->n_nodes;

	if (node)
		return node;
	err_set(err, ERR_FAILED, ENOENT, "lab %s has no node '%s'", run->name, name);
	names = calloc(n + 1, sizeof(*names));
	for (size_t i = 0; names && i < n; i++)
		names[i] = run->lab->nodes[i]->name;
	suggest(run, name, names, names ? n : 0, "nodes", err);
	free(names);
	return NULL;
}

/* An end by the name that its interface has now: NODE:INTERFACE. NULL: there is none. */
static struct end *find_renamed(const struct running *run, const char *name)
{
	const char *colon = strrchr(name, ':');
	/* No interface has a longer name, and a request no room for any. */
	bool fits = colon && strlen(colon + 1) <= IFNAME_MAX;
	cleanup_free char *node_name = fits ? strndup(name, colon - name) : NULL;
	struct node *node = node_name ? lab_find_node(run->lab, node_name) : NULL;
	cleanup_close int fd = -1;
	cleanup_nl struct nl *nl = NULL;
	struct link_info link;

	if (node)
		fd = running_open_netns(run, node, NULL);
	if (fd < 0 || nl_open(&nl, fd, NULL) || link_get(nl, 0, colon + 1, &link, NULL))
		return NULL;
	for (size_t i = 0; i < node->n_ends; i++)
		if (running_ifindex(run, node->ends[i]) == link.ifindex)
			return node->ends[i];
	return NULL;
}

struct end *running_find_end(const struct running *run, const char *name, struct err *err)
{
	struct end *end = lab_find_end(run->lab, name) ?: find_renamed(run, name);
	const char **names;
	size_t n = lab_n_ends(run->lab);

	if (end)
		return end;
	err_set(err, ERR_FAILED, ENOENT, "lab %s has no end '%s'", run->name, name);
	names = calloc(n + 1, sizeof(*names));
	for (size_t i = 0; names && i < n; i++)
		names[i] = lab_end(run->lab, i)->name;
	suggest(run, name, names, names ? n : 0, "ends, written node:interface", err);
	free(names);
	return NULL;
}

/* ---- namespaces ------------------------------------------------------------------------------ */

/* Open a namespace of the lab by its name. -ESTALE: another one has that name now. */
static int open_ours(const struct running_node *running_node)
{
	cleanup_close int fd = netns_open(running_node->netns_name, NULL);
	struct netns_id now;
	int ret;

	if (fd < 0)
		return fd == -ENOENT || fd == -EINVAL ? -ESTALE : fd;
	ret = netns_identify(fd, &now, NULL);
	if (ret)
		return ret;
	return netns_same(&now, &running_node->id) ? cleanup_take_fd(&fd) : -ESTALE;
}

/* Try first where the namespace was when the lab was made: netns_find() reads all of /proc. */
static int open_foreign(const struct node *node, const struct netns_id *id)
{
	char path[64];
	int fd = -ENOENT;

	if (node->netns == NETNS_PATH) {
		fd = netns_open_same(node->netns_path, id);
	} else if (node->netns == NETNS_PID) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", node->netns_pid);
		fd = netns_open_same(path, id);
	}
	return fd >= 0 ? fd : netns_find(id);
}

int running_open_netns(const struct running *run, const struct node *node, struct err *err)
{
	const struct running_node *running_node = &run->nodes[node->index];
	int fd;

	if (running_is_unseen(run, node)) {
		err_set(err, ERR_FAILED, ESTALE,
			"%s: its network namespace cannot be seen from here", node->name);
		err_hint(err, "it has no name, and no process of this /proc is in it; run vethlab "
			      "where it has one, and observe again");
		return -ESTALE;
	}
	fd = running_node->ours ? open_ours(running_node) : open_foreign(node, &running_node->id);
	/* Its name is gone, or another's: it lives on while a process is in it. */
	if (fd == -ESTALE && running_node->ours)
		fd = netns_find(&running_node->id);
	if (fd >= 0)
		return fd;
	/* Without privileges, netns_find() cannot find the namespaces of other processes. */
	if (fd == -EACCES || fd == -EPERM || (fd == -ENOENT && geteuid())) {
		err_set(err, ERR_PRIVILEGE, EPERM,
			"%s: entering its network namespace needs CAP_SYS_ADMIN", node->name);
		err_hint(err, "run it as root: sudo vethlab ...");
		return -EPERM;
	}
	if (fd != -ENOENT && fd != -ESTALE)
		return err_set(err, ERR_SYSTEM, -fd, "%s: cannot open its network namespace: %s",
			       node->name, strerror(-fd));
	err_set(err, ERR_FAILED, ESTALE,
		"%s: the network namespace that lab %s was %s with is gone", node->name, run->name,
		run->observed ? "seen" : "built");
	err_hint(err, "`vethlab down %s` tidies up", run->name);
	return -ESTALE;
}

int running_enter_netns(const struct running *run, const struct node *node, struct err *err)
{
	const struct running_node *running_node = &run->nodes[node->index];
	cleanup_close int fd = -1;
	struct netns_id now;
	int ret;

	/* Entering tells the cookie, so that no thread is needed to ask for it. */
	if (running_node->ours) {
		fd = netns_open(running_node->netns_name, NULL);
		ret = fd < 0 ? fd : netns_enter(fd, &now, NULL);
		if (!ret && netns_same(&now, &running_node->id))
			return 0;
		cleanup_close_fn(&fd);
	}
	fd = running_open_netns(run, node, err);
	return fd < 0 ? fd : netns_enter(fd, &now, err);
}

/* ---- programs -------------------------------------------------------------------------------- */

int running_open_watch(struct watch **out, const struct running *run, struct err *err)
{
	struct watch *watch = NULL;
	int ret = watch_open(&watch, run->name, err);

	if (ret)
		return ret;
	/* Counters are read for as many ends as the maps have, and used by the numbers of ends. */
	if (watch_n_ends(watch) != run->capacity) {
		ret = running_is_gone(run)
			      ? running_taken_down(run, err)
			      : state_damaged(
					run->name, err,
					"state.json: capacity is %u, but the map `lab` of its "
					"programs has room for %u ends",
					run->capacity, watch_n_ends(watch));
		watch_close(watch);
		return ret;
	}
	*out = watch;
	return 0;
}

/* ---- settings -------------------------------------------------------------------------------- */

struct settings_reading {
	struct devconf_settings *settings;
	struct err *err;
};

/* For netns_run(). */
static int read_settings(void *arg)
{
	const struct settings_reading *reading = arg;

	return devconf_differing(reading->settings, reading->err);
}

static int read_inherited(struct devconf_settings *settings, const struct running *run,
			  const struct node *node, struct err *err)
{
	struct settings_reading reading = {settings, err};
	struct err cause = {0};
	cleanup_close int fd = running_open_netns(run, node, &cause);

	if (fd == -ESTALE)
		return 0;
	if (fd < 0) {
		if (err)
			*err = cause;
		return fd;
	}
	return netns_run(fd, read_settings, &reading, err);
}

int running_inherited(struct devconf_settings **out, const struct running *run, struct err *err)
{
	struct devconf_settings *settings = calloc(run->lab->n_nodes + 1, sizeof(*settings));
	int ret = 0;

	if (!settings)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; !ret && i < run->lab->n_nodes; i++)
		if (run->lab->nodes[i]->inherits && run->nodes[i].ours)
			ret = read_inherited(&settings[i], run, run->lab->nodes[i], err);
	if (ret) {
		running_settings_free(settings, run);
		return ret;
	}
	*out = settings;
	return 0;
}

void running_settings_free(struct devconf_settings *settings, const struct running *run)
{
	for (size_t i = 0; settings && i < run->lab->n_nodes; i++)
		devconf_settings_free(&settings[i]);
	free(settings);
}

/* ---- what is gone ---------------------------------------------------------------------------- */

int running_taken_down(const struct running *run, struct err *err)
{
	return err_set(err, ERR_FAILED, ENOENT, "lab %s was taken down", run->name);
}

int running_not_pinned(const struct running *run, struct err *err)
{
	if (!running_has_programs(run)) {
		err_set(err, ERR_FAILED, ENOENT,
			"lab %s is not watched: it was %s without programs", run->name,
			run->observed ? "observed" : "built");
		err_hint(err, "`vethlab up` with hooks attaches programs that count");
		return -ENOENT;
	}
	err_set(err, ERR_FAILED, ENOENT,
		"lab %s was %s with programs, but nothing is pinned below " WATCH_DIR
		"/%s any more: what they count cannot be read",
		run->name, run->observed ? "observed" : "built", run->name);
	err_hint(
		err,
		"something else than vethlab removed the pins: `vethlab down %s`, then `%s`, makes "
		"them again",
		run->name, run->observed ? "observe" : "up");
	return -ENOENT;
}

int running_end_gone(const struct running *run, const struct end *end, struct err *err)
{
	err_set(err, ERR_FAILED, ENODEV, "%s is gone: it was deleted since the lab was %s",
		end->name, run->observed ? "seen" : "built");
	if (!run->observed)
		err_hint(err, "vethlab down %s, then up: nothing less brings a deleted link back",
			 run->name);
	return -ENODEV;
}
