// SPDX-License-Identifier: GPL-2.0-only
/* node_trace.c - a tracer's own programs at the kernel's tracepoints. */
#include "user/watch/node_trace.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf/node_trace.skel.h"
#include "user/watch/internal.h"

/* An echo through one router makes some 8 records of 200 bytes. */
enum { RING_BYTES = 1 << 20, ALL_RING_BYTES = 16 << 20 };

struct stack_watch {
	struct node_trace *skel;
	struct ring_buffer *ring;
	char missing[STACK_MISSING_SIZE];
	/* during a poll */
	void (*fn)(const struct vl_stack *record, void *arg);
	void (*frame_fn)(const struct vl_frame_drop *drop, void *arg);
	void *arg;
};

/* Programs by the tracepoint that each needs. what: NULL for what others do as well. */
static const struct {
	const char *program, *tracepoint, *what;
	enum stack_depth depth; /* from which on it serves; STACK_FRAMES: that one alone */
} points[] = {
	{"on_drop", "kfree_skb", "drops", STACK_DROPS},
	{"on_route", "fib_table_lookup", "IPv4 routes", STACK_REASONS},
	{"on_route6", "fib6_table_lookup", "IPv6 routes", STACK_REASONS},
	{"on_ask", "neigh_event_send_done", "questions for neighbors", STACK_REASONS},
	{"on_timer", "neigh_timer_handler", NULL, STACK_REASONS},
	{"on_neighbor", "neigh_update", "neighbors' answers", STACK_REASONS},
	{"on_icmp", "icmp_send", "ICMP errors being made", STACK_REASONS},
	{"on_consume", "consume_skb", "what the kernel answers", STACK_REASONS},
	{"on_receive", "netif_receive_skb", "loopback", STACK_ALL},
	{"on_read", "skb_copy_datagram_iovec", "what processes read", STACK_ALL},
	{"on_learn", "br_fdb_update", "what bridges learn", STACK_ALL},
	{"on_frame_drop", "kfree_skb", NULL, STACK_FRAMES},
};

enum { POINTS = sizeof(points) / sizeof(*points) };

static bool serves(size_t point, enum stack_depth depth)
{
	return points[point].depth == STACK_FRAMES ? depth == STACK_FRAMES
						   : depth >= points[point].depth;
}

static void add_missing(char missing[STACK_MISSING_SIZE], const char *what)
{
	size_t len = strlen(missing);

	if (what)
		snprintf(missing + len, STACK_MISSING_SIZE - len, "%s%s", len ? ", " : "", what);
}

/* Which of the points this kernel has. Returns how many. */
static size_t find_points(bool there[POINTS])
{
	struct btf *btf = btf__load_vmlinux_btf();
	char name[64];
	size_t n = 0;

	for (size_t i = 0; i < POINTS; i++) {
		snprintf(name, sizeof(name), "btf_trace_%s", points[i].tracepoint);
		there[i] = btf && btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0;
		n += there[i];
	}
	btf__free(btf);
	return n;
}

/* Whether the tracepoint consume_skb has an argument for the place (its type: context, packet,
 * place). */
static bool consume_tells_where(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, "btf_trace_consume_skb", BTF_KIND_TYPEDEF) : -1;
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, id) : NULL;
	bool tells;

	while (type && (btf_is_typedef(type) || btf_is_ptr(type)))
		type = btf__type_by_id(btf, type->type);
	tells = type && btf_is_func_proto(type) && btf_vlen(type) >= 3;
	btf__free(btf);
	return tells;
}

static void list_missing(const bool there[POINTS], enum stack_depth depth,
			 char missing[STACK_MISSING_SIZE])
{
	missing[0] = 0;
	for (size_t i = 0; i < POINTS; i++)
		if (!there[i] && serves(i, depth))
			add_missing(missing, points[i].what);
	if (depth == STACK_ALL && !consume_tells_where())
		add_missing(missing, "what is delivered to the kernel");
}

size_t stack_probe(char missing[STACK_MISSING_SIZE])
{
	bool there[POINTS];
	size_t n = find_points(there);

	list_missing(there, STACK_ALL, missing);
	return n;
}

