// SPDX-License-Identifier: GPL-2.0-only
/* port_evidence.c - see port_evidence.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/drop_causes.h"
#include "user/lab/lab.h"
#include "user/net/net.h"
#include "user/trace/port_evidence.h"
#include "user/trace/stream.h"

void port_drops_add(struct port_drops *drops, const struct port_drop *drop)
{
	for (size_t i = 0; i < drops->n; i++) {
		struct port_drop *known = &drops->list[i];

		if (known->node == drop->node && known->end == drop->end &&
		    known->packet == drop->packet && !strcmp(known->reason, drop->reason) &&
		    !strcmp(known->function, drop->function)) {
			known->count += drop->count;
			return;
		}
	}
	if (drops->n < PORT_DROPS_MAX)
		drops->list[drops->n++] = *drop;
	else
		drops->more += drop->count;
}

/* ---- full accept queues -----------------------------------------------------------------------
 */

static int read_overflows_inside(void *arg)
{
	return snmp_counter("netstat", "TcpExt", "ListenOverflows", arg);
}

static bool read_overflows(const struct port_watch *w, uint64_t *overflows)
{
	cleanup_close int netns_fd =
		w->tcp && w->target ? running_open_netns(w->run, w->target, NULL) : -1;

	return netns_fd >= 0 && !netns_run(netns_fd, read_overflows_inside, overflows, NULL);
}

/* ---- counters ---------------------------------------------------------------------------------
 */

/* Of a hook; *counters NULL: the lab has no program there. */
static int read_hook(const struct port_watch *w, enum vl_hook hook, struct vl_counters **counters,
		     struct err *err)
{
	cleanup_free struct vl_counters *list = NULL;
	int ret;

	*counters = NULL;
	if (!w->watch || !watch_has_hook(w->watch, hook))
		return 0;
	list = calloc(watch_n_ends(w->watch), sizeof(*list));
	if (!list)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	ret = watch_read(w->watch, hook, list, err);
	if (ret == -ENOENT)
		return 0;
	if (!ret)
		*counters = cleanup_take(list);
	return ret;
}

static uint64_t counted(const struct port_watch *w, const struct vl_counters *counters)
{
	return w->tcp ? counters->tcp_syn : counters->udp;
}

/* What a hook of an end counted since the probe began. False: nothing counts there. */
static bool counted_since(const struct port_watch *w, const struct vl_counters *now,
			  enum vl_hook hook, const struct end *end, uint64_t *n)
{
	if (!now || !w->before[hook] || end->number >= watch_n_ends(w->watch) ||
	    !(running_hook_bits(w->run, end) & 1 << hook))
		return false;
	*n = counted(w, &now[end->number]) - counted(w, &w->before[hook][end->number]);
	return true;
}

static void add_link(const struct port_watch *w, struct vl_counters *const now[VL_HOOKS],
		     const struct end *from, bool back, struct port_evidence *evidence)
{
	struct port_link link = {.from = from, .back = back};

	link.has_sent = counted_since(w, now[VL_HOOK_OUT], VL_HOOK_OUT, from, &link.sent);
	link.has_arrived =
		counted_since(w, now[VL_HOOK_IN], VL_HOOK_IN, from->peer, &link.arrived) ||
		counted_since(w, now[VL_HOOK_XDP], VL_HOOK_XDP, from->peer, &link.arrived);
	if (evidence->n_links < PORT_LINKS_MAX)
		evidence->links[evidence->n_links++] = link;
	else
		evidence->more_links = true;
}

static void add_links(const struct port_watch *w, struct vl_counters *const now[VL_HOOKS],
		      const struct path *path, bool back, struct port_evidence *evidence)
{
	for (size_t i = 0; i < path->n_hops; i++) {
		const struct path_hop *hop = &path->hops[i];

		if (!hop->out)
			continue;
		add_link(w, now, hop->out, back, evidence);
		evidence->more_links |= hop->n_bridges > PATH_BRIDGES_MAX;
		for (size_t b = hop->n_bridges; b-- > 0;)
			if (b < PATH_BRIDGES_MAX && hop->bridges[b].out)
				add_link(w, now, hop->bridges[b].out, back, evidence);
	}
}

