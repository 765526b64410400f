// SPDX-License-Identifier: GPL-2.0-only
/* edit.c - see edit.h. */
#include <errno.h>
#include <linux/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/change/edit.h"
#include "user/lab/node.h"
#include "user/lab/state.h"

static int open_node(struct nl **nl, const struct running *run, const struct node *node,
		     struct err *err)
{
	cleanup_close int fd = running_open_netns(run, node, err);

	return fd < 0 ? fd : nl_open(nl, fd, err);
}

int edit_address(const struct running *run, const struct end *end, const struct ip_prefix *prefix,
		 bool add, struct err *err)
{
	char text[IP_TEXT_SIZE], action[80];
	struct nl_what what = {.object = end->name, .action = action};
	cleanup_nl struct nl *nl = NULL;
	struct err refused = {0};
	int ret = open_node(&nl, run, end->node, err);

	if (ret)
		return ret;
	snprintf(action, sizeof(action), "%s address %s", add ? "add" : "delete",
		 ip_prefix_format(prefix, text, sizeof(text)));
	ret = (add ? address_add : address_delete)(nl, running_ifindex(run, end), prefix, &what,
						   &refused);
	if (!ret)
		ret = nl_flush(nl, &refused);
	if (ret == -EEXIST)
		return err_set(err, ERR_FAILED, EEXIST, "%s has %s already", end->name, text);
	if (ret == -EADDRNOTAVAIL)
		return err_set(err, ERR_FAILED, EADDRNOTAVAIL, "%s does not have %s", end->name,
			       text);
	if (ret && err)
		*err = refused;
	return ret;
}

/* ---- set down and up ------------------------------------------------------------------------ */

/* An end that does not exist any more is an error, or is down. */
static int read_flags(unsigned *flags, struct nl *nl, const struct running *run,
		      const struct end *end, struct err *err)
{
	struct link_info info;
	int ret = link_get(nl, running_ifindex(run, end), NULL, &info, err);

	if (ret == -ENODEV)
		return running_end_gone(run, end, err);
	if (!ret)
		*flags = info.flags;
	return ret;
}

/* Also opens a socket in the end's namespace. */
static int open_and_read_flags(struct nl **nl, unsigned *flags, const struct running *run,
			       const struct end *end, struct err *err)
{
	int ret = open_node(nl, run, end->node, err);

	return ret ? ret : read_flags(flags, *nl, run, end, err);
}

static bool has_carrier(unsigned flags)
{
	return flags & IFF_UP && flags & IFF_LOWER_UP;
}

void edit_changes_free(struct edit_changes *changes)
{
	down_record_free(&changes->end);
	down_record_free(&changes->peer);
	down_record_free(&changes->waiting);
	free(changes->uppers);
}

/* 1: there was none. */
static int load(struct down_record *record, const struct running *run, const struct end *end,
		enum down_cause cause, enum down_part part, struct err *err)
{
	struct err cannot = {0};
	int ret = down_record_load(record, run, end, cause, part, &cannot);

	if (ret == -ENOENT && !cannot.code)
		return 1;
	if (ret && err)
		*err = cannot;
	return ret;
}

/* What the end lost earlier, and has not got back, is still known. */
static int save_with_earlier(const struct down_record *record, const struct running *run,
			     const struct end *end, enum down_cause cause, struct err *err)
{
	cleanup_down_record struct down_record earlier = {0};
	int ret = load(&earlier, run, end, cause, DOWN_ALL, err);

	if (ret < 0)
		return ret;
	down_record_subtract(&earlier, record);
	return down_record_save(record, &earlier, run, end, cause, err);
}

/* Its nexthop objects, if it has a carrier to lose. */
static int begin_carrier_loss(struct down_record *record, const struct running *run,
			      const struct end *end, struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	unsigned flags = 0;
	int ret = open_and_read_flags(&nl, &flags, run, end, err);

	if (ret || !has_carrier(flags))
		return ret;
	ret = down_record_read(record, nl, run, end, DOWN_BY_CARRIER, NULL, err);
	if (ret || down_record_is_empty(record))
		return ret;
	return save_with_earlier(record, run, end, DOWN_BY_CARRIER, err);
}

