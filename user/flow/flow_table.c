// SPDX-License-Identifier: GPL-2.0-only
/*
 * flow_table.c - the flows that are kept, at most so many: where there is no room for a new one,
 * the one that was over first leaves, or if none is, the one that was quiet for longest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/match.h"
#include "user/base/array.h"
#include "user/base/hash.h"
#include "user/flow/internal.h"
#include "user/story/story.h"

struct flows *flows_new(const struct lab *lab, size_t most)
{
	struct flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return NULL;
	flows->lab = lab;
	flows->most = most ? most : 1;
	flows->totals.most = flows->most;
	flows->id_base = 1;
	for (flows->n_buckets = 64; flows->n_buckets < flows->most && flows->n_buckets < 1 << 16;)
		flows->n_buckets *= 2;
	flows->buckets = calloc(flows->n_buckets, sizeof(*flows->buckets));
	flows->seen_in = calloc(lab_n_ends(lab) + 1, sizeof(*flows->seen_in));
	if (!flows->buckets || !flows->seen_in) {
		flows_free(flows);
		return NULL;
	}
	return flows;
}

static void unlink_flow(struct flows *flows, struct flow *flow)
{
	struct flow **oldest = flow->is_over ? &flows->oldest_over : &flows->oldest;
	struct flow **newest = flow->is_over ? &flows->newest_over : &flows->newest;

	*(flow->older ? &flow->older->newer : oldest) = flow->newer;
	*(flow->newer ? &flow->newer->older : newest) = flow->older;
}

static void link_flow(struct flows *flows, struct flow *flow)
{
	struct flow **oldest = flow->is_over ? &flows->oldest_over : &flows->oldest;
	struct flow **newest = flow->is_over ? &flows->newest_over : &flows->newest;

	flow->older = *newest;
	flow->newer = NULL;
	*(*newest ? &(*newest)->newer : oldest) = flow;
	*newest = flow;
}

void flows_set_over(struct flows *flows, struct flow *flow, bool over)
{
	if (flow->is_over && over)
		return; /* it leaves in the order in which flows ended */
	unlink_flow(flows, flow);
	flow->is_over = over;
	link_flow(flows, flow);
}

static void drop_name(struct flows *flows, struct flow_name *name)
{
	struct flow_name **at = &flows->buckets[hash_fold(name->hash, flows->n_buckets)];

	while (*at != name)
		at = &(*at)->next;
	*at = name->next;
	free(name);
}

static void drop_flow(struct flows *flows, struct flow *flow)
{
	while (flow->names) {
		struct flow_name *name = flow->names;

		flow->names = name->next_own;
		drop_name(flows, name);
	}
	unlink_flow(flows, flow);
	for (size_t i = 0; i < CONTENTS; i++)
		if (flows->contents[i].flow == flow)
			flows->contents[i].flow = NULL;
	flows->by_id[flow->id - flows->id_base] = NULL;
	flows->n--;
	way_free(&flow->ways[0]);
	way_free(&flow->ways[1]);
	log_free(flow->log);
	free(flow->repairs);
	free(flow->tallies);
	free(flow);
}

void flows_free(struct flows *flows)
{
	if (!flows)
		return;
	while (flows->oldest)
		drop_flow(flows, flows->oldest);
	while (flows->oldest_over)
		drop_flow(flows, flows->oldest_over);
	for (size_t i = 0; i < flows->n_causes; i++)
		free(flows->causes[i]);
	free(flows->causes);
	free(flows->buckets);
	free(flows->by_id);
	free(flows->seen_in);
	free(flows);
}

static bool is_followed(const struct flows *flows, uint64_t id)
{
	return flows->follows && (flows->followed == FLOW_ALL || flows->followed == id);
}

/* The first of a list that may leave. */
static struct flow *may_leave(const struct flows *flows, struct flow *oldest)
{
	return oldest && flows->follows && oldest->id == flows->followed ? oldest->newer : oldest;
}

static void make_room(struct flows *flows)
{
	struct flow *over = may_leave(flows, flows->oldest_over);
	struct flow *leaving = over ? over : may_leave(flows, flows->oldest);

	if (!leaving)
		return;
	flows->totals.left++;
	flows->totals.left_open += !leaving->is_over;
	drop_flow(flows, leaving);
}

/* Places by id: those of flows that left are given up from the front. */
static int reserve_id(struct flows *flows, uint64_t id)
{
	size_t n = id - flows->id_base;

	while (flows->n_gone < n && !flows->by_id[flows->n_gone])
		flows->n_gone++;
	if (flows->n_gone > n / 2) {
		n -= flows->n_gone;
		memmove(flows->by_id, flows->by_id + flows->n_gone, n * sizeof(*flows->by_id));
		flows->id_base += flows->n_gone;
		flows->n_gone = 0;
	}
	return array_reserve(&flows->by_id, &flows->by_id_room, n + 1, sizeof(*flows->by_id));
}

