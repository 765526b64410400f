// SPDX-License-Identifier: GPL-2.0-only
/*
 * program_load.c - a lab's maps made and its programs loaded.
 */
#include "user/base/clock.h"
#include "user/watch/internal.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "bpf/vethlab.skel.h"

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