static int take_record(void *ctx, void *data, size_t size)
{
	struct stack_watch *watch = ctx;
	struct vl_stack record = {};

	if (watch->frame_fn) {
		if (size >= sizeof(struct vl_frame_drop))
			watch->frame_fn(data, watch->arg);
		return 0;
	}
	if (size < sizeof(record.at))
		return 0;
	memcpy(&record, data, size < sizeof(record) ? size : sizeof(record));
	watch->fn(&record, watch->arg);
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

static int configure(struct node_trace *skel, const struct stack_config *config)
{
	skel->rodata->ifindex_base = config->ifindex_base;
	skel->rodata->n_ends = config->n_ends;
	skel->rodata->observed = config->observed;
	skel->rodata->detail = config->depth == STACK_ALL;
	skel->rodata->consume_tells_where = config->depth == STACK_ALL && consume_tells_where();
	memcpy((void *)&skel->rodata->filter, &config->filter, sizeof(config->filter));
	skel->rodata->own_node = config->from;
	if (config->to.family) {
		skel->rodata->target_family = config->to.family == AF_INET6 ? 6 : 4;
		memcpy((void *)skel->rodata->target, config->to.bytes,
		       config->to.family == AF_INET6 ? 16 : 4);
	}
	bpf_map__set_max_entries(skel->maps.records,
				 config->depth == STACK_ALL ? ALL_RING_BYTES : RING_BYTES);
	bpf_map__set_max_entries(skel->maps.nodes, config->n_nodes ? config->n_nodes : 1);
	return use_places(skel->maps.places, config->observed);
}

/* Load the programs whose points are wanted. */
static int load(struct stack_watch *watch, const struct stack_config *config,
		const bool wanted[POINTS], struct err *err)
{
	struct node_trace *skel = node_trace__open();
	int ret;

	if (!skel)
		return watch_fail(err, errno, "stack", "open the programs", "CAP_BPF");
	watch->skel = skel;
	ret = configure(skel, config);
	for (size_t i = 0; i < POINTS; i++)
		bpf_program__set_autoload(
			bpf_object__find_program_by_name(skel->obj, points[i].program), wanted[i]);
	if (!ret)
		ret = node_trace__load(skel);
	if (ret)
		return watch_fail(err, -ret, "stack", "load the programs", "CAP_BPF, CAP_PERFMON");
	for (size_t i = 0; i < config->n_nodes; i++)
		if (bpf_map_update_elem(bpf_map__fd(skel->maps.nodes), &config->nodes[i].inode,
					&config->nodes[i].index, BPF_ANY))
			return watch_fail(err, errno, "stack", "name the nodes", "CAP_BPF");
	return 0;
}

/* All that the kernel has; if it refuses one of those, drops at least. */
static int load_what_goes(struct stack_watch *watch, const struct stack_config *config,
			  struct err *err)
{
	bool there[POINTS], wanted[POINTS];
	int ret;

	find_points(there);
	list_missing(there, config->depth, watch->missing);
	for (size_t i = 0; i < POINTS; i++)
		wanted[i] = there[i] && serves(i, config->depth);
	ret = load(watch, config, wanted, err);
	if (!ret || ret == -EPERM || config->depth == STACK_FRAMES)
		return ret;
	node_trace__destroy(watch->skel);
	err_clear(err);
	watch->missing[0] = 0;
	for (size_t i = 1; i < POINTS; i++) {
		if (wanted[i])
			add_missing(watch->missing, points[i].what);
		wanted[i] = false;
	}
	return load(watch, config, wanted, err);
}

int stack_watch_open(struct stack_watch **out, const struct stack_config *config, struct err *err)
{
	struct stack_watch *watch = calloc(1, sizeof(*watch));
	int ret;

	if (!watch)
		return err_set(err, ERR_SYSTEM, ENOMEM, "stack: out of memory");
	watch_log_start();
	ret = load_what_goes(watch, config, err);
	if (!ret) {
		watch->ring = ring_buffer__new(bpf_map__fd(watch->skel->maps.records), take_record,
					       watch, NULL);
		if (!watch->ring)
			ret = watch_fail(err, errno, "stack", "map the ring buffer", "CAP_BPF");
	}
	if (!ret) {
		ret = node_trace__attach(watch->skel);
		if (ret)
			watch_fail(err, -ret, "stack", "attach to tracepoints",
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
		node_trace__destroy(watch->skel);
	free(watch);
}

static int consume(struct stack_watch *watch, void *arg, struct err *err)
{
	int ret;

	watch->arg = arg;
	ret = ring_buffer__consume(watch->ring);
	if (ret < 0)
		return err_set(err, ERR_SYSTEM, -ret, "cannot read what stacks do (kernel: %s)",
			       strerror(-ret));
	return ret;
}

int stack_watch_poll(struct stack_watch *watch,
		     void (*fn)(const struct vl_stack *record, void *arg), void *arg,
		     struct err *err)
{
	watch->fn = fn;
	return consume(watch, arg, err);
}

int stack_watch_poll_frames(struct stack_watch *watch,
			    void (*fn)(const struct vl_frame_drop *drop, void *arg), void *arg,
			    struct err *err)
{
	watch->frame_fn = fn;
	return consume(watch, arg, err);
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

const char *stack_watch_missing(const struct stack_watch *watch)
{
	return watch->missing;
}