struct flow *flows_make(struct flows *flows, const struct vl_event *event)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow)
		return NULL;
	if (flows->n == flows->most)
		make_room(flows);
	if (reserve_id(flows, flows->totals.seen + 1)) {
		free(flow);
		return NULL;
	}
	if (is_followed(flows, flows->totals.seen + 1)) {
		flow->log = log_new(flows, flow);
		if (!flow->log) {
			free(flow);
			return NULL;
		}
	}
	flow->id = ++flows->totals.seen;
	flows->by_id[flow->id - flows->id_base] = flow;
	flow->protocol = event->other.protocol;
	flow->family = event->family;
	flow->first_ns = event->time_ns;
	flow->chosen = !flows->has_filter;
	flow->from_middle = flow->protocol == PROTO_TCP &&
			    !(event->other.tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_RST));
	flows->n++;
	link_flow(flows, flow);
	return flow;
}

void flows_choose(struct flows *flows, const struct vl_filter *filter)
{
	flows->has_filter = filter != NULL;
	if (filter)
		flows->filter = *filter;
}

void flows_follow(struct flows *flows, uint64_t id)
{
	flows->follows = true;
	flows->followed = id;
}

/* Of an ICMP error, the flow that it quotes a packet of. NULL: none. */
static struct flow *quoted_flow(const struct flows *flows, const struct vl_event *event)
{
	struct flow_tuple tuple = {.family = event->family,
				   .protocol = event->quote.proto,
				   .from_port = event->quote.id,
				   .to_port = event->quote.seq};
	struct flow_name *name;

	if (!quotes_ports(event) || event_is_redirect(event))
		return NULL;
	memcpy(tuple.src, event->quote.src, sizeof(tuple.src));
	memcpy(tuple.dst, event->quote.dst, sizeof(tuple.dst));
	name = flows_name(flows, &tuple);
	return name ? name->flow : NULL;
}

static void add_error(const struct flows *flows, const struct vl_event *event)
{
	const struct node *node = lab_end(flows->lab, event->end)->node;
	bool made = event->hook == VL_HOOK_OUT && node_owns(flows->lab, node, event_source(event));
	struct flow *flow = quoted_flow(flows, event);
	struct flow_error *error;

	if (!flow)
		return;
	error = &flow->error;
	if (!error->n)
		*error = (struct flow_error){.by = made ? node : NULL,
					     .end = event->end,
					     .hook = event->hook,
					     .time_ns = event->time_ns,
					     .family = event->family,
					     .type = event->icmp_type,
					     .code = event->icmp_code,
					     .info = event->info};
	error->n += error->end == event->end && error->hook == event->hook;
	flow->last_ns = event->time_ns;
}

static void add_error_drop(const struct flows *flows, const struct vl_drop *record,
			   const struct flow_cause *cause)
{
	const struct vl_event *event = &record->packet;
	struct flow *flow = quoted_flow(flows, event);
	struct flow_error_drop *drop;

	if (!flow)
		return;
	drop = &flow->error_drop;
	if (!drop->n)
		*drop = (struct flow_error_drop){.by = flows->lab->nodes[record->node],
						 .cause = cause,
						 .family = event->family,
						 .type = event->icmp_type,
						 .code = event->icmp_code,
						 .info = event->info};
	drop->n += drop->by == flows->lab->nodes[record->node] && drop->cause == cause;
}

/* What a socket does with an error that it was given. Before 6.6 its queue is purged without a
 * reason. */
static bool is_of_socket(const char *reason, const char *function)
{
	return !strcmp(reason, "QUEUE_PURGE") || !strncmp(reason, "SOCKET_", 7) ||
	       !strcmp(function, "inet_sock_destruct") || !strcmp(function, "skb_queue_purge");
}

static bool is_of_flow(const struct vl_event *event)
{
	return event->flags & VL_EV_OTHER && (event->family == 4 || event->family == 6) &&
	       (event->other.protocol == PROTO_TCP || event->other.protocol == PROTO_UDP) &&
	       (event->other.from_port || event->other.to_port) && !event_is_later_fragment(event);
}

static void note(struct flows *flows, struct flow *flow, const struct vl_event *event)
{
	enum flow_state state = flow_state(flow);

	flow->last_ns = event->time_ns;
	if (!flow->chosen && event_matches(event, &flows->filter, flows->lab))
		flow->chosen = true;
	flows_set_over(flows, flow,
		       state == FLOW_CLOSED || state == FLOW_RESET ||
			       (state == FLOW_REFUSED && flow->protocol == PROTO_TCP));
}

