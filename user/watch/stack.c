// SPDX-License-Identifier: GPL-2.0-only
/* stack.c - a tracer's own program at the kernel's drop tracepoint. */
#include "user/watch/stack.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/stack.skel.h"
#include "user/watch/internal.h"

struct stack_watch {
	struct stack *skel;
	struct ring_buffer *ring;
	/* during a poll */
	void (*fn)(const struct vl_drop *drop, void *arg);
	void *arg;
};

static int take_record(void *ctx, void *data, size_t size)
{
	struct stack_watch *watch = ctx;
	struct vl_drop drop;

	if (size < sizeof(drop))
		return 0;
	memcpy(&drop, data, sizeof(drop));
	watch->fn(&drop, watch->arg);
	return 0;
}

/* The lab's own map of its ends' places. */
static int use_places(struct bpf_map *map, const char *lab)
{
	char path[256];
	int fd, ret;

	if (!lab)
		return bpf_map__set_autocreate(map, false);
	watch_path(path, lab, "places");
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	ret = bpf_map__reuse_fd(map, fd);
	close(fd);
	return ret;
}

static int load(struct stack_watch *watch, const struct stack_config *config, struct err *err)
{
	struct stack *skel = stack__open();
	int ret;

	if (!skel)
		return watch_fail(err, errno, "drops", "open the program", "CAP_BPF");
	watch->skel = skel;
	skel->rodata->ifindex_base = config->ifindex_base;
	skel->rodata->n_ends = config->n_ends;
	skel->rodata->by_token = config->by_token;
	skel->rodata->token_id = config->id;
	skel->rodata->token = config->token;
	skel->rodata->observed = config->observed;
	bpf_map__set_max_entries(skel->maps.nodes, config->n_nodes ? config->n_nodes : 1);
	ret = use_places(skel->maps.places, config->observed);
	if (!ret)
		ret = stack__load(skel);
	if (ret)
		return watch_fail(err, -ret, "drops", "load the program", "CAP_BPF, CAP_PERFMON");
	for (size_t i = 0; i < config->n_nodes; i++)
		if (bpf_map_update_elem(bpf_map__fd(skel->maps.nodes), &config->nodes[i].inode,
					&config->nodes[i].index, BPF_ANY))
			return watch_fail(err, errno, "drops", "name the nodes", "CAP_BPF");
	return 0;
}

int stack_watch_open(struct stack_watch **out, const struct stack_config *config, struct err *err)
{
	struct stack_watch *watch = calloc(1, sizeof(*watch));
	int ret;

	if (!watch)
		return err_set(err, ERR_SYSTEM, ENOMEM, "drops: out of memory");
	watch_log_start();
	ret = load(watch, config, err);
	if (!ret) {
		watch->ring = ring_buffer__new(bpf_map__fd(watch->skel->maps.drops), take_record,
					       watch, NULL);
		if (!watch->ring)
			ret = watch_fail(err, errno, "drops", "map the ring buffer", "CAP_BPF");
	}
	if (!ret) {
		ret = stack__attach(watch->skel);
		if (ret)
			watch_fail(err, -ret, "drops", "attach to kfree_skb",
				   "CAP_BPF, CAP_PERFMON");
	}
	if (ret) {
		stack_watch_close(watch);
		return ret;
	}
	*out = watch;
	return 0;
}

void stack_watch_close(struct stack_watch *watch)
{
	if (!watch)
		return;
	ring_buffer__free(watch->ring);
	if (watch->skel)
		stack__destroy(watch->skel);
	free(watch);
}

int stack_watch_poll(struct stack_watch *watch, void (*fn)(const struct vl_drop *drop, void *arg),
		     void *arg, struct err *err)
{
	int ret;

	watch->fn = fn;
	watch->arg = arg;
	ret = ring_buffer__consume(watch->ring);
	if (ret < 0)
		return err_set(err, ERR_SYSTEM, -ret, "cannot read drops (kernel: %s)",
			       strerror(-ret));
	return ret;
}

uint64_t stack_watch_lost(const struct stack_watch *watch)
{
	int n_cpus = libbpf_num_possible_cpus();
	uint64_t values[n_cpus > 0 ? n_cpus : 1], sum = 0;
	uint32_t zero = 0;

	if (n_cpus < 1 || bpf_map_lookup_elem(bpf_map__fd(watch->skel->maps.lost), &zero, values))
		return 0;
	for (int cpu = 0; cpu < n_cpus; cpu++)
		sum += values[cpu];
	return sum;
}
