// SPDX-License-Identifier: GPL-2.0-only
/* bench_lab.c - labs of the bench's own, and links of any lab as something to measure. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/bench/internal.h"
#include "user/lab/end_state.h"

struct bench_lab {
	struct running *run;
	int lock;
	struct bench_link link;
};

static const char *const hooks_words[BENCH_HOOKS_COUNT] = {
	[BENCH_HOOKS_NONE] = "none",	     [BENCH_HOOKS_TCX] = "tcx",
	[BENCH_HOOKS_CLSACT] = "clsact",     [BENCH_HOOKS_GENERIC] = "xdp-generic",
	[BENCH_HOOKS_NATIVE] = "xdp-native", [BENCH_HOOKS_UP] = "default",
};

const char *bench_hooks_word(enum bench_hooks hooks)
{
	return hooks_words[hooks];
}

bool bench_hooks_parse(const char *word, enum bench_hooks *hooks)
{
	for (int i = 0; i < BENCH_HOOKS_COUNT; i++)
		if (!strcmp(word, hooks_words[i])) {
			*hooks = i;
			return true;
		}
	return false;
}

static const char *const set_words[] = {"gro", "threaded", "no-tso"};

const char *bench_set_words(unsigned set, char buf[BENCH_SET_SIZE])
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < 3; i++)
		if (set & 1u << i)
			used += snprintf(buf + used, BENCH_SET_SIZE - used, "%s%s", used ? "," : "",
					 set_words[i]);
	return buf;
}

bool bench_set_parse(const char *word, unsigned *set)
{
	for (unsigned i = 0; i < 3; i++)
		if (!strcmp(word, set_words[i])) {
			*set |= 1u << i;
			return true;
		}
	return false;
}

/* ---- links --------------------------------------------------------------------------------- */

/* IPv4 if the end has such an address, else a global IPv6 one. */
static bool choose_address(struct bench_side *side, const struct end_status *live)
{
	side->addr.family = 0;
	for (size_t i = 0; i < live->n_addresses; i++) {
		const struct ip_addr *addr = &live->addresses[i].prefix.addr;
		bool link_local = addr->family == AF_INET6 && addr->bytes[0] == 0xfe &&
				  (addr->bytes[1] & 0xc0) == 0x80;

		if (addr->family == AF_INET) {
			side->addr = *addr;
			return true;
		}
		if (!link_local && !side->addr.family)
			side->addr = *addr;
	}
	return side->addr.family;
}

static int open_side(struct bench_side *side, const struct running *run, const struct end *end,
		     const struct end_status *live, struct err *err)
{
	snprintf(side->name, sizeof(side->name), "%s", end->name);
	side->cpu = -1;
	if (live->state != END_UP) {
		err_set(err, ERR_FAILED, ENETDOWN, "%s is %s: there is nothing to measure",
			end->name, end_state_word(live->state));
		if (end_is_there(live))
			err_hint(err, "`vethlab link %s up`",
				 live->state == END_DOWN ? end->name : end->peer->name);
		return -ENETDOWN;
	}
	if (!choose_address(side, live)) {
		err_set(err, ERR_FAILED, EADDRNOTAVAIL, "%s has no address to send to or from",
			end->name);
		err_hint(err, "give it one in the lab file, or measure another link");
		return -EADDRNOTAVAIL;
	}
	side->number = end->number;
	side->ifindex = live->info.ifindex;
	side->mtu = live->info.mtu;
	memcpy(side->mac, live->info.mac, 6);
	side->netns_fd = running_open_netns(run, end->node, err);
	return side->netns_fd < 0 ? side->netns_fd : 0;
}

static bool is_watched(const struct running *run, const struct end *end)
{
	const unsigned both = HOOKS_IN | HOOKS_OUT;

	return run->tc != WATCH_TC_NONE && (running_hooks(run, end) & both) == both;
}

int bench_link_open(struct bench_link *link, struct running *run, const struct end *from,
		    struct err *err)
{
	size_t first = 2 * from->link->index, side = from->link->ends[1] == from;
	struct end_status *live;
	int ret;

	link->run = run;
	link->from.netns_fd = link->to.netns_fd = -1;
	ret = end_status_read(&live, run, err);
	if (ret)
		return ret;
	ret = open_side(&link->from, run, from, &live[first + side], err);
	if (!ret)
		ret = open_side(&link->to, run, from->peer, &live[first + !side], err);
	end_status_free(live, run);
	if (!ret && link->from.addr.family != link->to.addr.family) {
		err_set(err, ERR_FAILED, EAFNOSUPPORT,
			"%s and %s have no addresses of one family: one is IPv4, the other IPv6",
			link->from.name, link->to.name);
		ret = -EAFNOSUPPORT;
	}
	link->watched = is_watched(run, from) && is_watched(run, from->peer);
	if (ret)
		bench_link_close(link);
	return ret;
}