int edit_begin_down(struct edit_changes *dropped, const struct running *run, const struct end *end,
		    struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	unsigned flags = 0;
	int ret = open_and_read_flags(&nl, &flags, run, end, err);

	if (ret)
		return ret;
	if (!(flags & IFF_UP)) {
		ret = load(&dropped->end, run, end, DOWN_BY_STATE, DOWN_ALL, err);
		return ret > 0 ? 0 : ret;
	}
	ret = down_record_read(&dropped->end, nl, run, end, DOWN_BY_STATE, NULL, err);
	if (ret)
		return ret;
	ret = save_with_earlier(&dropped->end, run, end, DOWN_BY_STATE, err);
	return ret ? ret : begin_carrier_loss(&dropped->peer, run, end->peer, err);
}

/* Leave in *record, and in the file, what is missing now. */
static int finish_loss(struct down_record *record, const struct running *run, const struct end *end,
		       enum down_cause cause, struct err *err)
{
	cleanup_down_record struct down_record left = {0}, saved = {0};
	cleanup_nl struct nl *nl = NULL;
	int ret = open_node(&nl, run, end->node, err);

	if (ret)
		return ret;
	/* Without a file, something else had set it down: what went then stays unknown. */
	ret = load(&saved, run, end, cause, DOWN_ALL, err);
	if (ret)
		return ret > 0 ? 0 : ret;
	ret = down_record_read(&left, nl, run, end, cause, &saved.objects, err);
	if (ret)
		return ret;
	down_record_subtract(record, &left);
	down_record_subtract(&saved, &left);
	return down_record_save(&saved, NULL, run, end, cause, err);
}

struct uppers_reading {
	struct edit_changes *dropped;
	uint32_t ifindex;
	bool no_memory;
};

/* The peer of a veth is no lower device. */
static bool on_upper(const struct link_info *info, void *arg)
{
	struct uppers_reading *reading = arg;
	struct edit_changes *dropped = reading->dropped;
	struct edit_upper *upper;

	if (info->peer_ifindex != reading->ifindex || info->link_netnsid >= 0 ||
	    !strcmp(info->kind, "veth"))
		return true;
	reading->no_memory = array_reserve_one(&dropped->uppers, dropped->n_uppers,
					       sizeof(*dropped->uppers)) != 0;
	if (reading->no_memory)
		return false;
	upper = &dropped->uppers[dropped->n_uppers++];
	snprintf(upper->ifname, sizeof(upper->ifname), "%s", info->ifname);
	snprintf(upper->kind, sizeof(upper->kind), "%s", info->kind);
	return true;
}

static int read_uppers(struct edit_changes *dropped, const struct running *run,
		       const struct end *end, struct err *err)
{
	struct uppers_reading reading = {dropped, running_ifindex(run, end)};
	cleanup_nl struct nl *nl = NULL;
	int ret = open_node(&nl, run, end->node, err);

	if (!ret)
		ret = link_list(nl, on_upper, &reading, err);
	return !ret && reading.no_memory ? err_set(err, ERR_SYSTEM, ENOMEM, "out of memory") : ret;
}

int edit_finish_down(struct edit_changes *dropped, const struct running *run, const struct end *end,
		     struct err *err)
{
	int ret = finish_loss(&dropped->end, run, end, DOWN_BY_STATE, err);

	if (!ret && !down_record_is_empty(&dropped->peer))
		ret = finish_loss(&dropped->peer, run, end->peer, DOWN_BY_CARRIER, err);
	return ret ? ret : read_uppers(dropped, run, end, err);
}

/* By one of the end's files. 1: there is none. An end that is down, or has no carrier to be
 * restored, keeps it. waiting: only what its kernel takes with a carrier. */
static int restore_file(struct nl *nl, const struct running *run, const struct end *end,
			enum down_cause cause, enum down_part part, bool waiting, struct err *err)
{
	cleanup_down_record struct down_record record = {0};
	unsigned flags = 0;
	int ret = load(&record, run, end, cause, part, err);

