// SPDX-License-Identifier: GPL-2.0-only
/* drop_text.c - why a node's stack dropped a packet, in words. */
#include <string.h>

#include "user/render/drop_text.h"
#include "user/render/event_text.h"
#include "user/render/itinerary_text.h"

/* enum skb_drop_reason of include/net/dropreason-core.h, those that an ICMP packet meets. */
static const struct {
	const char *reason, *meaning;
} meanings[] = {
	{"NETFILTER_DROP", "a netfilter rule (nft, iptables) says so"},
	{"IP_RPFILTER", "its source is not where the routes lead back to (rp_filter)"},
	{"IP_INNOROUTES", "there is no route to its destination"},
	{"IP_OUTNOROUTES", "there is no route to its destination"},
	{"IP_INADDRERRORS", "its destination is refused: not this node's, and not to be forwarded"},
	{"IP_INVALID_SOURCE", "its source is no valid address here (martian)"},
	{"IP_LOCAL_SOURCE", "its source is this node's own address (martian)"},
	{"IP_LOCALNET", "a loopback address came from outside (martian)"},
	{"IP_INVALID_DEST", "its destination is no valid address"},
	{"IP_INHDR", "its IP header is wrong"},
	{"IP_CSUM", "the checksum of its IP header is wrong"},
	{"ICMP_CSUM", "its ICMP checksum is wrong"},
	{"SKB_CSUM", "its checksum is wrong"},
	{"NEIGH_FAILED", "nobody answered for the next hop's address (ARP or ND)"},
	{"NEIGH_QUEUEFULL", "too many packets wait for the next hop's address (ARP or ND)"},
	{"NEIGH_CREATEFAIL", "no neighbor entry could be made"},
	{"NEIGH_DEAD", "the neighbor entry was removed meanwhile"},
	{"PKT_TOO_BIG", "it is larger than the MTU of the way out"},
	{"PKT_TOO_SMALL", "it is cut short"},
	{"XDP", "an XDP program says so"},
	{"TC_INGRESS", "a tc filter or program on the way in says so"},
	{"TC_EGRESS", "a tc filter or program on the way out says so"},
	{"QDISC_DROP", "a queueing discipline says so: a full queue, netem loss, or no carrier"},
	{"QDISC_OVERLIMIT", "the queue of the way out is full"},
	{"QDISC_CONGESTED", "the queueing discipline drops to slow down"},
	{"CPU_BACKLOG", "too many packets wait for a CPU"},
	{"FULL_RING", "the ring of the receiving end is full"},
	{"DEV_READY", "the device is not ready: a link is down"},
	{"UNHANDLED_PROTO", "nothing here takes this protocol"},
	{"NO_SOCKET", "no socket waits for it"},
	{"IPV6DISABLED", "IPv6 is off on the way in"},
	{"BRIDGE_INGRESS_STP_STATE", "the bridge's port does not forward (STP)"},
	{"NO_TX_TARGET", "the bridge has no port to send it to"},
	{"LOCAL_MAC", "it came back with a MAC of this node's own: a loop"},
	{"MAC_INVALID_SOURCE", "its source MAC is no valid one"},
	{"RECURSION_LIMIT", "it goes round inside this node"},
	{"SECURITY_HOOK", "a security module says so"},
	{"SOCKET_FILTER", "the socket's own filter says so"},
	{"QUEUE_PURGE", "it waited in a socket or a queue that was closed"},
	{"SOCKET_RCVBUFF", "the socket's buffer is full"},
	{"OTHERHOST", "it is meant for another MAC: the bridge flooded it"},
};

/* Where the kernel gives no reason, the function often tells. */
static const struct {
	const char *function, *meaning;
} functions[] = {
	{"dst_discard", "a blackhole route says so"},
	{"dst_discard_out", "a blackhole route says so"},
	{"ip_error", "no route, or a route that refuses it"},
	{"ip6_pkt_drop", "no route, or a route that refuses it"},
	{"ip_forward", "it cannot be forwarded (TTL, MTU or options)"},
	{"ip6_forward", "it cannot be forwarded (hop limit, MTU or scope)"},
	{"__ip_options_echo", "its IP options are wrong"},
	{"__dev_forward_skb2", "it is larger than the other end's MTU, or that end is down"},
	{"____dev_forward_skb", "it is larger than the other end's MTU, or that end is down"},
	{"veth_xmit", "the ring of the receiving end is full, or that end is gone"},
	{"veth_xdp_rcv_skb", "an XDP program of the receiving end says so"},
	{"do_xdp_generic", "an XDP program of the receiving end says so"},
	{"__rtnl_unlock", "it waited in a queue that was emptied: the link went down"},
	{"br_handle_frame_finish",
	 "the bridge has no port for it (isolated, another VLAN, or the one that it came by)"},
	{"neigh_invalidate", "nobody answered for the next hop's address (ARP or ND)"},
	{"ip6_mc_input", "nobody here listens to this multicast group"},
};

