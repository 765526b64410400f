// SPDX-License-Identifier: GPL-2.0-only
/* end_state.c - see end_state.h. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/base/workers.h"
#include "user/lab/end_state.h"
#include "user/watch/attached.h"

enum { LOWER_UP = 1 << 16 }; /* IFF_LOWER_UP of linux/if.h, which cannot stand beside net/if.h */

static const char *const state_words[] = {
	[END_GONE] = "gone", [END_MOVED] = "moved",	      [END_UNSEEN] = "unseen",
	[END_DOWN] = "down", [END_NO_CARRIER] = "no carrier", [END_UP] = "up",
};

const char *end_state_word(enum end_state state)
{
	return state_words[state];
}

enum end_state end_state_of(const struct link_info *info)
{
	if (!(info->flags & IFF_UP))
		return END_DOWN;
	/*
	 * IFF_LOWER_UP changes with the carrier at once. IFF_RUNNING follows the operational state,
	 * which is unknown until the kernel's link watch has run, and unknown counts as up.
	 */
	return info->flags & IFF_RUNNING && info->flags & LOWER_UP ? END_UP : END_NO_CARRIER;
}

struct end_reading {
	const struct running *run;
	const struct node *node;
	struct end_status *ends;
	bool no_memory;
};

/* Its place in the order of lab_end(). */
static size_t place_of(const struct end *end)
{
	return 2 * end->link->index + (end->link->ends[1] == end);
}

static struct end_status *status_of(const struct end_reading *reading, const struct end *end)
{
	return &reading->ends[place_of(end)];
}

/* The status of the node's end with an ifindex; NULL: the interface is no end of the lab. */
static struct end_status *find(const struct end_reading *reading, uint32_t ifindex)
{
	for (size_t i = 0; i < reading->node->n_ends; i++) {
		const struct end *end = reading->node->ends[i];

		if (running_ifindex(reading->run, end) == ifindex)
			return status_of(reading, end);
	}
	return NULL;
}

/* The ifindexes of a lab that vethlab built are its own in every namespace. */
static void note_moved(const struct end_reading *reading, const struct link_info *info)
{
	const struct running *run = reading->run;

	if (run->observed || strcmp(info->kind, "veth") != 0 ||
	    info->ifindex - run->ifindex_base >= run->capacity)
		return;
	for (size_t i = 0; i < lab_n_ends(run->lab); i++) {
		struct end_status *end = &reading->ends[i];

		if (running_ifindex(run, lab_end(run->lab, i)) != info->ifindex ||
		    end->state != END_GONE)
			continue;
		end->info = *info;
		end->state = END_MOVED;
		end->moved_to = reading->node;
	}
}

static bool on_link(const struct link_info *info, void *arg)
{
	struct end_status *end = find(arg, info->ifindex);

	if (!end) {
		note_moved(arg, info);
		return true;
	}
	end->info = *info;
	end->state = end_state_of(info);
	end->moved_to = NULL;
	return true;
}

static bool on_address(const struct address_info *info, void *arg)
{
	struct end_reading *reading = arg;
	struct end_status *end = find(reading, info->ifindex);

	if (!end)
		return true;
	if (array_reserve_one(&end->addresses, end->n_addresses, sizeof(*info))) {
		reading->no_memory = true;
		return false;
	}
	end->addresses[end->n_addresses++] = *info;
	return true;
}

static int read_node(struct end_reading *reading, struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	cleanup_close int fd = -1;
	struct err cause = {0};
	int ret;

	if (running_is_unseen(reading->run, reading->node)) {
		for (size_t i = 0; i < reading->node->n_ends; i++)
			status_of(reading, reading->node->ends[i])->state = END_UNSEEN;
		return 0;
	}
	fd = running_open_netns(reading->run, reading->node, &cause);
	if (fd == -ESTALE)
		return 0; /* its ends stay END_GONE */
	if (fd < 0) {
		if (err && !err->code)
			*err = cause;
		return fd;
	}
	ret = nl_open(&nl, fd, err);
	if (ret)
		return ret;
	ret = link_list(nl, on_link, reading, err);
	if (ret)
		return ret;
	ret = address_list(nl, 0, on_address, reading, err);
	if (ret)
		return ret;
	return reading->no_memory ? err_set(err, ERR_SYSTEM, ENOMEM, "out of memory") : 0;
}

int end_status_read(struct end_status **out, const struct running *run, struct err *err)
{
	struct end_reading reading = {.run = run};
	int ret = 0;

	reading.ends = calloc(lab_n_ends(run->lab) + 1, sizeof(*reading.ends));
	if (!reading.ends)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; !ret && i < run->lab->n_nodes; i++) {
		reading.node = run->lab->nodes[i];
		if (reading.node->n_ends)
			ret = read_node(&reading, err);
	}
	if (ret) {
		end_status_free(reading.ends, run);
		return ret;
	}
	*out = reading.ends;
	return 0;
}

