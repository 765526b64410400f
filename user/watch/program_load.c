// SPDX-License-Identifier: GPL-2.0-only
/*
 * program_load.c - a lab's maps made and its programs loaded. Each program is loaded by an object
 * of its own that uses the maps which are there: so several are loaded at a time, and one that
 * nobody wanted at first can be loaded later.
 */
#include "user/base/clock.h"
#include "user/base/workers.h"
#include "user/watch/internal.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf/vethlab.skel.h"

#define WATCH_LOAD_NEEDS "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN"

enum { EXTRA_MAPS = MAP_PLACES }; /* from here on maps are not in bpf/vethlab.bpf.c */

/* Whether the lab that config describes has a map, and with an entry an end. */
static bool map_wanted(const struct watch_config *config, int map)
{
	switch (map) {
	case MAP_COUNT_OUT:
		return config->out;
	case MAP_COUNT_XDP:
		return config->xdp_generic || config->xdp_native;
	case MAP_COUNT_IN:
		return config->in;
	}
	if (map >= MAP_HERE)
		return config->observed;
	return map < MAP_TIMES || !config->no_time;
}

static struct bpf_map *map_of(const struct vethlab *skel, int map)
{
	return bpf_object__find_map_by_name(skel->obj, watch_map_names[map]);
}

/* A map that the lab does not have. 6.1 looks at all global functions, called or not, and those
 * that follow echoes want their maps. */
static int leave_out(struct vethlab *skel, int map)
{
	if (map < MAP_TIMES || map == MAP_HERE)
		return bpf_map__set_autocreate(map_of(skel, map), false);
	return bpf_map__set_max_entries(map_of(skel, map), 1);
}

/* Load no program but that one. */
static int choose_program(struct vethlab *skel, const char *name)
{
	struct bpf_program *prog;
	int ret;

	bpf_object__for_each_program(prog, skel->obj) {
		ret = bpf_program__set_autoload(prog,
						name && !strcmp(bpf_program__name(prog), name));
		if (ret)
			return ret;
	}
	return 0;
}

static int choose_maps(struct vethlab *skel, const struct watch_config *config)
{
	int cpus = libbpf_num_possible_cpus(), ret;

	if (cpus < 0)
		return cpus;
	ret = bpf_map__set_max_entries(skel->maps.tracers, VL_SESSIONS * cpus);
	if (ret)
		return ret;
	ret = bpf_map__set_max_entries(skel->maps.staged, VL_SESSIONS * cpus);
	for (int i = 0; i < EXTRA_MAPS && !ret; i++) {
		if (!map_wanted(config, i))
			ret = leave_out(skel, i);
		else if (watch_map_counts(i) || i == MAP_ENDS)
			ret = bpf_map__set_max_entries(map_of(skel, i), config->n_ends);
	}
	return ret;
}

/* The maps of a lab, and none of its programs: into watch->maps. */
static int make_maps(struct watch *watch, const struct watch_config *config)
{
	int ret;

	watch->skel = vethlab__open();
	if (!watch->skel)
		return -errno;
	ret = choose_maps(watch->skel, config);
	if (ret)
		return ret;
	ret = choose_program(watch->skel, NULL);
	if (ret)
		return ret;
	ret = vethlab__load(watch->skel);
	if (ret)
		return ret;
	for (int i = 0; i < EXTRA_MAPS; i++) {
		int fd = bpf_map__fd(map_of(watch->skel, i));

		watch->maps[i] = fd < 0 || !map_wanted(config, i) ? -1 : fd;
	}
	return 0;
}

/* The maps and constants of the lab, before one of its programs is loaded. */
static int use_maps(struct vethlab *skel, const struct watch *watch)
{
	int cpus = libbpf_num_possible_cpus(), ret = 0;

	if (cpus < 0)
		return cpus;
	skel->rodata->ifindex_base = watch->ifindex_base;
	skel->rodata->observed = watch->observed;
	skel->rodata->n_cpus = cpus;
	skel->rodata->follow_echoes = watch->maps[MAP_ECHOES] >= 0;
	skel->rodata->arrival_hook = watch->maps[MAP_COUNT_IN] >= 0 ? VL_HOOK_IN : VL_HOOK_XDP;
	for (int i = 0; i < EXTRA_MAPS && !ret; i++)
		ret = watch->maps[i] < 0 ? leave_out(skel, i)
					 : bpf_map__reuse_fd(map_of(skel, i), watch->maps[i]);
	return ret;
}

