// SPDX-License-Identifier: GPL-2.0-only
/* changes.c - see changes.h. */
#include <string.h>
#include <sys/socket.h>

#include "user/output/output.h"
#include "user/render/changes.h"

enum { IPV6_MTU_MIN = 1280 };

static const char *const kind_words[CHANGE_KINDS] = {
	[CHANGE_ROUTE_REMOVE] = "route_remove",
	[CHANGE_NEIGHBOR_REMOVE] = "neighbor_remove",
	[CHANGE_ADDRESS_REMOVE] = "address_remove",
	[CHANGE_SYSCTL_RESET] = "sysctl_reset",
	[CHANGE_LINK_REMOVE] = "link_remove",
	[CHANGE_NODE_REMOVE] = "node_remove",
	[CHANGE_NODE_ADD] = "node_add",
	[CHANGE_LINK_ADD] = "link_add",
	[CHANGE_SYSCTL_SET] = "sysctl_set",
	[CHANGE_BRIDGE] = "bridge",
	[CHANGE_LO] = "lo",
	[CHANGE_NFT] = "nft",
	[CHANGE_MTU] = "mtu",
	[CHANGE_MAC] = "mac",
	[CHANGE_TXQUEUELEN] = "txqueuelen",
	[CHANGE_OFFLOADS] = "offloads",
	[CHANGE_STATE] = "state",
	[CHANGE_ADDRESS_ADD] = "address_add",
	[CHANGE_NEIGHBOR_SET] = "neighbor_set",
	[CHANGE_ROUTE_SET] = "route_set",
	[CHANGE_EXEC] = "exec",
};

char change_sign(const struct lab_change *change)
{
	switch (change->kind) {
	case CHANGE_ROUTE_REMOVE:
	case CHANGE_NEIGHBOR_REMOVE:
	case CHANGE_ADDRESS_REMOVE:
	case CHANGE_SYSCTL_RESET:
	case CHANGE_LINK_REMOVE:
	case CHANGE_NODE_REMOVE:
		return '-';
	case CHANGE_NODE_ADD:
	case CHANGE_LINK_ADD:
	case CHANGE_ADDRESS_ADD:
		return '+';
	case CHANGE_NEIGHBOR_SET:
		return change->was_neighbor ? '~' : '+';
	case CHANGE_ROUTE_SET:
		return change->was_route ? '~' : '+';
	case CHANGE_SYSCTL_SET:
		return change->was_sysctl ? '~' : '+';
	case CHANGE_EXEC:
		return ' ';
	default:
		return '~';
	}
}

struct changes_counts changes_count(const struct lab_diff *diff)
{
	struct changes_counts counts = {0};

	for (size_t i = 0; i < diff->n; i++) {
		char sign = change_sign(&diff->list[i]);

		counts.added += sign == '+';
		counts.changed += sign == '~';
		counts.removed += sign == '-';
	}
	return counts;
}

/* ---- what ---------------------------------------------------------------------------------- */

static const char *state_word(bool up)
{
	return up ? "up" : "down";
}

static const char *mac_word(const struct end *end, char buf[18])
{
	return end->has_mac ? mac_format(end->mac, buf) : "the kernel's choice";
}

static const char *number_word(bool has, uint32_t number, char buf[OUTPUT_NUMBER_SIZE])
{
	snprintf(buf, OUTPUT_NUMBER_SIZE, "%u", number);
	return has ? buf : "the kernel's choice";
}

static const char *setting_word(enum setting setting)
{
	return setting == SETTING_ON	? "on"
	       : setting == SETTING_OFF ? "off"
					: "as the kernel has it";
}

/* "via 10.0.0.1 dev eth0", or "blackhole" */
static void route_words(const struct route *route, char *buf, size_t size)
{
	static const char *const kinds[] = {
		[ROUTE_BLACKHOLE] = "blackhole",
		[ROUTE_UNREACHABLE] = "unreachable",
		[ROUTE_PROHIBIT] = "prohibit",
	};
	char text[IP_TEXT_SIZE];
	size_t used = 0;

	if (route->kind != ROUTE_UNICAST) {
		snprintf(buf, size, "%s", kinds[route->kind]);
		return;
	}
	buf[0] = '\0';
	for (size_t i = 0; i < route->n_hops && used < size; i++) {
		const struct nexthop *hop = &route->hops[i];

		used += snprintf(buf + used, size - used, "%s", i ? ", " : "");
		if (hop->via.family && used < size)
			used += snprintf(buf + used, size - used, "via %s%s",
					 ip_format(&hop->via, text, sizeof(text)),
					 hop->dev[0] ? " " : "");
		if (hop->dev[0] && used < size)
			used += snprintf(buf + used, size - used, "dev %s", hop->dev);
	}
}