	if (ret)
		return ret;
	ret = read_flags(&flags, nl, run, end, err);
	waiting |= cause == DOWN_BY_CARRIER;
	if (ret || !(flags & IFF_UP) || (waiting && !has_carrier(flags)))
		return ret;
	ret = waiting ? down_record_restore_waiting(&record, nl, run, end, err)
		      : down_record_restore(&record, nl, run, end, has_carrier(flags), err);
	/* What is left is tried again when the end is set up the next time; what waits for a
	 * carrier, when it gets one, too. */
	if (ret || !down_record_is_empty(&record)) {
		int saved = down_record_save(&record, NULL, run, end, cause, ret ? NULL : err);

		return ret ? ret : saved;
	}
	down_record_forget(run->name, end->number, cause);
	return 0;
}

static int restore_files(struct nl *nl, const struct running *run, const struct end *end,
			 enum down_part part, bool waiting, struct err *err)
{
	int ret = restore_file(nl, run, end, DOWN_BY_STATE, part, waiting, err);

	if (ret < 0)
		return ret;
	ret = restore_file(nl, run, end, DOWN_BY_CARRIER, part, waiting, err);
	return ret > 0 ? 0 : ret;
}

/* All that its files have. 1: there are none. */
static int load_files(struct down_record *record, const struct running *run, const struct end *end,
		      struct err *err)
{
	int state = load(record, run, end, DOWN_BY_STATE, DOWN_ALL, err);
	int carrier = state < 0 ? state : load(record, run, end, DOWN_BY_CARRIER, DOWN_ALL, err);

	return carrier < 0 ? carrier : state && carrier;
}

int edit_restore_added(const struct running *run, const struct end *end, enum down_part part,
		       struct err *err)
{
	cleanup_down_record struct down_record known = {0};
	cleanup_nl struct nl *nl = NULL;
	int ret = load_files(&known, run, end, err);

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = open_node(&nl, run, end->node, err);
	return ret ? ret : restore_files(nl, run, end, part, false, err);
}

/* By its file, or the lab file; then what it lost with its carrier. */
static int restore_end(struct nl *nl, const struct running *run, const struct end *end, bool was_up,
		       struct err *err)
{
	int ret = restore_file(nl, run, end, DOWN_BY_STATE, DOWN_ALL, false, err);

	if (ret > 0)
		ret = was_up ? node_repair_end(run, nl, end, err)
			     : node_restore_end(run, nl, end, err);
	return ret ? ret : restore_files(nl, run, end, DOWN_ALL, false, err);
}

int edit_restore_end(struct edit_changes *restored, const struct running *run,
		     const struct end *end, bool was_up, struct err *err)
{
	cleanup_down_record struct down_record known = {0}, before = {0};
	cleanup_nl struct nl *nl = NULL;
	int ret = open_node(&nl, run, end->node, err);

	if (ret)
		return ret;
	ret = load_files(&known, run, end, err);
	if (ret < 0)
		return ret;
	ret = down_record_read(&before, nl, run, end, DOWN_BY_STATE, &known.objects, err);
	if (ret)
		return ret;
	ret = restore_end(nl, run, end, was_up, err);
	if (ret)
		return ret;
	ret = down_record_read(&restored->end, nl, run, end, DOWN_BY_STATE, NULL, err);
	if (ret)
		return ret;
	down_record_subtract(&restored->end, &before);
	ret = load_files(&restored->waiting, run, end, err);
	return ret < 0 ? ret : 0;
}

int edit_restore_peer(struct edit_changes *restored, const struct running *run,
		      const struct end *end, struct err *err)
{
	cleanup_down_record struct down_record known = {0}, before = {0};
	const struct end *peer = end->peer;
	cleanup_nl struct nl *nl = NULL;
	int ret = load_files(&known, run, peer, err), refused;

	if (ret)
		return ret > 0 ? 0 : ret;
	ret = open_node(&nl, run, peer->node, err);
	if (ret)
		return ret;
	ret = down_record_read(&before, nl, run, peer, DOWN_BY_STATE, &known.objects, err);
	if (ret)
		return ret;
	refused = restore_files(nl, run, peer, DOWN_ALL, true, err);
	ret = down_record_read(&restored->peer, nl, run, peer, DOWN_BY_STATE, NULL,
			       refused ? NULL : err);
	down_record_subtract(&restored->peer, &before);
	return refused ? refused : ret;
}

