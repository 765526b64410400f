// SPDX-License-Identifier: GPL-2.0-only
/* probe.c - echoes from a node with the records that they cause. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/trace/probe.h"
#include "user/trace/stream.h"
#include "user/path/path.h"

static uint8_t family_of(const struct probe *probe)
{
	return probe->config.target.addr.family == AF_INET6 ? 6 : 4;
}

static void on_record(const struct vl_event *event, void *arg)
{
	struct probe *probe = arg;
	struct vl_event placed = *event;

	/* Another ping may use the same id; its payload tells it apart. */
	if ((event->flags & VL_EV_PAYLOAD) && !(event->flags & VL_EV_QUOTED) &&
	    event->payload != probe->token)
		return;
	placed.end = record_stream_end_place(probe->config.run, event->end);
	if (placed.end != VL_NO_END && story_add(probe->story, &placed) < 0)
		probe->no_memory = true;
}

static void on_stack(const struct vl_stack *record, void *arg)
{
	char reason[SYMBOL_NAME_SIZE] = "", function[SYMBOL_NAME_SIZE] = "";
	const struct vl_drop *at = &record->at;
	struct probe *probe = arg;
	struct vl_stack placed = *record;
	int ret;

	if ((at->packet.flags & VL_EV_PAYLOAD) && at->packet.payload != probe->token)
		return;
	if (at->location)
		record_stream_drop_names(at, reason, function, NULL);
	placed.at.packet.end = record_stream_end_place(probe->config.run, at->packet.end);
	if (at->kind == VL_STACK_DROP)
		ret = story_add_drop(probe->story, &placed.at, reason, function);
	else
		ret = story_add_stack(probe->story, &placed, reason, function);
	if (ret < 0)
		probe->no_memory = true;
}

static struct vl_filter filter_of(const struct probe *probe)
{
	return (struct vl_filter){
		.fields = VL_F_TOKEN | VL_F_FRAGMENTS, .id = probe->id, .token = probe->token};
}

static int open_session(struct probe *probe, struct err *err)
{
	struct vl_filter filter = filter_of(probe);
	int ret = running_open_watch(&probe->watch, probe->config.run, err);

	if (ret == -ENOENT) {
		err_clear(err);
		return 0; /* a lab that nothing watches can be pinged, too */
	}
	return ret ? ret : watch_session_open(&probe->session, probe->watch, &filter, 0, err);
}

int probe_find_way_out(struct probe_way_out *out, const struct running *run,
		       const struct node *from, const struct ip_addr *to, struct err *err)
{
	struct path_question question = {.node = from, .to = *to};
	const struct path_hop *hop;
	struct path path;
	int ret = path_first(run, &question, &path, err);

	if (ret)
		return ret;
	*out = (struct probe_way_out){.local = path.end == PATH_STAYS};
	if (run->nodes[from->index].ours || out->local)
		return 0;
	hop = &path.hops[0];
	out->device = hop->out ? hop->out->ifname : path_bridge(from, hop->dev);
	if (!out->device) {
		ret = err_set(err, ERR_FAILED, EHOSTUNREACH, "%s", path.text);
		if (path.hint[0])
			err_hint(err, "%s", path.hint);
		return ret;
	}
	return 0;
}

static int open_sender(struct probe *probe, const char *device, struct err *err)
{
	const struct probe_config *config = &probe->config;
	struct echo_config echo = {.to = config->target.addr,
				   .node = config->from->name,
				   .device = device,
				   .id = probe->id,
				   .token = probe->token,
				   .size = config->size,
				   .ttl = config->ttl};
	int ret, netns_fd = running_open_netns(config->run, config->from, err);

	if (netns_fd < 0)
		return netns_fd;
	ret = echo_open(&probe->sender, netns_fd, &echo, err);
	close(netns_fd);
	return ret;
}

