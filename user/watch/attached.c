// SPDX-License-Identifier: GPL-2.0-only
/* attached.c - see attached.h. */
#include "user/watch/attached.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/hook_word.h"
#include "user/net/tc.h"
#include "user/watch/internal.h"
#include "user/watch/tc_filter.h"

enum { MAPS_MAX = 64 }; /* of a program: MAX_USED_MAPS of the kernel */

/* ---- whose program ------------------------------------------------------------------------- */

static int map_id(int fd, uint32_t *id)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	*id = info.id;
	return 0;
}

/* The id of a pinned program; 0: it cannot be looked at. */
static uint32_t pinned_program(const char *lab, int prog)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	cleanup_close int fd = -1;
	char path[256];

	watch_path(path, lab, "%s", watch_prog_names[prog]);
	fd = bpf_obj_get(path);
	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

int watch_identity_read(struct watch_identity *out, const struct watch *watch, struct err *err)
{
	struct watch_identity identity = {};

	memcpy(identity.lab, watch->lab, sizeof(identity.lab));
	for (int hook = 0; hook < VL_HOOKS; hook++) {
		/* The programs of an observed lab that are attached count by others: end_stub.c. */
		int fd = watch->maps[watch->observed ? MAP_HERE : MAP_COUNT_OUT + hook];
		int ret = fd < 0 ? 0 : map_id(fd, &identity.map_ids[hook]);

		if (ret)
			return watch_fail(err, -ret, watch->lab, "identify its maps", "CAP_BPF");
	}
	for (int prog = 0; prog < WATCH_PROGS && !watch->observed; prog++)
		identity.prog_ids[prog] = pinned_program(watch->lab, prog);
	*out = identity;
	return 0;
}

/* Whether a program uses the map; -errno if that cannot be told. */
static int uses_map(uint32_t prog_id, uint32_t map)
{
	uint32_t ids[MAPS_MAX], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {.nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)ids};
	cleanup_close int fd = bpf_prog_get_fd_by_id(prog_id);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno; /* removed meanwhile */
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++)
		if (ids[i] == map)
			return 1;
	return 0;
}

/* Whether a program is the lab's for that hook: 1, 0 or -errno. */
static int is_ours(const struct watch_identity *identity, enum vl_hook hook, uint32_t prog_id)
{
	if (!prog_id || !identity->map_ids[hook])
		return 0;
	if (prog_id == identity->prog_ids[hook] ||
	    (hook == VL_HOOK_XDP && prog_id == identity->prog_ids[PROG_XDP_NATIVE]))
		return 1;
	return uses_map(prog_id, identity->map_ids[hook]);
}

/* ---- by links ------------------------------------------------------------------------------ */

/* linux/bpf.h of Debian 12 does not have `tcx`: it begins with the ifindex, as `xdp` does. */
static bool link_is_attached(const struct watch_identity *identity, uint32_t number,
			     enum vl_hook hook)
{
	struct bpf_link_info info = {};
	uint32_t size = sizeof(info);
	cleanup_close int fd = -1;
	char path[256];

	watch_path(path, identity->lab, "links/%u_%s", number, hook_word(hook));
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) || !info.xdp.ifindex)
		return false;
	return is_ours(identity, hook, info.prog_id) > 0;
}

uint8_t watch_attached_links(const struct watch_identity *identity, uint32_t number, uint8_t hooks)
{
	uint8_t attached = 0;

	for (int hook = 0; hook < VL_HOOKS; hook++)
		if (hooks & 1 << hook && link_is_attached(identity, number, hook))
			attached |= 1 << hook;
	return attached;
}

/* ---- all that is there --------------------------------------------------------------------- */

/* What is looked for at one hook of an interface. */
struct look {
	const struct watch_identity *identity;
	struct nl *nl;
	uint32_t ifindex;
	enum vl_hook hook;
	const char *object;
	int found; /* 1, 0, or -errno: it cannot be told of one of them */
};

static void take_program(struct look *look, uint32_t prog_id)
{
	int ours = look->found > 0 ? 1 : is_ours(look->identity, look->hook, prog_id);

	if (ours)
		look->found = ours;
}

/* Where attach.c puts ours, which is quicker to ask for than all filters. */
static int look_at_filter(struct look *look, struct err *err)
{
	struct nl_what what = {.object = look->object, .action = "look at its filters"};
	const struct tc_filter filter = {.ifindex = look->ifindex,
					 .egress = look->hook == VL_HOOK_OUT,
					 .handle = WATCH_FILTER_HANDLE,
					 .priority = 1};
	uint32_t prog_id = 0;
	int ret = tc_filter_get(look->nl, &filter, &prog_id, &what, err);

	if (!ret)
		take_program(look, prog_id);
	return ret == -ENOENT || ret == -EINVAL ? 0 : ret;
}

static int look_at_tcx(struct look *look, struct err *err)
{
	enum bpf_attach_type type =
		look->hook == VL_HOOK_OUT ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS;
	uint32_t ids[TCX_PROGRAMS_MAX] = {0}, n = TCX_PROGRAMS_MAX;

	/* target_fd and target_ifindex (6.6) are one field of union bpf_attr. */
	if (bpf_prog_query((int)look->ifindex, type, 0, NULL, ids, &n)) {
		if (errno == EINVAL) /* a kernel without tcx */
			return 0;
		return errno == ENODEV ? -ENODEV
				       : watch_fail(err, errno, look->object,
						    "list its tcx programs", "CAP_NET_ADMIN");
	}
	for (uint32_t i = 0; i < n && i < TCX_PROGRAMS_MAX; i++)
		take_program(look, ids[i]);
	return 0;
}

static void on_filter(const struct tc_filter *filter, uint32_t prog_id, void *arg)
{
	(void)filter;
	take_program(arg, prog_id);
}

static int look_at_tc(struct look *look, struct err *err)
{
	struct nl_what what = {
		.object = look->object, .action = "list its filters", .ignore = EINVAL};
	int ret = look_at_filter(look, err);

	if (ret || look->found > 0)
		return ret;
	ret = look_at_tcx(look, err);
	if (ret || look->found > 0)
		return ret;
	ret = tc_filter_list(look->nl, look->ifindex, look->hook == VL_HOOK_OUT, on_filter, look,
			     &what, err);
	return ret == -EINVAL ? 0 : ret; /* there is no clsact */
}

static int look_at_xdp(struct look *look, struct err *err)
{
	struct link_info info;
	int ret = link_get(look->nl, look->ifindex, NULL, &info, err);

	if (!ret)
		take_program(look, info.xdp_prog_id);
	return ret;
}

int watch_attached_look(const struct watch_identity *identity, struct nl *nl, uint32_t ifindex,
			uint8_t hooks, const char *object, uint8_t *attached, struct err *err)
{
	uint8_t found = 0;

	for (int hook = 0; hook < VL_HOOKS; hook++) {
		struct look look = {identity, nl, ifindex, hook, object, 0};
		int ret;

		if (!(hooks & 1 << hook))
			continue;
		ret = hook == VL_HOOK_XDP ? look_at_xdp(&look, err) : look_at_tc(&look, err);
		if (ret)
			return ret;
		if (look.found < 0)
			return watch_fail(err, -look.found, object, "identify its programs",
					  "CAP_SYS_ADMIN");
		if (look.found)
			found |= 1 << hook;
	}
	*attached = found;
	return 0;
}
