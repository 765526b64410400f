// SPDX-License-Identifier: GPL-2.0-only
/* node_trace.c - a tracer's own programs at the kernel's tracepoints. */
#include "user/watch/node_trace.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf/node_trace.skel.h"
#include "user/base/plain.h"
#include "user/watch/internal.h"
#include "user/watch/kernel_object.h"
#include "user/watch/kernel_types.h"

/* An echo through one router makes some 8 records of 200 bytes. */
enum { RING_BYTES = 1 << 20, ALL_RING_BYTES = 16 << 20 };

struct node_tracer {
	struct node_trace *skel;
	struct ring_buffer *ring;
	char missing[NODE_TRACE_MISSING_SIZE];
	/* during a poll */
	void (*fn)(const struct vl_stack *record, void *arg);
	void (*frame_fn)(const struct vl_frame_drop *drop, void *arg);
	void *arg;
};

/* Programs by the tracepoint that each needs. what: NULL for what others do as well. */
static const struct {
	const char *program, *tracepoint, *what;
	enum node_trace_depth
		depth; /* from which on it serves; NODE_TRACE_FRAMES: that one alone */
} points[] = {
	{"on_drop", "kfree_skb", "drops", NODE_TRACE_DROPS},
	{"on_other_drop", "kfree_skb", NULL, NODE_TRACE_DROPS}, /* if asked for (VL_F_ANY) */
	{"on_route", "fib_table_lookup", "IPv4 routes", NODE_TRACE_REASONS},
	{"on_route6", "fib6_table_lookup", "IPv6 routes", NODE_TRACE_REASONS},
	{"on_ask", "neigh_event_send_done", "questions for neighbors", NODE_TRACE_REASONS},
	{"on_timer", "neigh_timer_handler", NULL, NODE_TRACE_REASONS},
	{"on_neighbor", "neigh_update", "neighbors' answers", NODE_TRACE_REASONS},
	{"on_icmp", "icmp_send", "ICMP errors being made", NODE_TRACE_REASONS},
	{"on_consume", "consume_skb", "what the kernel answers", NODE_TRACE_REASONS},
	{"on_receive", "netif_receive_skb", "loopback", NODE_TRACE_ALL},
	{"on_read", "skb_copy_datagram_iovec", "what processes read", NODE_TRACE_ALL},
	{"on_learn", "br_fdb_update", "what bridges learn", NODE_TRACE_ALL},
	{"on_frame_drop", "kfree_skb", NULL, NODE_TRACE_FRAMES},
};

enum { POINTS = sizeof(points) / sizeof(*points), POINT_OTHERS = 1, POINTS_OF_DROPS };

static bool serves(size_t point, enum node_trace_depth depth)
{
	return points[point].depth == NODE_TRACE_FRAMES ? depth == NODE_TRACE_FRAMES
							: depth >= points[point].depth;
}

static void add_missing(char missing[NODE_TRACE_MISSING_SIZE], const char *what)
{
	size_t len = strlen(missing);

	if (what)
		snprintf(missing + len, NODE_TRACE_MISSING_SIZE - len, "%s%s", len ? ", " : "",
			 what);
}

/* Which of the points this kernel has. Returns how many. */
static size_t find_points(bool there[POINTS])
{
	const struct kernel_types *types = kernel_types();
	size_t n = 0;

	for (size_t i = 0; i < POINTS; i++) {
		there[i] = types && kernel_types_tracepoint(types, points[i].tracepoint, NULL);
		n += there[i];
	}
	return n;
}

/* Whether the tracepoint consume_skb has an argument for the place, behind the packet. */
static bool consume_tells_where(void)
{
	const struct kernel_types *types = kernel_types();
	unsigned n_args;

	return types && kernel_types_tracepoint(types, "consume_skb", &n_args) && n_args >= 2;
}