static void free_counters(struct vl_counters *counters[VL_HOOKS])
{
	for (int hook = 0; hook < VL_HOOKS; hook++) {
		free(counters[hook]);
		counters[hook] = NULL;
	}
}

static int read_counters(const struct port_watch *w, struct vl_counters *counters[VL_HOOKS],
			 struct err *err)
{
	int ret = 0;

	for (int hook = 0; !ret && hook < VL_HOOKS; hook++)
		ret = read_hook(w, hook, &counters[hook], err);
	if (ret)
		free_counters(counters);
	return ret;
}

/* ---- all --------------------------------------------------------------------------------------
 */

int port_watch_open(struct port_watch *w, const struct running *run, const struct node *target,
		    bool tcp, struct err *err)
{
	int ret;

	*w = (struct port_watch){.run = run, .target = target, .tcp = tcp};
	record_stream_open_nodes(&w->stack, run,
				 (struct node_trace_config){.depth = NODE_TRACE_FRAMES},
				 w->no_stack, sizeof(w->no_stack));
	ret = running_open_watch(&w->watch, run, err);
	if (ret != -ENOENT)
		return ret;
	err_clear(err);
	return 0;
}

void port_watch_close(struct port_watch *w)
{
	free_counters(w->before);
	node_tracer_close(w->stack);
	watch_close(w->watch);
	*w = (struct port_watch){0};
}

struct taking {
	struct port_watch *w;
	const struct port_flow *flow; /* NULL: nobody's */
	struct port_evidence *evidence;
};

static void take_drop(const struct vl_frame_drop *record, void *arg)
{
	const unsigned ordinary = DROP_COPY | DROP_ORDINARY | DROP_NO_PACKET;
	const struct vl_drop *at = &record->at;
	struct taking *taking = arg;
	const struct lab *lab = taking->w->run->lab;
	struct port_drop drop = {.count = 1};

	if (!taking->flow || at->node >= lab->n_nodes)
		return;
	drop.packet = port_packet_of(taking->flow, record->protocol, record->bytes,
				     sizeof(record->bytes));
	if (drop.packet == PORT_PACKET_NONE)
		return;
	drop.node = lab->nodes[at->node];
	drop.end = lab_find_number(lab, at->packet.end);
	record_stream_drop_names(at, drop.reason, drop.function, NULL);
	if (!(drop_classify(drop.reason, drop.function).traits & ordinary))
		port_drops_add(&taking->evidence->drops, &drop);
}

int port_watch_drain(struct port_watch *w, const struct port_flow *flow,
		     struct port_evidence *evidence, struct err *err)
{
	struct taking taking = {w, flow, evidence};
	int ret = w->stack ? node_tracer_poll_frames(w->stack, take_drop, &taking, err) : 0;

	return ret < 0 ? ret : 0;
}

int port_watch_begin(struct port_watch *w, struct port_evidence *evidence, struct err *err)
{
	int ret;

	*evidence = (struct port_evidence){0};
	free_counters(w->before);
	ret = read_counters(w, w->before, err);
	if (ret)
		return ret;
	w->overflows_known = read_overflows(w, &w->overflows);
	return port_watch_drain(w, NULL, evidence, err);
}

int port_watch_end(struct port_watch *w, const struct path *there, const struct path *back,
		   struct port_evidence *evidence, struct err *err)
{
	struct vl_counters *now[VL_HOOKS] = {0};
	int ret = read_counters(w, now, err);

	if (ret)
		return ret;
	add_links(w, now, there, false, evidence);
	if (back)
		add_links(w, now, back, true, evidence);
	free_counters(now);
	evidence->overflows_known = w->overflows_known && read_overflows(w, &evidence->overflows);
	if (evidence->overflows_known)
		evidence->overflows -= w->overflows;
	record_stream_not_seen(w->run, w->stack,
			       w->watch ? record_stream_count_blind(w->run, w->watch) : 0,
			       w->stack ? node_tracer_lost(w->stack) : 0, evidence->not_seen);
	return 0;
}