void bench_link_close(struct bench_link *link)
{
	if (link->from.netns_fd >= 0)
		close(link->from.netns_fd);
	if (link->to.netns_fd >= 0)
		close(link->to.netns_fd);
	link->from.netns_fd = link->to.netns_fd = -1;
}

/* ---- labs ---------------------------------------------------------------------------------- */

static void set_options(struct lab_options *options, enum bench_hooks hooks)
{
	options->hooks = hooks == BENCH_HOOKS_NONE ? HOOKS_NONE : HOOKS_IN | HOOKS_OUT;
	options->xdp = XDP_MODE_OFF;
	switch (hooks) {
	case BENCH_HOOKS_TCX:
		options->tc = WATCH_TC_TCX;
		break;
	case BENCH_HOOKS_CLSACT:
		options->tc = WATCH_TC_CLSACT;
		break;
	case BENCH_HOOKS_GENERIC:
	case BENCH_HOOKS_NATIVE:
		options->tc = WATCH_TC_NONE;
		options->xdp = hooks == BENCH_HOOKS_NATIVE ? XDP_MODE_NATIVE : XDP_MODE_GENERIC;
		break;
	default:
		options->tc = WATCH_TC_AUTO;
		options->xdp = hooks == BENCH_HOOKS_UP ? XDP_MODE_DEFAULT : XDP_MODE_OFF;
	}
}

/* The lab file of a variant. */
static void write_lab(const struct bench_variant *variant, char *text, size_t size)
{
	char queues[32] = "";
	/* Native XDP takes TSO away by itself, and then it cannot be asked to go. */
	bool no_tso = variant->set & BENCH_SET_NO_TSO && variant->hooks != BENCH_HOOKS_NATIVE;

	if (variant->queues)
		snprintf(queues, sizeof(queues), "    queues: %u\n", variant->queues);
	snprintf(text, size,
		 "lab: bench\n"
		 "about: Two nodes of a bench that runs now\n"
		 "nodes: {a: {}, b: {}}\n"
		 "links:\n"
		 "  - endpoints:\n"
		 "      - {end: \"a:veth0\", address: 10.0.0.1/24}\n"
		 "      - {end: \"b:veth0\", address: 10.0.0.2/24}\n"
		 "%s"
		 "    features: {gro: %s%s}\n",
		 queues, variant->set & BENCH_SET_GRO ? "on" : "off", no_tso ? ", tso: off" : "");
}

int bench_lab_up(struct bench_lab **out, const struct bench_variant *variant, unsigned number,
		 const volatile int *interrupted, struct err *err)
{
	struct bench_lab *bench = calloc(1, sizeof(*bench));
	struct lab_options options = {.interrupted = interrupted};
	char text[512], name[LAB_NAME_MAX + 1];
	struct diags diags = {0};
	struct lab *lab;
	int ret;

	if (!bench)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	bench->link.from.netns_fd = bench->link.to.netns_fd = -1;
	write_lab(variant, text, sizeof(text));
	lab = lab_read_text(text, strlen(text), "bench", &diags);
	if (!lab) {
		ret = err_set(err, ERR_SYSTEM, EINVAL, "the bench's lab file: %s",
			      diags.count ? diags.list[0].what : "out of memory");
		diags_free(&diags);
		free(bench);
		return ret;
	}
	diags_free(&diags);
	snprintf(name, sizeof(name), "bench-%d-%u", (int)getpid(), number % 100);
	options.as = name;
	options.hold = &bench->lock;
	set_options(&options, variant->hooks);
	ret = lab_up(&bench->run, lab, &options, err);
	if (ret) {
		free(bench);
		return ret;
	}
	ret = bench_link_open(&bench->link, bench->run, lab_end(bench->run->lab, 0), err);
	if (!ret && variant->set & BENCH_SET_THREADED)
		ret = napi_threads_on(&bench->link, err);
	if (ret) {
		bench_lab_down(bench, NULL);
		return ret;
	}
	bench->link.own = true;
	bench->link.interrupted = interrupted;
	*out = bench;
	return 0;
}

int bench_lab_down(struct bench_lab *lab, struct err *err)
{
	int ret;

	if (!lab)
		return 0;
	bench_link_close(&lab->link);
	ret = lab_release(lab->run->name, lab->lock, err);
	running_free(lab->run);
	free(lab);
	return ret;
}

struct bench_link *bench_lab_link(struct bench_lab *lab)
{
	return &lab->link;
}