void end_status_free(struct end_status *ends, const struct running *run)
{
	for (size_t i = 0; ends && i < lab_n_ends(run->lab); i++)
		free(ends[i].addresses);
	free(ends);
}

/* ---- programs ------------------------------------------------------------------------------ */

const char *hook_attachment_word(enum watch_tc tc, enum vl_hook hook)
{
	return hook == VL_HOOK_XDP ? "xdp" : tc_word(tc);
}

const char *end_hooks_gone_word(const struct end_hooks *hooks, enum vl_hook hook)
{
	return hooks->unpinned & 1 << hook ? "map" : hooks->is_moved ? "interface" : "program";
}

struct hooks_reading {
	const struct running *run;
	struct watch_identity identity;
	struct end_hooks *hooks; /* in the order of lab_end() */
	bool *gone;		 /* likewise: the interface is not in its namespace */
};

/* What links say, without going there. Returns whether something is left to look at. */
static bool look_at_links(struct hooks_reading *reading, const struct node *node)
{
	bool left = false;

	for (size_t i = 0; i < node->n_ends; i++) {
		const struct end *end = node->ends[i];
		struct end_hooks *hooks = &reading->hooks[place_of(end)];
		/* clsact has no links: nothing is pinned for them. */
		uint8_t linked = reading->run->tc == WATCH_TC_TCX
					 ? hooks->missing
					 : hooks->missing & 1 << VL_HOOK_XDP;

		if (linked)
			hooks->missing &=
				~watch_attached_links(&reading->identity, end->number, linked);
		left |= hooks->missing;
	}
	return left;
}

/* In the end's namespace, of which nl is a socket. */
static void look_at_end(struct hooks_reading *reading, struct nl *nl, const struct end *end)
{
	struct end_hooks *hooks = &reading->hooks[place_of(end)];
	uint8_t attached = 0;
	int ret;

	if (!hooks->missing)
		return;
	ret = watch_attached_look(&reading->identity, nl, running_ifindex(reading->run, end),
				  hooks->missing, end->name, &attached, NULL);
	if (ret == -ENODEV)
		reading->gone[place_of(end)] = true;
	else if (ret)
		hooks->is_unknown = true;
	hooks->missing = hooks->is_unknown ? 0 : hooks->missing & ~attached;
}

static int look_at_node(size_t i, void *arg, struct err *err)
{
	struct hooks_reading *reading = arg;
	const struct node *node = reading->run->lab->nodes[i];
	cleanup_nl struct nl *nl = NULL;

	(void)err;
	if (!look_at_links(reading, node))
		return 0;
	if (running_enter_netns(reading->run, node, NULL) || nl_open(&nl, -1, NULL)) {
		for (size_t k = 0; k < node->n_ends; k++) {
			struct end_hooks *hooks = &reading->hooks[place_of(node->ends[k])];

			hooks->is_unknown |= hooks->missing;
			hooks->missing = 0;
		}
		return 0;
	}
	for (size_t k = 0; k < node->n_ends; k++)
		look_at_end(reading, nl, node->ends[k]);
	return 0;
}

static void begin_end(struct hooks_reading *reading, const struct watch *watch,
		      const struct end *end)
{
	struct end_hooks *hooks = &reading->hooks[place_of(end)];

	hooks->put = running_hook_bits(reading->run, end);
	for (int hook = 0; hook < VL_HOOKS; hook++)
		if (!watch_has_hook(watch, hook))
			hooks->unpinned |= hooks->put & 1 << hook;
	hooks->missing = hooks->put & ~hooks->unpinned;
}

static void finish_end(struct hooks_reading *reading, const struct end *end)
{
	struct end_hooks *hooks = &reading->hooks[place_of(end)];
	bool gone = reading->gone[place_of(end)];

	if (gone && reading->gone[place_of(end->peer)])
		hooks->missing = 0;
	hooks->is_moved = gone && hooks->missing;
	hooks->missing |= hooks->unpinned;
}

int end_hooks_read(struct end_hooks **out, const struct running *run, const struct watch *watch,
		   struct err *err)
{
	cleanup_free struct end_hooks *hooks = calloc(lab_n_ends(run->lab) + 1, sizeof(*hooks));
	cleanup_free bool *gone = calloc(lab_n_ends(run->lab) + 1, sizeof(*gone));
	struct hooks_reading reading = {.run = run, .hooks = hooks, .gone = gone};
	int ret;

	if (!hooks || !gone)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	ret = watch_identity_read(&reading.identity, watch, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < lab_n_ends(run->lab); i++)
		begin_end(&reading, watch, lab_end(run->lab, i));
	ret = workers_run(run->lab->n_nodes, look_at_node, &reading, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < lab_n_ends(run->lab); i++)
		finish_end(&reading, lab_end(run->lab, i));
	*out = cleanup_take(hooks);
	return 0;
}
