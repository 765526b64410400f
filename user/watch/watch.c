// SPDX-License-Identifier: GPL-2.0-only
/*
 * watch.c - a lab's programs and maps: loaded, and opened again by their pins.
 */
#include "user/base/clock.h"
#include "user/watch/internal.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
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

static struct watch *watch_new(const char *lab)
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
	if (watch->skel) {
		for (int i = MAP_PLACES; i < WATCH_MAPS; i++)
			if (watch->maps[i] >= 0)
				close(watch->maps[i]);
		vethlab__destroy(watch->skel);
	} else {
		for (int i = 0; i < WATCH_MAPS; i++)
			if (watch->maps[i] >= 0)
				close(watch->maps[i]);
		for (int i = 0; i < WATCH_PROGS; i++)
			if (watch->progs[i] >= 0)
				close(watch->progs[i]);
	}
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

/* Whether the lab that config describes has a map, and with an entry an end. */
static bool map_wanted(const struct watch_config *config, int map)
{
	switch (map) {
	case MAP_COUNT_OUT:
		return config->out;
	case MAP_COUNT_XDP:
		return config->xdp;
	case MAP_COUNT_IN:
		return config->in;
	}
	if (map >= MAP_HERE)
		return config->observed;
	return map < MAP_TIMES || !config->no_time;
}

bool watch_map_counts(int map)
{
	return map <= MAP_COUNT_IN || (map >= MAP_TIMES && map <= MAP_ECHO_COUNT);
}

/* Sizes, constants and hooks, before load. */
static int watch_configure(struct vethlab *skel, const struct watch_config *config)
{
	const bool wanted[WATCH_PROGS] = {config->out, config->xdp, config->in, config->xdp};
	int cpus = libbpf_num_possible_cpus(), ret;

	if (cpus < 0)
		return cpus;
	skel->rodata->ifindex_base = config->ifindex_base;
	skel->rodata->observed = config->observed;
	skel->rodata->n_cpus = cpus;
	skel->rodata->follow_echoes = !config->no_time;
	skel->rodata->arrival_hook = config->in ? VL_HOOK_IN : VL_HOOK_XDP;
	ret = bpf_map__set_max_entries(skel->maps.tracers, VL_SESSIONS * cpus);
	if (ret)
		return ret;
	ret = bpf_map__set_max_entries(skel->maps.staged, VL_SESSIONS * cpus);
	if (ret)
		return ret;
	for (int i = 0; i < WATCH_PROGS; i++) {
		ret = bpf_program__set_autoload(
			bpf_object__find_program_by_name(skel->obj, watch_prog_names[i]),
			wanted[i]);
		if (ret)
			return ret;
	}
	for (int i = 0; i <= MAP_HERE && !ret; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, watch_map_names[i]);

		/* 6.1 looks at all global functions, called or not, and these want their maps. */
		if (!map_wanted(config, i))
			ret = i < MAP_TIMES || i == MAP_HERE ? bpf_map__set_autocreate(map, false)
							     : bpf_map__set_max_entries(map, 1);
		else if (watch_map_counts(i) || i == MAP_ENDS)
			ret = bpf_map__set_max_entries(map, config->n_ends);
	}
	return ret;
}

static int watch_describe(struct watch *watch, const struct watch_config *config)
{
	struct vl_lab lab = {
		.version = VL_VERSION,
		.n_ends = config->n_ends,
		.ifindex_base = config->ifindex_base,
		.flags = config->observed ? VL_LAB_OBSERVED : 0,
	};
	uint32_t zero = 0;

	lab.started_ns = clock_monotonic_ns();
	snprintf(lab.name, sizeof(lab.name), "%s", config->lab);
	return bpf_map_update_elem(watch->maps[MAP_LAB], &zero, &lab, BPF_ANY);
}

/* Those of the skeleton; what is not wanted has none. */
static void take_descriptors(struct watch *watch, const struct watch_config *config)
{
	struct bpf_object *obj = watch->skel->obj;

	for (int i = 0; i <= MAP_HERE; i++) {
		int fd = bpf_map__fd(bpf_object__find_map_by_name(obj, watch_map_names[i]));

		watch->maps[i] = fd < 0 || !map_wanted(config, i) ? -1 : fd;
	}
	for (int i = 0; i < WATCH_PROGS; i++) {
		int fd =
			bpf_program__fd(bpf_object__find_program_by_name(obj, watch_prog_names[i]));

		watch->progs[i] = fd < 0 ? -1 : fd;
	}
}

/*
 * libbpf asks the kernel what it knows of BTF, and takes any failure for a no: without global
 * functions the verifier walks all ways through all of them, for 16 s, and then refuses the
 * programs for their size. So ask first, and tell what the answer was.
 */
static int check_btf(const char *lab, const char *need, struct err *err)
{
	struct btf *btf = btf__new_empty();
	const void *data;
	__u32 size;
	int proto, fd;

	if (libbpf_get_error(btf))
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", lab);
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	proto = btf__add_func_proto(btf, 1);
	btf__add_func(btf, "f", BTF_FUNC_GLOBAL, proto);
	data = btf__raw_data(btf, &size);
	fd = data ? bpf_btf_load(data, size, NULL) : -ENOMEM;
	btf__free(btf);
	if (fd < 0)
		return watch_fail(err, -fd, lab, "load type information (BTF) of eBPF programs",
				  need);
	close(fd);
	return 0;
}

int watch_load(struct watch **out, const struct watch_config *config, struct err *err)
{
	const char *need = "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN";
	struct watch *watch = watch_new(config->lab);
	int ret;

	if (!watch)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", config->lab);
	watch_log_start();
	watch->n_ends = config->n_ends;
	ret = check_btf(config->lab, need, err);
	if (ret)
		goto out;
	watch->skel = vethlab__open();
	ret = watch->skel ? watch_configure(watch->skel, config) : -errno;
	if (!ret)
		ret = vethlab__load(watch->skel);
	if (ret) {
		if (ret == -E2BIG) { /* its last words are about some instruction */
			err_set(err, ERR_SYSTEM, E2BIG,
				"%s: the kernel's verifier gave up on the eBPF programs",
				config->lab);
			err_hint(err,
				 "a question of libbpf to the kernel failed, for lack of memory "
				 "perhaps: try again");
		}
		watch_fail(err, -ret, config->lab, "load the eBPF programs", need);
		goto out;
	}
	take_descriptors(watch, config);
	watch->observed = config->observed;
	ret = config->observed ? watch_make_end_stubs(watch) : 0;
	if (!ret && config->observed)
		ret = watch_make_start_maps(watch);
	if (ret) {
		watch_fail(err, -ret, config->lab, "make the maps that name its ends", need);
		goto out;
	}
	ret = watch_describe(watch, config);
	if (ret)
		watch_fail(err, -ret, config->lab, "describe the lab in its map", need);
out:
	if (ret)
		watch_close(watch);
	else
		*out = watch;
	return ret;
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
	/* But doors, which hold programs: see watch_open_programs(). */
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
	if (lab.version != VL_VERSION)
		return err_set(err, ERR_FAILED, EPROTO,
			       "%s: its maps have version %u, this vethlab reads version %u",
			       watch->lab, lab.version, VL_VERSION);
	watch->observed = lab.flags & VL_LAB_OBSERVED;
	watch->n_ends = lab.n_ends;
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
