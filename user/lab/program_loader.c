// SPDX-License-Identifier: GPL-2.0-only
/* program_loader.c - see program_loader.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "user/lab/program_loader.h"

/*
 * Each tcx attachment waits for an RCU grace period under rtnl (tcx_entry_sync in
 * kernel/bpf/tcx.c): 9 ms measured on 6.18, one after the other. clsact filters wait for none when
 * their qdiscs were made before. So tcx serves labs up to this many ends, clsact bigger ones.
 */
enum { TCX_ENDS_MAX = 32 };

static bool wants_hook(const struct running *run, unsigned hook)
{
	for (size_t i = 0; i < lab_n_ends(run->lab); i++)
		if (running_hooks(run, lab_end(run->lab, i)) & hook)
			return true;
	return false;
}

static bool wants_xdp(const struct running *run, enum xdp_mode mode)
{
	for (size_t i = 0; i < lab_n_ends(run->lab); i++) {
		const struct end *end = lab_end(run->lab, i);

		if (running_hooks(run, end) != HOOKS_NONE && running_xdp(run, end) == mode)
			return true;
	}
	return false;
}

static enum watch_tc choose_tc(const struct build *build)
{
	enum watch_tc tc = build->options->tc;

	if (!wants_hook(build->run, HOOKS_IN | HOOKS_OUT))
		return WATCH_TC_NONE;
	if (tc != WATCH_TC_AUTO)
		return tc;
	if (lab_n_ends(build->run->lab) > TCX_ENDS_MAX)
		return WATCH_TC_CLSACT;
	return watch_tc_available();
}

struct program_loader {
	struct build *build;
	struct watch_config config;
	pthread_t thread;
	int ret;
	struct err err;
};

static void *load(void *arg)
{
	struct program_loader *loader = arg;
	struct build *build = loader->build;

	loader->ret = watch_load(&build->watch, &loader->config, &loader->err);
	if (!loader->ret)
		loader->ret = watch_mount_bpffs(&loader->err);
	build->run->mounted_bpffs = loader->ret == 1;
	return NULL;
}

int program_loader_start(struct program_loader **out, struct build *build, struct err *err)
{
	struct running *run = build->run;
	struct watch_config config = {
		.lab = run->name,
		.ifindex_base = run->ifindex_base,
		.n_ends = run->capacity,
		.xdp_generic = wants_xdp(run, XDP_MODE_GENERIC),
		.xdp_native = wants_xdp(run, XDP_MODE_NATIVE),
	};
	struct program_loader *loader;
	int ret;

	run->tc = choose_tc(build);
	ret = watch_tc_check(run->tc, err);
	if (ret)
		return ret;
	/* Only programs that will be attached to an end are loaded. */
	config.in = run->tc != WATCH_TC_NONE && wants_hook(run, HOOKS_IN);
	config.out = run->tc != WATCH_TC_NONE && wants_hook(run, HOOKS_OUT);
	if (!config.in && !config.out && !config.xdp_generic && !config.xdp_native)
		return 0;
	loader = calloc(1, sizeof(*loader));
	if (!loader)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	loader->build = build;
	loader->config = config;
	ret = pthread_create(&loader->thread, NULL, load, loader);
	if (ret) {
		free(loader);
		return err_set(err, ERR_SYSTEM, ret, "cannot start a thread: %s", strerror(ret));
	}
	*out = loader;
	return 0;
}

int program_loader_finish(struct program_loader *loader, struct err *err)
{
	int ret;

	if (!loader)
		return 0;
	pthread_join(loader->thread, NULL);
	ret = loader->ret < 0 ? loader->ret : 0;
	if (ret && err && !err->code)
		*err = loader->err;
	free(loader);
	return ret;
}