const char *drop_meaning(const char *reason)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (!strcmp(meanings[i].reason, reason))
			return meanings[i].meaning;
	return NULL;
}

static const char *function_meaning(const char *function)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!strcmp(functions[i].function, function))
			return functions[i].meaning;
	return NULL;
}

const char *drop_explain(const char *reason, const char *function)
{
	const char *meaning = drop_meaning(reason);

	/* ip_forward() and ip6_forward() give this reason when the TTL has run out. */
	if (!strcmp(reason, "IP_INHDR") &&
	    (!strcmp(function, "ip_forward") || !strcmp(function, "ip6_forward")))
		return "its TTL (hop limit) ran out here";
	if (!strcmp(reason, "INVALID_PROTO") && !strcmp(function, "icmp_rcv"))
		return "it does not answer echoes to broadcast or multicast addresses";
	return meaning ? meaning : function_meaning(function);
}

void drop_sentence(const struct drop *drop, char *buf, size_t size)
{
	const char *meaning = drop_explain(drop->reason, drop->function);
	const char *what = drop->leg == LEG_ERROR		    ? "ICMP error"
			   : drop->record.packet.flags & VL_EV_FLOW ? "packet"
								    : leg_name(drop->leg);

	if (meaning)
		snprintf(buf, size, "%s dropped the %s: %s", drop->node->name, what, meaning);
	else
		snprintf(buf, size, "%s dropped the %s: %s%s%s", drop->node->name, what,
			 drop->reason, drop->function[0] ? ", in " : "", drop->function);
}

const char *drop_place(const struct drop *drop, const struct lab *lab)
{
	uint32_t end = drop->record.packet.end;

	return end < lab_n_ends(lab) ? lab_end(lab, end)->name : drop->node->name;
}

void drop_print(const struct event_layout *layout, const struct drop *drop, const struct lab *lab,
		FILE *f)
{
	const struct vl_event *packet = &drop->record.packet;
	char text[256];

	event_print_packet(layout, packet, drop_place(drop, lab), "drop", f);
	snprintf(text, sizeof(text), "%s%s%s", drop->reason, drop->function[0] ? ", in " : "",
		 drop->function);
	if (packet->flags & VL_EV_FLOW && packet->quote.seq)
		fprintf(f, " (ports %u > %u)", packet->quote.id, packet->quote.seq);
	fprintf(f, ": %s\n", text);
}

json_t *flow_json(uint8_t protocol, uint16_t from_port, uint16_t to_port)
{
	return json_pack("{s:i, s:i, s:i}", "protocol", protocol, "from_port", from_port, "to_port",
			 to_port);
}

json_t *drop_json(const struct drop *drop)
{
	const struct vl_event *packet = &drop->record.packet;
	struct ip_addr from = event_source(packet), to = event_destination(packet);
	char src[IP_TEXT_SIZE], dst[IP_TEXT_SIZE], text[256];
	json_t *object;

	drop_sentence(drop, text, sizeof(text));
	object = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:i, s:i, s:s, s:s, s:i}",
			   "time_ns", (json_int_t)packet->time_ns, "at_ns", (json_int_t)drop->at_ns,
			   "node", drop->node->name, "leg", leg_name(drop->leg), "reason",
			   drop->reason, "function", drop->function, "text", text, "harmless",
			   drop->harmless, "message", event_word(packet), "id", packet->id, "seq",
			   packet->seq, "source", ip_format(&from, src, sizeof(src)), "destination",
			   ip_format(&to, dst, sizeof(dst)), "ttl", packet->ttl);
	if (packet->flags & VL_EV_FLOW)
		json_object_set_new(
			object, "about",
			flow_json(packet->quote.proto, packet->quote.id, packet->quote.seq));
	return object;
}