int probe_open(struct probe *probe, const struct probe_config *config, struct err *err)
{
	struct probe_way_out way_out;
	int ret;

	*probe = (struct probe){.config = *config};
	if (getrandom(&probe->token, sizeof(probe->token), 0) < 0 ||
	    getrandom(&probe->id, sizeof(probe->id), 0) < 0)
		return err_set(err, ERR_SYSTEM, errno, "no random numbers: %s", strerror(errno));
	probe->story = story_new(config->run->lab);
	if (!probe->story)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	story_asked_by(probe->story, config->from);
	ret = probe_find_way_out(&way_out, config->run, config->from, &config->target.addr, err);
	if (ret)
		return ret;
	probe->local = way_out.local;
	ret = open_session(probe, err);
	if (ret)
		return ret;
	record_stream_open_nodes(&probe->stack, config->run,
				 (struct node_trace_config){.filter = filter_of(probe),
							    .depth = config->depth,
							    .from = config->from->index,
							    .to = config->target.addr},
				 probe->no_stack, sizeof(probe->no_stack));
	if (!probe->stack)
		fprintf(stderr, "what the nodes drop is not seen: %s\n", probe->no_stack);
	return open_sender(probe, way_out.device, err);
}

void probe_close(struct probe *probe)
{
	echo_close(probe->sender);
	node_tracer_close(probe->stack);
	watch_session_close(probe->session);
	watch_close(probe->watch);
	story_free(probe->story);
	*probe = (struct probe){0};
}

int probe_drain(struct probe *probe, struct err *err)
{
	int ret = 0;

	if (probe->session)
		ret = watch_session_poll(probe->session, 0, on_record, probe, err);
	if (ret < 0 && ret != -EINTR)
		return ret;
	if (probe->stack)
		ret = node_tracer_poll(probe->stack, on_stack, probe, err);
	if (ret < 0)
		return ret;
	return probe->no_memory ? err_set(err, ERR_SYSTEM, ENOMEM, "out of memory") : 0;
}

uint64_t probe_lost(const struct probe *probe)
{
	return (probe->session ? watch_session_lost(probe->session) : 0) +
	       (probe->stack ? node_tracer_lost(probe->stack) : 0);
}

/*
 * Where an echo was seen last says nothing if the next end has lost its programs. Each look asks
 * the kernel for all ends.
 */
static void look_for_blind(struct probe *probe)
{
	const uint64_t pause_ns = 1000000000;
	uint64_t now = clock_monotonic_ns();

	if (!probe->session || (probe->looked_ns && now - probe->looked_ns < pause_ns))
		return;
	probe->looked_ns = now;
	probe->blind = record_stream_count_blind(probe->config.run, probe->watch);
}

/* Whether it was answered at an end of a node that the lab file does not give that address. */
static bool is_odd_answer(const struct probe *probe, const struct itinerary *itinerary)
{
	const struct hop *hops = itinerary ? itinerary->hops : NULL;

	if (!hops || itinerary->fate != FATE_ANSWERED || !probe->stack)
		return false;
	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (hops[i].step == STEP_TURN && hops[i].leg == LEG_REPLY)
			return !hops[i].maker && hops[i].end->node != probe->config.target.node;
	return false;
}

/*
 * The kernel tells who took a request after it has sent the answer. A device upon an end may have
 * taken it to another node; where nothing of the kind comes in time, the end's own node answered.
 */
static const struct itinerary *wait_for_maker(struct probe *probe, uint16_t seq,
					      const struct itinerary *itinerary)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	const unsigned most = 100, most_of_all = 500; /* pauses */

	for (unsigned i = 0; is_odd_answer(probe, itinerary) && i < most; i++) {
		if (probe->paused == most_of_all)
			break;
		probe->paused++;
		nanosleep(&pause, NULL);
		if (probe_drain(probe, NULL))
			break;
		itinerary = story_itinerary(probe->story, family_of(probe), probe->id, seq);
	}
	return itinerary;
}

const struct itinerary *probe_itinerary(struct probe *probe, uint16_t seq)
{
	const struct itinerary *itinerary;
	char text[STORY_NOT_SEEN_SIZE];

	itinerary = story_itinerary(probe->story, family_of(probe), probe->id, seq);
	itinerary = wait_for_maker(probe, seq, itinerary);
	if (!itinerary || itinerary->fate != FATE_ANSWERED)
		look_for_blind(probe);
	/* The itinerary borrows what this sets. */
	story_cannot_see(probe->story,
			 record_stream_not_seen(probe->config.run, probe->stack, probe->blind,
						probe_lost(probe), text));
	return itinerary;
}

void probe_forget(struct probe *probe, uint16_t seq)
{
	story_drop(probe->story, family_of(probe), probe->id, seq);
}