/* The same with what a lab file cannot say. */
static void kernel_route_words(const struct route *route, char *buf, size_t size)
{
	size_t used;

	route_words(route, buf, size);
	used = strlen(buf);
	if (route->body)
		snprintf(buf + used, size - used, "%s%s", used ? " " : "", route->body->words);
}

static void route_change(const struct lab_change *change, char *buf, size_t size)
{
	char text[IP_TEXT_SIZE], metric[24] = "", was[160] = "", now[160];

	ip_prefix_format(&change->route->to, text, sizeof(text));
	if (change->route->metric)
		snprintf(metric, sizeof(metric), " metric %u", change->route->metric);
	kernel_route_words(change->route, now, sizeof(now));
	if (change->was_route)
		kernel_route_words(change->was_route, was, sizeof(was));
	snprintf(buf, size, "%s route %s%s %s%s%s", change->node->name,
		 change->route->to.len ? text : "default", metric, was, was[0] ? " -> " : "", now);
}

/* lo, the bridge or the end that an address is on. */
static void address_change(const struct lab_change *change, char *buf, size_t size)
{
	char text[IP_TEXT_SIZE];

	ip_prefix_format(&change->address->prefix, text, sizeof(text));
	if (change->end)
		snprintf(buf, size, "%s address %s", change->end->name, text);
	else
		snprintf(buf, size, "%s:%s address %s", change->node->name,
			 change->bridge ? change->node->bridge.dev : "lo", text);
}

static void neighbor_change(const struct lab_change *change, char *buf, size_t size)
{
	char text[IP_TEXT_SIZE], was[18], now[18];

	snprintf(buf, size, "%s:%s neighbor %s %s%s%s", change->node->name, change->neighbor->dev,
		 ip_format(&change->neighbor->addr, text, sizeof(text)),
		 change->was_neighbor ? mac_format(change->was_neighbor->mac, was) : "",
		 change->was_neighbor ? " -> " : "", mac_format(change->neighbor->mac, now));
}

static void offloads_change(const struct lab_change *change, char *buf, size_t size)
{
	const struct link *was = change->was_end->link, *now = change->link;
	const struct {
		const char *name;
		enum setting was, now;
	} rows[] = {
		{"tx_checksum", was->tx_checksum, now->tx_checksum},
		{"tso", was->tso, now->tso},
		{"gro", was->gro, now->gro},
	};
	size_t used = snprintf(buf, size, "%s", change->end->name);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows) && used < size; i++)
		if (rows[i].was != rows[i].now)
			used += snprintf(buf + used, size - used, " %s %s", rows[i].name,
					 setting_word(rows[i].now));
}

static void end_change(const struct lab_change *change, char *buf, size_t size)
{
	const struct end *was = change->was_end, *now = change->end;
	char a[OUTPUT_NUMBER_SIZE], b[OUTPUT_NUMBER_SIZE];

	if (change->kind == CHANGE_MTU)
		snprintf(buf, size, "%s mtu %u -> %u", now->name, end_mtu(was), end_mtu(now));
	else if (change->kind == CHANGE_STATE)
		snprintf(buf, size, "%s %s -> %s", now->name, state_word(was->up),
			 state_word(now->up));
	else if (change->kind == CHANGE_MAC)
		snprintf(buf, size, "%s mac %s -> %s", now->name, mac_word(was, a),
			 mac_word(now, b));
	else
		snprintf(buf, size, "%s txqueuelen %s -> %s", now->name,
			 number_word(was->link->has_txqueuelen, was->link->txqueuelen, a),
			 number_word(now->link->has_txqueuelen, now->link->txqueuelen, b));
}