/* ---- routes --------------------------------------------------------------------------------- */

static int check_devices(const struct node_devices *devices, const struct route *route,
			 struct err *err)
{
	for (size_t i = 0; i < route->n_hops; i++) {
		const char *dev = route->hops[i].dev;

		if (!dev[0] || node_device(dev, (void *)devices))
			continue;
		err_set(err, ERR_FAILED, ENODEV, "%s has no interface '%s' of the lab",
			devices->node->name, dev);
		err_hint(err, "`vethlab show %s` lists the ends, written node:interface",
			 devices->run->name);
		return -ENODEV;
	}
	return 0;
}

/* In a foreign namespace, the journal gets a line first, so that `down` removes the route. */
static int journal_added_route(const struct running *run, const struct node_devices *devices,
			       const struct route *route, struct err *err)
{
	struct journal *journal = NULL;
	cleanup_close int lock = -1;
	int ret;

	if (run->nodes[devices->node->index].ours)
		return 0;
	lock = lab_lock_running(run, err);
	if (lock < 0)
		return lock;
	ret = journal_open(&journal, run->name, err);
	if (!ret)
		ret = node_journal_route(run, journal, devices->node, route, err);
	journal_close(journal);
	return ret;
}

/* A route that the lab file does not say itself, but that was computed, has another protocol. */
static int delete_route(struct nl *nl, const struct running *run, const struct route *route,
			struct node_devices *devices, struct nl_what *what, struct err *err)
{
	uint8_t protocol = node_route_protocol(run, devices->node, route);
	int ret;

	if (protocol == RTPROT_BOOT) {
		ret = route_delete(nl, route, protocol, node_device, devices, what, NULL);
		if (!ret)
			ret = nl_flush(nl, NULL);
		if (!ret)
			return 0;
		protocol = RTPROT_STATIC;
	}
	return route_delete(nl, route, protocol, node_device, devices, what, err);
}

/* What the kernel's answer means, where its words ("File exists") do not tell. */
static int tell_refused(int ret, const struct node *node, const struct route *route,
			const struct err *refused, struct err *err)
{
	char text[IP_TEXT_SIZE], metric[24] = "";

	ip_prefix_format(&route->to, text, sizeof(text));
	if (route->metric)
		snprintf(metric, sizeof(metric), " of metric %u", route->metric);
	if (ret == -ESRCH) {
		/* Only routes with the protocols that the lab's have are deleted. */
		err_set(err, ERR_FAILED, ESRCH, "%s has no such route to %s of the lab's",
			node->name, text);
		err_hint(err,
			 "`vethlab exec %s ip route` lists all; one that the kernel made for an "
			 "address goes with the address",
			 node->name);
	} else if (ret == -EEXIST) {
		err_set(err, ERR_FAILED, EEXIST, "%s has a route to %s%s already", node->name, text,
			metric);
		err_hint(err, "give this one another metric, or delete that one first");
	} else if (err) {
		*err = *refused;
	}
	return ret;
}

int edit_route(const struct running *run, const struct node *node, const struct route *route,
	       bool add, struct err *err)
{
	struct node_devices devices = {run, node};
	char text[IP_TEXT_SIZE], action[80];
	struct nl_what what = {.object = node->name, .action = action};
	cleanup_nl struct nl *nl = NULL;
	struct err refused = {0};
	int ret = check_devices(&devices, route, err);

	snprintf(action, sizeof(action), "%s the route to %s", add ? "add" : "delete",
		 ip_prefix_format(&route->to, text, sizeof(text)));
	if (!ret)
		ret = open_node(&nl, run, node, err);
	if (!ret && add)
		ret = journal_added_route(run, &devices, route, err);
	if (ret)
		return ret;
	ret = add ? route_add(nl, route, node_route_protocol(run, node, route), node_device,
			      &devices, &what, &refused)
		  : delete_route(nl, run, route, &devices, &what, &refused);
	if (!ret)
		ret = nl_flush(nl, &refused);
	return ret ? tell_refused(ret, node, route, &refused, err) : 0;
}