int flows_add(struct flows *flows, const struct vl_event *event)
{
	struct way_news news;
	struct flow *flow;
	unsigned side;
	int ret;

	if (event->end >= lab_n_ends(flows->lab) || event->hook >= VL_HOOKS)
		return 0;
	if (event->time_ns > flows->newest_ns)
		flows->newest_ns = event->time_ns;
	if (event->hook != VL_HOOK_OUT)
		flows->seen_in[event->end] = true;
	if (!(event->flags & VL_EV_OTHER))
		add_error(flows, event);
	if (!is_of_flow(event))
		return 0;
	ret = flows_join(flows, event, lab_end(flows->lab, event->end)->node, &flow, &side);
	if (ret)
		return ret;
	ret = way_add(flows, flow, side, event, &news);
	if (ret)
		return ret;
	if (news.is_new)
		flows_remember_content(flows, flow, side, event);
	if (flow->protocol == PROTO_TCP)
		ret = tcp_add(flows, flow, side, event, &news);
	if (ret)
		return ret;
	verdict_judge_all(flows, flow, false);
	note(flows, flow, event);
	return 0;
}

/* The kernel's words, each pair of them once. */
static const struct flow_cause *cause_of(struct flows *flows, const char *reason,
					 const char *function)
{
	struct flow_cause *cause;

	for (size_t i = 0; i < flows->n_causes; i++)
		if (!strcmp(flows->causes[i]->reason, reason) &&
		    !strcmp(flows->causes[i]->function, function))
			return flows->causes[i];
	cause = calloc(1, sizeof(*cause));
	if (!cause)
		return NULL;
	snprintf(cause->reason, sizeof(cause->reason), "%s", reason);
	snprintf(cause->function, sizeof(cause->function), "%s", function);
	if (array_reserve_one(&flows->causes, flows->n_causes, sizeof(cause))) {
		free(cause);
		return NULL;
	}
	flows->causes[flows->n_causes++] = cause;
	return cause;
}

int flows_add_drop(struct flows *flows, const struct vl_drop *drop, const char *reason,
		   const char *function)
{
	const struct vl_event *event = &drop->packet;
	const struct flow_cause *cause;
	struct flow_sent *sent;
	struct flow *flow;
	unsigned side;
	int ret;

	if (event->time_ns > flows->newest_ns)
		flows->newest_ns = event->time_ns;
	if (drop->node >= flows->lab->n_nodes || !drop_is_loss(reason, function) ||
	    (!is_of_flow(event) && (is_of_socket(reason, function) || !quoted_flow(flows, event))))
		return 0;
	cause = cause_of(flows, reason, function);
	if (!cause)
		return -ENOMEM;
	if (!is_of_flow(event)) {
		add_error_drop(flows, drop, cause);
		return 0;
	}
	ret = flows_join(flows, event, flows->lab->nodes[drop->node], &flow, &side);
	if (!ret)
		ret = way_add_drop(flows, flow, side, drop, cause, &sent);
	if (ret)
		return ret;
	if (sent && flow->protocol == PROTO_TCP)
		tcp_dropped(flow, side, sent);
	flow->last_ns = event->time_ns;
	if (!flow->chosen && drop_matches(drop, &flows->filter, flows->lab))
		flow->chosen = true;
	return 0;
}

void flows_lost_records(struct flows *flows, uint64_t lost)
{
	flows->totals.lost_records = lost;
}

struct flows_totals flows_totals(const struct flows *flows)
{
	struct flows_totals totals = flows->totals;

	for (const struct flow *flow = NULL; (flow = flows_next(flows, flow));)
		totals.chosen += flow->chosen;
	return totals;
}

int flows_judge(struct flows *flows)
{
	for (uint64_t id = flows->id_base; id <= flows->totals.seen; id++) {
		struct flow *flow = flows->by_id[id - flows->id_base];

		if (!flow)
			continue;
		for (unsigned side = 0; flow->protocol != PROTO_TCP && side < 2; side++)
			if (verdict_datagrams(flows, flow, side, UINT64_MAX))
				return -ENOMEM;
		verdict_judge_all(flows, flow, true);
		if (verdict_sum(flows, flow))
			return -ENOMEM;
	}
	return 0;
}

const struct flow *flows_next(const struct flows *flows, const struct flow *flow)
{
	uint64_t id = flow ? flow->id + 1 : flows->id_base;

	for (; id <= flows->totals.seen; id++)
		if (flows->by_id[id - flows->id_base])
			return flows->by_id[id - flows->id_base];
	return NULL;
}

const struct flow *flows_find(const struct flows *flows, uint64_t id)
{
	return id >= flows->id_base && id <= flows->totals.seen ? flows->by_id[id - flows->id_base]
								: NULL;
}