static void list_missing(const bool there[POINTS], enum node_trace_depth depth,
			 char missing[NODE_TRACE_MISSING_SIZE])
{
	missing[0] = 0;
	for (size_t i = 0; i < POINTS; i++)
		if (!there[i] && serves(i, depth))
			add_missing(missing, points[i].what);
	if (depth == NODE_TRACE_ALL && !consume_tells_where())
		add_missing(missing, "what is delivered to the kernel");
}

size_t node_trace_probe(char missing[NODE_TRACE_MISSING_SIZE])
{
	bool there[POINTS];
	size_t n = find_points(there);

	list_missing(there, NODE_TRACE_ALL, missing);
	return n;
}

static int take_record(void *ctx, void *data, size_t size)
{
	struct node_tracer *tracer = ctx;
	struct vl_stack record = {};

	if (tracer->frame_fn) {
		if (size >= sizeof(struct vl_frame_drop))
			tracer->frame_fn(data, tracer->arg);
		return 0;
	}
	if (size < sizeof(record.at))
		return 0;
	memcpy(&record, data, size < sizeof(record) ? size : sizeof(record));
	record.name[sizeof(record.name) - 1] = '\0';
	plain_name(record.name); /* a process may call itself anything */
	tracer->fn(&record, tracer->arg);
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

static int configure(struct node_trace *skel, const struct node_trace_config *config)
{
	skel->rodata->ifindex_base = config->ifindex_base;
	skel->rodata->n_ends = config->n_ends;
	skel->rodata->observed = config->observed;
	skel->rodata->detail = config->depth == NODE_TRACE_ALL;
	skel->rodata->with_questions =
		config->depth == NODE_TRACE_REASONS || config->depth == NODE_TRACE_ALL;
	skel->rodata->with_others = config->filter.fields & VL_F_ANY;
	skel->rodata->consume_tells_where =
		config->depth >= NODE_TRACE_REASONS && consume_tells_where();
	memcpy((void *)&skel->rodata->filter, &config->filter, sizeof(config->filter));
	skel->rodata->own_node = config->from;
	if (config->to.family) {
		skel->rodata->target_family = config->to.family == AF_INET6 ? 6 : 4;
		memcpy((void *)skel->rodata->target, config->to.bytes,
		       config->to.family == AF_INET6 ? 16 : 4);
	}
	bpf_map__set_max_entries(skel->maps.records,
				 config->depth == NODE_TRACE_ALL ? ALL_RING_BYTES : RING_BYTES);
	bpf_map__set_max_entries(skel->maps.nodes, config->n_nodes ? config->n_nodes : 1);
	return use_places(skel->maps.places, config->observed);
}

/* Load the programs whose points are wanted. */
static int load(struct node_tracer *tracer, const struct node_trace_config *config,
		const bool wanted[POINTS], struct err *err)
{
	cleanup_kernel_object struct kernel_object object = KERNEL_OBJECT_NONE;
	struct node_trace *skel;
	int ret = kernel_object_start(&object);

	if (ret)
		return watch_fail(err, -ret, "stack", "read the kernel's types (BTF)", "CAP_BPF");
	skel = node_trace__open_opts(&object.opts);
	if (!skel)
		return watch_fail(err, errno, "stack", "open the programs", "CAP_BPF");
	tracer->skel = skel;
	ret = configure(skel, config);
	for (size_t i = 0; i < POINTS; i++)
		bpf_program__set_autoload(
			bpf_object__find_program_by_name(skel->obj, points[i].program), wanted[i]);
	if (!ret)
		ret = kernel_object_load(&object, skel->skeleton);
	if (ret)
		return watch_fail(err, -ret, "stack", "load the programs", "CAP_BPF, CAP_PERFMON");
	for (size_t i = 0; i < config->n_nodes; i++)
		if (bpf_map_update_elem(bpf_map__fd(skel->maps.nodes), &config->nodes[i].inode,
					&config->nodes[i].index, BPF_ANY))
			return watch_fail(err, errno, "stack", "name the nodes", "CAP_BPF");
	return 0;
}

/* All that the kernel has; if it refuses one of those, drops at least. */
static int load_what_goes(struct node_tracer *tracer, const struct node_trace_config *config,
			  struct err *err)
{
	bool there[POINTS], wanted[POINTS];
	int ret;

	find_points(there);
	list_missing(there, config->depth, tracer->missing);
	for (size_t i = 0; i < POINTS; i++)
		wanted[i] = there[i] && serves(i, config->depth);
	wanted[POINT_OTHERS] &= (config->filter.fields & VL_F_ANY) != 0;
	ret = load(tracer, config, wanted, err);
	if (!ret || ret == -EPERM || config->depth == NODE_TRACE_FRAMES)
		return ret;
	node_trace__destroy(tracer->skel);
	tracer->skel = NULL;
	err_clear(err);
	tracer->missing[0] = 0;
	for (size_t i = POINTS_OF_DROPS; i < POINTS; i++) {
		if (wanted[i])
			add_missing(tracer->missing, points[i].what);
		wanted[i] = false;
	}
	return load(tracer, config, wanted, err);
}

static int load_and_attach(struct node_tracer *tracer, const struct node_trace_config *config,
			   struct err *err)
{
	int ret = load_what_goes(tracer, config, err);

	if (ret)
		return ret;
	tracer->ring = ring_buffer__new(bpf_map__fd(tracer->skel->maps.records), take_record,
					tracer, NULL);
	if (!tracer->ring)
		return watch_fail(err, errno, "stack", "map the ring buffer", "CAP_BPF");
	ret = kernel_object_attach(tracer->skel->skeleton);
	if (ret)
		watch_fail(err, -ret, "stack", "attach to tracepoints", "CAP_BPF, CAP_PERFMON");
	return ret;
}

int node_tracer_open(struct node_tracer **out, const struct node_trace_config *config,
		     struct err *err)
{
	struct node_tracer *tracer = calloc(1, sizeof(*tracer));
	int ret;

	if (!tracer)
		return err_set(err, ERR_SYSTEM, ENOMEM, "stack: out of memory");
	watch_log_start();
	ret = load_and_attach(tracer, config, err);
	if (ret) {
		node_tracer_close(tracer);
		return ret;
	}
	*out = tracer;
	return 0;
}

void node_tracer_close(struct node_tracer *tracer)
{
	if (!tracer)
		return;
	ring_buffer__free(tracer->ring);
	if (tracer->skel)
		node_trace__destroy(tracer->skel);
	free(tracer);
}

static int consume(struct node_tracer *tracer, void *arg, struct err *err)
{
	int ret;

	tracer->arg = arg;
	ret = ring_buffer__consume(tracer->ring);
	if (ret < 0)
		return err_set(err, ERR_SYSTEM, -ret, "cannot read what stacks do (kernel: %s)",
			       strerror(-ret));
	return ret;
}

int node_tracer_poll(struct node_tracer *tracer,
		     void (*fn)(const struct vl_stack *record, void *arg), void *arg,
		     struct err *err)
{
	tracer->fn = fn;
	return consume(tracer, arg, err);
}

int node_tracer_poll_frames(struct node_tracer *tracer,
			    void (*fn)(const struct vl_frame_drop *drop, void *arg), void *arg,
			    struct err *err)
{
	tracer->frame_fn = fn;
	return consume(tracer, arg, err);
}

uint64_t node_tracer_lost(const struct node_tracer *tracer)
{
	int n_cpus = libbpf_num_possible_cpus();
	uint64_t values[n_cpus > 0 ? n_cpus : 1], sum = 0;
	uint32_t zero = 0;

	if (n_cpus < 1 || bpf_map_lookup_elem(bpf_map__fd(tracer->skel->maps.lost), &zero, values))
		return 0;
	for (int cpu = 0; cpu < n_cpus; cpu++)
		sum += values[cpu];
	return sum;
}

const char *node_tracer_missing(const struct node_tracer *tracer)
{
	return tracer->missing;
}