/* Returns a descriptor of the program, or -errno. */
static int load_by_name(struct vethlab *skel, const struct watch *watch, const char *name)
{
	int fd, ret = use_maps(skel, watch);

	if (ret)
		return ret;
	ret = choose_program(skel, name);
	if (ret)
		return ret;
	ret = vethlab__load(skel);
	if (ret)
		return ret;
	/* A copy: destroying the skeleton closes its own. */
	fd = fcntl(bpf_program__fd(bpf_object__find_program_by_name(skel->obj, name)),
		   F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

static int try_load_program(struct watch *watch, int prog)
{
	struct vethlab *skel = vethlab__open();
	int fd;

	if (!skel)
		return -errno;
	fd = load_by_name(skel, watch, watch_prog_names[prog]);
	vethlab__destroy(skel);
	watch->progs[prog] = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

static int load_program(struct watch *watch, int prog, struct err *err)
{
	int ret = try_load_program(watch, prog);

	if (ret == -E2BIG) { /* its last words are about some instruction */
		err_set(err, ERR_SYSTEM, E2BIG,
			"%s: the kernel's verifier gave up on the eBPF programs", watch->lab);
		err_hint(err, "a question of libbpf to the kernel failed, for lack of memory "
			      "perhaps: try again");
	}
	return ret ? watch_fail(err, -ret, watch->lab, "load the eBPF programs", WATCH_LOAD_NEEDS)
		   : 0;
}

static int watch_describe(struct watch *watch)
{
	struct vl_lab lab = {
		.version = VL_VERSION,
		.n_ends = watch->n_ends,
		.ifindex_base = watch->ifindex_base,
		.flags = watch->observed ? VL_LAB_OBSERVED : 0,
	};
	uint32_t zero = 0;

	lab.started_ns = clock_monotonic_ns();
	snprintf(lab.name, sizeof(lab.name), "%s", watch->lab);
	return bpf_map_update_elem(watch->maps[MAP_LAB], &zero, &lab, BPF_ANY);
}

/*
 * libbpf asks the kernel what it knows of BTF, and takes any failure for a no: without global
 * functions the verifier walks all ways through all of them, for 16 s, and then refuses the
 * programs for their size. So ask first, and tell what the answer was.
 */
static int check_btf(const char *lab, struct err *err)
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
				  WATCH_LOAD_NEEDS);
	close(fd);
	return 0;
}

/* The programs that are loaded at once, each on a thread: the verifier takes its time for each. */
struct loading {
	struct watch *watch;
	int progs[WATCH_PROGS];
};

static int load_one(size_t i, void *arg, struct err *err)
{
	const struct loading *loading = arg;

	return load_program(loading->watch, loading->progs[i], err);
}

static int load_programs(struct watch *watch, const struct watch_config *config, struct err *err)
{
	const bool wanted[WATCH_PROGS] = {[VL_HOOK_OUT] = config->out,
					  [VL_HOOK_XDP] = config->xdp_generic,
					  [VL_HOOK_IN] = config->in,
					  [PROG_XDP_NATIVE] = config->xdp_native};
	struct loading loading = {.watch = watch};
	size_t n = 0;

	for (int i = 0; i < WATCH_PROGS; i++)
		if (wanted[i])
			loading.progs[n++] = i;
	return workers_run(n, load_one, &loading, err);
}

static int make_observed_maps(struct watch *watch)
{
	int ret = watch_make_end_stubs(watch);

	return ret ? ret : watch_make_start_maps(watch);
}

static int load(struct watch *watch, const struct watch_config *config, struct err *err)
{
	int ret = check_btf(watch->lab, err);

	if (ret)
		return ret;
	ret = make_maps(watch, config);
	if (ret)
		return watch_fail(err, -ret, watch->lab, "make the maps of the eBPF programs",
				  WATCH_LOAD_NEEDS);
	ret = load_programs(watch, config, err);
	if (ret)
		return ret;
	ret = watch->observed ? make_observed_maps(watch) : 0;
	if (ret)
		return watch_fail(err, -ret, watch->lab, "make the maps that name its ends",
				  WATCH_LOAD_NEEDS);
	if (watch_describe(watch))
		return watch_fail(err, errno, watch->lab, "describe the lab in its map",
				  WATCH_LOAD_NEEDS);
	return 0;
}

int watch_load(struct watch **out, const struct watch_config *config, struct err *err)
{
	struct watch *watch = watch_new(config->lab);
	int ret;

	if (!watch)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", config->lab);
	watch_log_start();
	watch->n_ends = config->n_ends;
	watch->ifindex_base = config->ifindex_base;
	watch->observed = config->observed;
	ret = load(watch, config, err);
	if (ret)
		watch_close(watch);
	else
		*out = watch;
	return ret;
}

/* What others need to find a program that was loaded: its place in the map of tail calls, in an
 * observed lab, and its pin. */
static int publish(struct watch *watch, int prog, struct err *err)
{
	int ret = watch->observed ? watch_set_tail_call(watch, prog) : 0;

	if (ret)
		return watch_fail(err, -ret, watch->lab, "let its ends go on at an XDP program",
				  "CAP_BPF");
	return watch_pin_program(watch, prog, err);
}

int watch_load_late(struct watch *watch, int prog, struct err *err)
{
	int ret = check_btf(watch->lab, err);

	if (ret)
		return ret;
	ret = load_program(watch, prog, err);
	if (ret)
		return ret;
	ret = publish(watch, prog, err);
	if (ret) { /* so that nobody attaches a program that is not pinned */
		close(watch->progs[prog]);
		watch->progs[prog] = -1;
		return ret;
	}
	watch->late |= 1U << prog;
	return 0;
}

unsigned watch_late_programs(const struct watch *watch)
{
	return watch ? watch->late : 0;
}

int watch_unload_late(const char *lab, unsigned late, struct err *err)
{
	char path[256];

	for (int prog = 0; prog < WATCH_PROGS; prog++) {
		if (!(late & 1U << prog))
			continue;
		watch_path(path, lab, "%s", watch_prog_names[prog]);
		if (unlink(path) && errno != ENOENT)
			return watch_fail(err, errno, path, "remove the pin", "CAP_DAC_OVERRIDE");
	}
	return 0;
}
