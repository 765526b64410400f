// SPDX-License-Identifier: GPL-2.0-only
/* doubt.c - what may decide about a packet on its way and is not evaluated: nft rules, programs. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "user/path/asking.h"
#include "user/watch/foreign_programs.h"

void path_doubt(struct path *path, const struct node *node, const char *what, const char *fmt, ...)
{
	struct path_doubt doubt = {.node = node};
	va_list ap;

	snprintf(doubt.what, sizeof(doubt.what), "%s", what);
	va_start(ap, fmt);
	vsnprintf(doubt.where, sizeof(doubt.where), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < path->n_doubts; i++)
		if (path->doubts[i].node == node && !strcmp(path->doubts[i].what, doubt.what) &&
		    !strcmp(path->doubts[i].where, doubt.where))
			return;
	if (path->n_doubts == PATH_DOUBTS_MAX)
		path->more_doubts = true;
	else
		path->doubts[path->n_doubts++] = doubt;
}

static int read_ruleset(struct path_asking *asking, struct err *err)
{
	return asking->ruleset ? 0 : ruleset_read(&asking->ruleset, asking->netns_fd, err);
}

/* The chains of one hook, and of the devices there. */
static void look(struct path_asking *asking, struct path *path, const struct path_crossing *at,
		 enum ruleset_layer layer, enum ruleset_hook hook)
{
	static const char *const layers[] = {"nft rules at", "nft rules of the bridge at",
					     "nft rules for ARP at"};
	struct ruleset_packet packet = {.from = path->from,
					.to = path->to,
					.reply = asking->question->reply,
					.solicits = asking->solicits,
					.in = at->in,
					.out = at->out};
	struct ruleset_answer answer;
	char what[sizeof(path->doubts->what)];

	ruleset_look(asking->ruleset, layer, hook, &packet, &answer);
	asking->source_nat |= answer.source_nat;
	if (!answer.unsure)
		return;
	snprintf(what, sizeof(what), "%s %s", layers[layer], ruleset_hook_word(hook));
	path_doubt(path, at->node, what, "%s", answer.where);
}

int path_doubt_ip(struct path_asking *asking, struct path *path, const struct path_crossing *at,
		  enum ruleset_hook hook, struct err *err)
{
	int ret = read_ruleset(asking, err);

	if (!ret)
		look(asking, path, at, RULESET_IP, hook);
	return ret;
}

int path_doubt_bridge(struct path_asking *asking, struct path *path, const struct path_crossing *at,
		      enum ruleset_hook hook, struct err *err)
{
	int ret = read_ruleset(asking, err);

	if (!ret)
		look(asking, path, at, RULESET_BRIDGE, hook);
	return ret;
}

/* br_netfilter shows what crosses a bridge to the rules of IP, as of the bridge itself. */
int path_doubt_bridged(struct path_asking *asking, struct path *path, const struct node *node,
		       const char *bridge, struct err *err)
{
	static const enum ruleset_hook hooks[] = {RULESET_PREROUTING, RULESET_FORWARD,
						  RULESET_POSTROUTING};
	const char *key = path->to.family == AF_INET6 ? "net.bridge.bridge-nf-call-ip6tables"
						      : "net.bridge.bridge-nf-call-iptables";
	bool ip = path_sysctl(asking, 0, key, "") > 0;
	struct path_crossing ports = {.node = node};
	int ret = read_ruleset(asking, err);

	for (size_t i = 0; !ret && i < 3; i++) {
		struct path_crossing at = {node, hooks[i] == RULESET_POSTROUTING ? "" : bridge,
					   hooks[i] == RULESET_PREROUTING ? "" : bridge};

		look(asking, path, &ports, RULESET_BRIDGE, hooks[i]);
		if (ip)
			look(asking, path, &at, RULESET_IP, hooks[i]);
	}
	return ret;
}

int path_doubt_device(struct path_asking *asking, struct path *path, const struct path_crossing *at,
		      uint32_t ifindex, bool egress, struct err *err)
{
	char program[FOREIGN_PROGRAM_SIZE];
	struct link_info link;
	int ret = read_ruleset(asking, err);

	if (ret)
		return ret;
	look(asking, path, at, RULESET_IP, egress ? RULESET_EGRESS : RULESET_INGRESS);
	ret = foreign_program_find(asking->nl, asking->netns_fd, ifindex,
				   egress ? FOREIGN_OUT : FOREIGN_IN, program, err);
	if (ret || !program[0])
		return ret;
	ret = link_get(asking->nl, ifindex, NULL, &link, err);
	if (ret)
		return ret == -ENODEV ? 0 : ret;
	path_doubt(path, at->node,
		   egress ? "a program of others for what leaves"
			  : "a program of others for what comes in",
		   "%s:%s, %s", at->node->name, link.ifname, program);
	return 0;
}

_Static_assert((int)PATH_MEETS_IN == (int)FOREIGN_IN &&
		       (int)PATH_MEETS_BEFORE_IN == (int)FOREIGN_BEFORE_IN &&
		       (int)PATH_MEETS_BEHIND_OUT == (int)FOREIGN_BEHIND_OUT,
	       "they are told apart alike");
_Static_assert((int)PATH_PROGRAM_SIZE == (int)FOREIGN_PROGRAM_SIZE, "it takes the same text");

