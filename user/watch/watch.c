// SPDX-License-Identifier: GPL-2.0-only
/*
 * watch.c - a lab's programs and maps: opened by their pins, closed, and their entries of ends.
 */
#include "user/watch/internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/vethlab.skel.h"

/* Names of pins, as docs/maps.md gives them; in the order of enum watch_map and vl_hook. */
const char *const watch_map_names[WATCH_MAPS] = {
	[MAP_COUNT_OUT] = "count_out",
	[MAP_COUNT_XDP] = "count_xdp",
	[MAP_COUNT_IN] = "count_in",
	[MAP_ENDS] = "ends",
	[MAP_LAB] = "lab",
	[MAP_SESSIONS] = "sessions",
	[MAP_CONTROL] = "control",
	[MAP_STAGED] = "staged",
	[MAP_TRACERS] = "tracers",
	[MAP_TIMES + WATCH_TRANSIT] = "transit",
	[MAP_TIMES + WATCH_RESIDENCE] = "residence",
	[MAP_TIMES + WATCH_ECHO_RTT] = "echo_rtt",
	[MAP_ECHO_COUNT] = "echo_count",
	[MAP_ECHOES] = "echoes",
	[MAP_SETTINGS] = "settings",
	[MAP_HERE] = "here",
	[MAP_PLACES] = "places",
	[MAP_START] = "begun_out",
	[MAP_START + 1] = "begun_xdp",
	[MAP_START + 2] = "begun_in",
	[MAP_START_DROPS] = "begun_drops",
	[MAP_END_STUBS] = "doors_tc",
	[MAP_END_STUBS + 1] = "doors_xdp",
	[MAP_END_STUBS + 2] = "doors_xdp_frags",
};
const char *const watch_prog_names[WATCH_PROGS] = {"vl_out", "vl_xdp", "vl_in", "vl_xdp_frags"};

struct watch *watch_new(const char *lab)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	snprintf(watch->lab, sizeof(watch->lab), "%s", lab);
	memset(watch->maps, -1, sizeof(watch->maps));
	memset(watch->progs, -1, sizeof(watch->progs));
	return watch;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	/* Those of the skeleton are its own. */
	for (int i = watch->skel ? MAP_PLACES : 0; i < WATCH_MAPS; i++)
		if (watch->maps[i] >= 0)
			close(watch->maps[i]);
	for (int i = 0; i < WATCH_PROGS; i++)
		if (watch->progs[i] >= 0)
			close(watch->progs[i]);
	if (watch->skel)
		vethlab__destroy(watch->skel);
	free(watch);
}

uint64_t watch_started_ns(const struct watch *watch)
{
	return watch->started_ns;
}

uint32_t watch_n_ends(const struct watch *watch)
{
	return watch->n_ends;
}

bool watch_has_hook(const struct watch *watch, enum vl_hook hook)
{
	return watch->maps[hook] >= 0;
}

bool watch_map_counts(int map)
{
	return map <= MAP_COUNT_IN || (map >= MAP_TIMES && map <= MAP_ECHO_COUNT);
}

int watch_name_end(struct watch *watch, uint32_t number, const struct vl_end *end, struct err *err)
{
	if (bpf_map_update_elem(watch->maps[MAP_ENDS], &number, end, BPF_ANY))
		return watch_fail(err, errno, end->ifname, "enter the end into the map `ends`",
				  "CAP_BPF");
	return 0;
}

void watch_each_end(const struct watch *watch, void (*fn)(const struct vl_end *end, void *arg),
		    void *arg)
{
	struct vl_end end;

	for (uint32_t i = 0; i < watch->n_ends; i++)
		if (!bpf_map_lookup_elem(watch->maps[MAP_ENDS], &i, &end) && end.in_use)
			fn(&end, arg);
}

/* A pinned object; -1 if there is no such pin, else what bpf_obj_get() says. */
static int open_pin(const char *lab, const char *name)
{
	char path[256];
	int fd;

	watch_path(path, lab, "%s", name);
	fd = bpf_obj_get(path);
	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -1 : -errno;
}

static int open_pins(struct watch *watch, struct err *err)
{
	struct vl_lab lab;
	uint32_t zero = 0;
	int trusted = watch_check_dir(err);

	if (trusted < 0 && trusted != -EACCES)
		return trusted;
	/* Not MAP_END_STUBS, which hold programs: see watch_open_programs(). */
	for (int i = 0; i < MAP_END_STUBS; i++) {
		int ret = open_pin(watch->lab, watch_map_names[i]);

		if (ret < -1)
			return watch_fail(err, -ret, watch->lab, "open its pinned maps", "CAP_BPF");
		watch->maps[i] = ret;
	}
	if (watch->maps[MAP_LAB] < 0)
		return -ENOENT;
	for (int i = MAP_ENDS; i < MAP_TIMES; i++)
		if (watch->maps[i] < 0)
			return err_set(err, ERR_FAILED, ENOENT, WATCH_DIR "/%s/%s is missing",
				       watch->lab, watch_map_names[i]);
	if (bpf_map_lookup_elem(watch->maps[MAP_LAB], &zero, &lab))
		return watch_fail(err, errno, watch->lab, "read its map `lab`", "CAP_BPF");
	if (lab.version != VL_VERSION) {
		err_set(err, ERR_FAILED, EPROTO,
			"%s: its maps have version %u, this vethlab reads version %u", watch->lab,
			lab.version, VL_VERSION);
		err_hint(err, "`vethlab down %s`, then build or observe it again", watch->lab);
		return -EPROTO;
	}
	watch->observed = lab.flags & VL_LAB_OBSERVED;
	watch->n_ends = lab.n_ends;
	watch->ifindex_base = lab.ifindex_base;
	watch->started_ns = lab.started_ns;
	return 0;
}

int watch_open(struct watch **out, const char *lab, struct err *err)
{
	struct watch *watch = watch_new(lab);
	int ret;

	if (!watch)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", lab);
	watch_log_start();
	ret = open_pins(watch, err);
	if (ret)
		watch_close(watch);
	else
		*out = watch;
	return ret;
}

int watch_open_programs(struct watch *watch, struct err *err)
{
	for (int i = MAP_END_STUBS; i < WATCH_MAPS + WATCH_PROGS; i++) {
		int *fd = i < WATCH_MAPS ? &watch->maps[i] : &watch->progs[i - WATCH_MAPS];
		const char *name =
			i < WATCH_MAPS ? watch_map_names[i] : watch_prog_names[i - WATCH_MAPS];
		int ret = open_pin(watch->lab, name);

		if (ret < -1)
			return watch_fail(err, -ret, watch->lab, "open its pinned programs",
					  "CAP_BPF");
		*fd = ret;
	}
	return 0;
}