static void sysctl_change(const struct lab_change *change, char *buf, size_t size)
{
	if (change->kind == CHANGE_SYSCTL_RESET)
		snprintf(buf, size, "%s sysctl %s", change->node->name, change->sysctl->key);
	else
		snprintf(buf, size, "%s sysctl %s %s%s%s", change->node->name, change->sysctl->key,
			 change->was_sysctl ? change->was_sysctl->value : "",
			 change->was_sysctl ? " -> " : "", change->sysctl->value);
}

const char *change_text(const struct lab_change *change, char buf[CHANGE_TEXT_SIZE])
{
	const char *node = change->node->name;
	char link[2 * END_NAME_SIZE + 8];

	switch (change->kind) {
	case CHANGE_ROUTE_REMOVE:
	case CHANGE_ROUTE_SET:
		route_change(change, buf, CHANGE_TEXT_SIZE);
		break;
	case CHANGE_NEIGHBOR_REMOVE:
	case CHANGE_NEIGHBOR_SET:
		neighbor_change(change, buf, CHANGE_TEXT_SIZE);
		break;
	case CHANGE_ADDRESS_REMOVE:
	case CHANGE_ADDRESS_ADD:
		address_change(change, buf, CHANGE_TEXT_SIZE);
		break;
	case CHANGE_SYSCTL_RESET:
	case CHANGE_SYSCTL_SET:
		sysctl_change(change, buf, CHANGE_TEXT_SIZE);
		break;
	case CHANGE_LINK_REMOVE:
	case CHANGE_LINK_ADD:
		snprintf(buf, CHANGE_TEXT_SIZE, "link %s",
			 output_link(change->link, link, sizeof(link)));
		break;
	case CHANGE_NODE_REMOVE:
	case CHANGE_NODE_ADD:
		snprintf(buf, CHANGE_TEXT_SIZE, "node %s", node);
		break;
	case CHANGE_BRIDGE:
		snprintf(buf, CHANGE_TEXT_SIZE, "%s:%s options", node, change->node->bridge.dev);
		break;
	case CHANGE_LO:
		snprintf(buf, CHANGE_TEXT_SIZE, "%s:lo %s -> %s", node,
			 state_word(change->was_node->lo_up), state_word(change->node->lo_up));
		break;
	case CHANGE_NFT:
		snprintf(buf, CHANGE_TEXT_SIZE, "%s nft rules", node);
		break;
	case CHANGE_EXEC:
		snprintf(buf, CHANGE_TEXT_SIZE, "%s exec", node);
		break;
	case CHANGE_OFFLOADS:
		offloads_change(change, buf, CHANGE_TEXT_SIZE);
		break;
	default:
		end_change(change, buf, CHANGE_TEXT_SIZE);
		break;
	}
	return buf;
}

/* ---- whom it disturbs ---------------------------------------------------------------------- */

static const char *const nothing = "nothing is lost";

static const char *node_disturbs(const struct lab_change *change, char *buf)
{
	if (change->kind == CHANGE_NODE_ADD) {
		if (!change->reason)
			return nothing;
		snprintf(buf, CHANGE_TEXT_SIZE, "built again: %s", change->reason);
		return buf;
	}
	snprintf(buf, CHANGE_TEXT_SIZE, "%s%s%s", change->reason ? change->reason : "",
		 change->reason ? ": " : "",
		 change->node->netns == NETNS_NEW
			 ? "what runs in it loses its links, and goes on without them"
			 : "the namespace stays, without what the lab had in it");
	return buf;
}

static const char *link_disturbs(const struct lab_change *change, char *buf)
{
	if (change->kind == CHANGE_LINK_ADD && !change->reason)
		return nothing;
	if (change->kind == CHANGE_LINK_ADD)
		snprintf(buf, CHANGE_TEXT_SIZE, "built again: %s; its counters start at 0",
			 change->reason);
	else
		snprintf(buf, CHANGE_TEXT_SIZE, "%s%sits flows end, its counters go",
			 change->reason ? change->reason : "", change->reason ? ": " : "");
	return buf;
}

static bool has_ipv6(const struct end *end)
{
	for (size_t i = 0; i < end->n_addresses; i++)
		if (end->addresses[i].prefix.addr.family == AF_INET6)
			return true;
	return false;
}