void path_program_at(const struct running *run, const struct end *end, enum path_meets meets,
		     char text[PATH_PROGRAM_SIZE])
{
	struct path_asking at = {.run = run, .netns_fd = -1};

	text[0] = '\0';
	if (running_is_unseen(run, end->node) || path_ask_open(&at, end->node, NULL))
		return;
	if (foreign_program_find(at.nl, at.netns_fd, running_ifindex(run, end),
				 (enum foreign_place)meets, text, NULL))
		text[0] = '\0';
	path_ask_close(&at);
}

int path_doubt_lower(struct path_asking *asking, const struct end *lower, bool egress,
		     struct err *err)
{
	struct path_asking there = {
		.run = asking->run, .question = asking->question, .netns_fd = -1};
	struct path_crossing at = {.node = lower->node};
	int ret = path_ask_open(&there, lower->node, err);

	if (ret)
		return ret;
	ret = path_doubt_device(&there, asking->path, &at, running_ifindex(asking->run, lower),
				egress, err);
	path_ask_close(&there);
	return ret;
}

int path_doubt_neighbor(struct path_asking *asking, struct path *path, const struct node *node,
			struct err *err)
{
	static const enum ruleset_hook hooks[] = {RULESET_PREROUTING, RULESET_INPUT, RULESET_OUTPUT,
						  RULESET_POSTROUTING};
	struct path_crossing at = {.node = node};
	bool v6 = path->to.family == AF_INET6;
	int ret = read_ruleset(asking, err);

	if (ret)
		return ret;
	asking->solicits = v6;
	for (size_t i = 0; i < 4; i++)
		if (v6 || hooks[i] == RULESET_INPUT || hooks[i] == RULESET_OUTPUT)
			look(asking, path, &at, v6 ? RULESET_IP : RULESET_ARP, hooks[i]);
	asking->solicits = false;
	return 0;
}

/* ---- at a hop -------------------------------------------------------------------------------- */

int path_meet_rules_in(struct path_asking *asking, const struct path_hop *hop, struct err *err)
{
	bool port = hop->in && asking->in.ifindex != path_in_ifindex(asking, hop);
	struct path_crossing at = {hop->node, asking->in.ifname, ""};
	struct path_crossing device = {hop->node, port ? NULL : asking->in.ifname, ""};
	const struct path_hop *before = hop - 1;
	int ret;

	if (!hop->in)
		return 0;
	ret = path_doubt_device(asking, asking->path, &device, path_in_ifindex(asking, hop), false,
				err);
	if (!ret && port)
		ret = path_doubt_bridge(asking, asking->path, &device, RULESET_PREROUTING, err);
	if (!ret && port)
		ret = path_doubt_bridge(asking, asking->path, &device, RULESET_INPUT, err);
	if (!ret && before->asks)
		ret = path_doubt_neighbor(asking, asking->path, hop->node, err);
	return ret ? ret : path_doubt_ip(asking, asking->path, &at, RULESET_PREROUTING, err);
}

int path_meet_rules_out(struct path_asking *asking, const struct path_hop *hop, struct err *err)
{
	struct path_crossing at = {hop->node, asking->in.ifname, hop->dev};
	struct path_crossing device = {hop->node, "", hop->out ? hop->dev : NULL};
	int ret = path_doubt_ip(asking, asking->path, &at,
				hop->in ? RULESET_FORWARD : RULESET_OUTPUT, err);

	asking->source_nat = false;
	if (!ret)
		ret = path_doubt_ip(asking, asking->path, &at, RULESET_POSTROUTING, err);
	if (!ret && hop->out)
		return path_doubt_device(asking, asking->path, &device, hop->route.ifindex, true,
					 err);
	if (!ret)
		ret = path_doubt_bridge(asking, asking->path, &device, RULESET_OUTPUT, err);
	return ret ? ret
		   : path_doubt_bridge(asking, asking->path, &device, RULESET_POSTROUTING, err);
}

int path_meet_rules_at_end(struct path_asking *asking, const struct path_hop *hop, struct err *err)
{
	struct path_crossing at = {hop->node, hop->in ? asking->in.ifname : "lo", ""};
	struct path_crossing lo = {hop->node, "", "lo"};
	int ret = hop->in ? 0 : path_doubt_ip(asking, asking->path, &lo, RULESET_OUTPUT, err);

	return ret ? ret : path_doubt_ip(asking, asking->path, &at, RULESET_INPUT, err);
}

/* ---- what follows -----------------------------------------------------------------------------
 */

enum path_verdict path_verdict(const struct path *path)
{
	if (path->n_doubts || path->end == PATH_LEAVES)
		return PATH_UNKNOWN;
	return path_is_good(path) ? PATH_GOOD : PATH_STOPPED;
}

const char *path_verdict_word(enum path_verdict verdict)
{
	static const char *const words[] = {
		[PATH_GOOD] = "arrives", [PATH_STOPPED] = "stopped", [PATH_UNKNOWN] = "unknown"};

	return words[verdict];
}

const char *path_doubt_text(const struct path *path, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < path->n_doubts && n < size; i++)
		n += snprintf(buf + n, size - n, "%s%s of %s (%s)",
			      !i		       ? ""
			      : i + 1 < path->n_doubts ? ", "
						       : " and ",
			      path->doubts[i].what, path->doubts[i].node->name,
			      path->doubts[i].where);
	if (path->more_doubts && n < size)
		snprintf(buf + n, size - n, " and more");
	return buf;
}