static const char *mtu_disturbs(const struct lab_change *change, char *buf)
{
	uint32_t was = end_mtu(change->was_end), now = end_mtu(change->end);

	if (now > was)
		return nothing;
	snprintf(buf, CHANGE_TEXT_SIZE, "packets above %u bytes do not leave it any more%s", now,
		 now < IPV6_MTU_MIN && was >= IPV6_MTU_MIN && has_ipv6(change->was_end)
			 ? ", and it has no IPv6"
			 : "");
	return buf;
}

static const char *route_disturbs(const struct lab_change *change, char *buf)
{
	char text[IP_TEXT_SIZE];

	ip_prefix_format(&change->route->to, text, sizeof(text));
	snprintf(buf, CHANGE_TEXT_SIZE, "packets to %s %s",
		 change->route->to.len ? text : "where no other route leads",
		 change->kind == CHANGE_ROUTE_REMOVE ? "take another route, or none"
						     : "go this way from now on");
	return buf;
}

const char *change_disturbs_text(const struct lab_change *change, char buf[CHANGE_TEXT_SIZE])
{
	switch (change->kind) {
	case CHANGE_NODE_REMOVE:
	case CHANGE_NODE_ADD:
		return node_disturbs(change, buf);
	case CHANGE_LINK_REMOVE:
	case CHANGE_LINK_ADD:
		return link_disturbs(change, buf);
	case CHANGE_ROUTE_REMOVE:
	case CHANGE_ROUTE_SET:
		return route_disturbs(change, buf);
	case CHANGE_MTU:
		return mtu_disturbs(change, buf);
	case CHANGE_ADDRESS_REMOVE:
		return "flows from and to it end";
	case CHANGE_NEIGHBOR_REMOVE:
		return "the node asks for it again";
	case CHANGE_NEIGHBOR_SET:
		return change->was_neighbor ? "packets to it go to the other MAC address" : nothing;
	case CHANGE_SYSCTL_RESET:
		return change->node->netns == NETNS_NEW ? "back to what a new namespace has"
							: "back to what it was before the lab";
	case CHANGE_STATE:
		return change->end->up ? nothing : "its flows stop";
	case CHANGE_LO:
		return change->node->lo_up ? nothing : "flows inside the node stop";
	case CHANGE_MAC:
		return "its neighbors must ask for it again";
	case CHANGE_NFT:
		return "all rules of the node are loaded again, at once; known connections stay";
	case CHANGE_OFFLOADS:
		return "a packet on its way may be lost";
	case CHANGE_EXEC:
		return "not run again: commands run once, when a node is built";
	case CHANGE_SYSCTL_SET:
		return "counts for packets from now on";
	default:
		return nothing;
	}
}

/* ---- all ----------------------------------------------------------------------------------- */

void changes_print(const struct lab_diff *diff, FILE *f)
{
	char what[CHANGE_TEXT_SIZE], disturbs[CHANGE_TEXT_SIZE];
	char lead[] = "? ", text[2 * CHANGE_TEXT_SIZE + 2];

	for (size_t i = 0; i < diff->n; i++) {
		lead[0] = change_sign(&diff->list[i]);
		snprintf(text, sizeof(text), "%s: %s", change_text(&diff->list[i], what),
			 change_disturbs_text(&diff->list[i], disturbs));
		output_fold(lead, text, f);
	}
}

json_t *changes_json(const struct lab_diff *diff)
{
	char what[CHANGE_TEXT_SIZE], disturbs[CHANGE_TEXT_SIZE];
	json_t *list = json_array();

	for (size_t i = 0; i < diff->n; i++) {
		const struct lab_change *change = &diff->list[i];
		char sign[2] = {change_sign(change), '\0'};
		const char *words = change_disturbs_text(change, disturbs);

		output_json_append(
			list,
			output_json_pack("{s:s, s:s, s:s, s:o, s:s, s:b}", "sign", sign, "kind",
					 kind_words[change->kind], "node", change->node->name,
					 "change", output_json_text(change_text(change, what)),
					 "disturbs", words, "lossless", words == nothing));
	}
	return list;
}
