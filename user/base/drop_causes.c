// SPDX-License-Identifier: GPL-2.0-only
/* drop_causes.c - see drop_causes.h. */
#include <string.h>

#include "user/base/drop_causes.h"

static const struct drop_cause causes[] = {
	/* Reason and function together. */
	{.reason = "IP_INHDR",
	 .function = "ip_forward",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_TOLD,
	 .meaning = "its TTL (hop limit) ran out here"},
	{.reason = "IP_INHDR",
	 .function = "ip6_forward",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_TOLD,
	 .meaning = "its TTL (hop limit) ran out here"},
	{.reason = "IP_INADDRERRORS",
	 .function = "ip6_forward",
	 .stage = DROP_IN_NODE,
	 .meaning = "its source may not be forwarded (link-local, loopback or multicast)"},
	{.reason = "INVALID_PROTO",
	 .function = "icmp_rcv",
	 .stage = DROP_IN_NODE,
	 .meaning = "it does not answer echoes to broadcast or multicast addresses"},

	/* ip_route_input_rcu() finds no membership of the group, and tells no reason. */
	{.reason = "NOT_SPECIFIED",
	 .function = "ip_rcv_finish_core",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_ORDINARY | DROP_MULTICAST,
	 .meaning = "nobody here listens to this multicast group"},

	/*
	 * What ends there without a reason: the way by do_time_wait, a request socket that
	 * tcp_check_req() answers by itself, and pkt_type != PACKET_HOST.
	 */
	{.reason = "NOT_SPECIFIED",
	 .function = "tcp_v4_rcv",
	 .stage = DROP_IN_NODE,
	 .meaning = "the kernel tells no reason: a socket in TIME_WAIT took it, a handshake "
		    "under way did not accept it, or its MAC address is none of the node's"},
	{.reason = "NOT_SPECIFIED",
	 .function = "tcp_v6_rcv",
	 .stage = DROP_IN_NODE,
	 .meaning = "the kernel tells no reason: a socket in TIME_WAIT took it, a handshake "
		    "under way did not accept it, or its MAC address is none of the node's"},

	/* Reasons. */
	{.reason = "NETFILTER_DROP",
	 .stage = DROP_IN_NODE,
	 .meaning = "a netfilter rule (nft, iptables) says so",
	 .advice = "read the node's rules: `nft list ruleset`, `iptables-save`"},
	{.reason = "IP_RPFILTER",
	 .stage = DROP_IN_NODE,
	 .meaning = "its source is not where the routes lead back to (rp_filter)",
	 .advice = "compare its route to the source with the sysctls net.ipv4.conf.*.rp_filter"},
	{.reason = "IP_INNOROUTES",
	 .stage = DROP_IN_NODE,
	 .meaning = "there is no route to its destination",
	 .advice = "ask `vethlab why` which route the node takes"},
	{.reason = "IP_OUTNOROUTES",
	 .stage = DROP_IN_NODE,
	 .meaning = "there is no route to its destination",
	 .advice = "ask `vethlab why` which route the node takes"},
	{.reason = "IP_INADDRERRORS",
	 .stage = DROP_IN_NODE,
	 .meaning = "its destination is refused: not this node's, and not to be forwarded"},
	{.reason = "IP_INVALID_SOURCE",
	 .stage = DROP_IN_NODE,
	 .meaning = "its source is no valid address here (martian)"},
	{.reason = "IP_LOCAL_SOURCE",
	 .stage = DROP_IN_NODE,
	 .meaning = "its source is this node's own address (martian)"},
	{.reason = "IP_LOCALNET",
	 .stage = DROP_IN_NODE,
	 .meaning = "a loopback address came from outside (martian)"},
	{.reason = "IP_INVALID_DEST",
	 .stage = DROP_IN_NODE,
	 .meaning = "its destination is no valid address"},
	{.reason = "IP_INHDR", .stage = DROP_IN_NODE, .meaning = "its IP header is wrong"},
	{.reason = "IP_CSUM",
	 .stage = DROP_IN_NODE,
	 .meaning = "the checksum of its IP header is wrong"},
	{.reason = "ICMP_CSUM", .stage = DROP_IN_NODE, .meaning = "its ICMP checksum is wrong"},
	{.reason = "SKB_CSUM", .stage = DROP_IN_NODE, .meaning = "its checksum is wrong"},
	{.reason = "NEIGH_FAILED",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_NO_NEIGHBOR,
	 .meaning = "nobody answered for the next hop's address (ARP or ND)",
	 .advice = "check that the next hop is up and has that address"},
	{.reason = "NEIGH_QUEUEFULL",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_NO_NEIGHBOR,
	 .meaning = "too many packets wait for the next hop's address (ARP or ND)"},
	{.reason = "NEIGH_CREATEFAIL",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_NO_NEIGHBOR,
	 .meaning = "no neighbor entry could be made: the sysctl gc_thresh3 of "
		    "net.ipv4.neigh.default (net.ipv6) limits them",
	 .advice = "compare `ip neigh` of all nodes with that limit, which they share"},
	{.reason = "NEIGH_DEAD",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_NO_NEIGHBOR,
	 .meaning = "the neighbor entry was removed meanwhile"},
	{.reason = "NEIGH_HH_FILLFAIL", .stage = DROP_IN_NODE, .traits = DROP_NO_NEIGHBOR},
	{.reason = "PKT_TOO_BIG",
	 .stage = DROP_IN_NODE,
	 .meaning = "it is larger than the MTU of the way out",
	 .advice = "compare the MTUs of the ends on its way"},
	{.reason = "PKT_TOO_SMALL", .stage = DROP_IN_NODE, .meaning = "it is cut short"},
	{.reason = "XDP", .stage = DROP_BEFORE_IN, .meaning = "an XDP program says so"},
	{.reason = "TC_INGRESS",
	 .stage = DROP_IN_NODE,
	 .meaning = "a tc filter or program on the way in says so"},
	{.reason = "TC_EGRESS",
	 .stage = DROP_AFTER_OUT,
	 .meaning = "a tc filter or program on the way out says so"},
	{.reason = "QDISC_DROP",
	 .stage = DROP_AFTER_OUT,
	 .meaning = "a queueing discipline says so: a full queue, netem loss, or no carrier"},
	{.reason = "QDISC_OVERLIMIT",
	 .stage = DROP_AFTER_OUT,
	 .meaning = "the queue of the way out is full",
	 .advice = "send slower, or give the queue more room"},
	{.reason = "QDISC_CONGESTED",
	 .stage = DROP_AFTER_OUT,
	 .meaning = "the queueing discipline drops to slow down"},
	{.reason = "CPU_BACKLOG",
	 .stage = DROP_BEFORE_IN,
	 .meaning = "too many packets wait for a CPU"},
	{.reason = "FULL_RING",
	 .stage = DROP_BEFORE_IN,
	 .meaning = "the ring of the receiving end is full"},
	{.reason = "DEV_READY",
	 .stage = DROP_AFTER_OUT,
	 .meaning = "the device is not ready: a link is down",
	 .advice = "set the link up"},
	{.reason = "DEV_HDR", .stage = DROP_AFTER_OUT},
	{.reason = "UNHANDLED_PROTO",
	 .stage = DROP_IN_NODE,
	 .meaning = "nothing here takes this protocol"},
	{.reason = "NO_SOCKET", .stage = DROP_IN_NODE, .meaning = "no socket waits for it"},
	{.reason = "IPV6DISABLED",
	 .stage = DROP_IN_NODE,
	 .meaning = "IPv6 is off on the way in",
	 .advice = "set the sysctl net.ipv6.conf.*.disable_ipv6 to 0"},
	{.reason = "BRIDGE_INGRESS_STP_STATE",
	 .stage = DROP_IN_NODE,
	 .meaning = "the bridge's port does not forward (STP)",
	 .advice = "wait for STP, or switch it off"},
	{.reason = "NO_TX_TARGET",
	 .stage = DROP_IN_NODE,
	 .meaning = "the bridge has no port to send it to"},
	{.reason = "LOCAL_MAC",
	 .stage = DROP_IN_NODE,
	 .meaning = "it came back with a MAC of this node's own: a loop"},
	{.reason = "MAC_INVALID_SOURCE",
	 .stage = DROP_IN_NODE,
	 .meaning = "its source MAC is no valid one"},
	{.reason = "RECURSION_LIMIT",
	 .stage = DROP_IN_NODE,
	 .meaning = "it loops inside this node"},
	{.reason = "SECURITY_HOOK", .stage = DROP_IN_NODE, .meaning = "a security module says so"},
	{.reason = "SOCKET_FILTER",
	 .stage = DROP_IN_NODE,
	 .meaning = "the socket's own filter says so"},
	{.reason = "QUEUE_PURGE",
	 .stage = DROP_IN_NODE,
	 .meaning = "it waited in a socket or a queue that was closed"},
	{.reason = "SOCKET_RCVBUFF",
	 .stage = DROP_IN_NODE,
	 .meaning = "the socket's buffer is full",
	 .advice = "read the socket faster, or give it a larger buffer"},
	{.reason = "OTHERHOST",
	 .stage = DROP_IN_NODE,
	 .meaning = "it is meant for another MAC than this interface's"},

	/* TCP and UDP. What the sender repeats or the receiver has already is no loss of data. */
	{.reason = "TCP_CSUM", .stage = DROP_IN_NODE, .meaning = "its TCP checksum is wrong"},
	{.reason = "UDP_CSUM", .stage = DROP_IN_NODE, .meaning = "its UDP checksum is wrong"},
	{.reason = "TCP_FLAGS",
	 .stage = DROP_IN_NODE,
	 .meaning = "its TCP flags do not fit the state of the socket"},
	{.reason = "TCP_LISTEN_OVERFLOW",
	 .stage = DROP_IN_NODE,
	 .meaning = "the accept queue of the listening socket is full",
	 .advice = "see whether the program accepts connections: `ss -ltn` inside the node"},
	{.reason = "TCP_INVALID_SYN",
	 .stage = DROP_IN_NODE,
	 .meaning = "it is a SYN inside a connection"},
	{.reason = "TCP_INVALID_SEQUENCE",
	 .stage = DROP_IN_NODE,
	 .meaning = "its sequence number lies outside the window of the receiver"},
	{.reason = "TCP_INVALID_END_SEQUENCE",
	 .stage = DROP_IN_NODE,
	 .meaning = "its data ends behind the window of the receiver"},
	{.reason = "TCP_INVALID_ACK_SEQUENCE",
	 .stage = DROP_IN_NODE,
	 .meaning = "its acknowledgement number fits nothing that was sent"},
	{.reason = "TCP_OVERWINDOW",
	 .stage = DROP_IN_NODE,
	 .meaning = "its data begins behind the window of the receiver"},
	{.reason = "TCP_ZEROWINDOW",
	 .stage = DROP_IN_NODE,
	 .meaning = "the window of the receiver is closed: its socket has no room",
	 .advice = "see whether the program reads its socket"},
	{.reason = "TCP_OLD_DATA",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_ORDINARY,
	 .meaning = "its data had come before: it was sent again without need"},
	{.reason = "TCP_OLD_SEQUENCE",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_ORDINARY,
	 .meaning = "it had come before: its sequence number is old"},
	{.reason = "TCP_OFOMERGE",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_ORDINARY,
	 .meaning = "its data is there already, in the queue of segments that came early"},
	{.reason = "TCP_OFO_DROP",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_ORDINARY,
	 .meaning = "its data is in the receive queue already"},
	{.reason = "TCP_OFO_QUEUE_PRUNE",
	 .stage = DROP_IN_NODE,
	 .meaning = "it came early, and the socket had no memory to keep it"},
	{.reason = "TCP_OLD_ACK",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_ORDINARY,
	 .meaning = "it acknowledges what was acknowledged before"},
	{.reason = "TCP_TOO_OLD_ACK",
	 .stage = DROP_IN_NODE,
	 .meaning = "its acknowledgement is too old"},
	{.reason = "TCP_ACK_UNSENT_DATA",
	 .stage = DROP_IN_NODE,
	 .meaning = "it acknowledges what was not sent"},
	{.reason = "TCP_RFC7323_PAWS",
	 .stage = DROP_IN_NODE,
	 .meaning = "its timestamp is older than that of what came before (PAWS, RFC 7323)"},
	{.reason = "TCP_RFC7323_PAWS_ACK",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_ORDINARY,
	 .meaning = "it is an old acknowledgement by its timestamp (PAWS, RFC 7323)"},
	{.reason = "TCP_RFC7323_TW_PAWS",
	 .stage = DROP_IN_NODE,
	 .meaning = "its timestamp is older than the last of a connection in TIME_WAIT (PAWS)"},
	{.reason = "TCP_RFC7323_TSECR",
	 .stage = DROP_IN_NODE,
	 .meaning = "the timestamp that it echoes was not sent (RFC 7323)"},
	{.reason = "TCP_RESET", .stage = DROP_IN_NODE, .meaning = "it is a RST that is not valid"},
	{.reason = "TCP_CLOSE", .stage = DROP_IN_NODE, .meaning = "its socket is closed (CLOSE)"},
	{.reason = "TCP_ABORT_ON_DATA",
	 .stage = DROP_IN_NODE,
	 .meaning = "it brings data to a connection that the program has closed"},
	{.reason = "TCP_FASTOPEN",
	 .stage = DROP_IN_NODE,
	 .meaning = "the request socket of TCP Fast Open refuses it"},
	{.reason = "TCP_MINTTL",
	 .stage = DROP_IN_NODE,
	 .meaning = "its TTL (hop limit) is below what the socket asks for"},
	{.reason = "TCP_AUTH_HDR",
	 .stage = DROP_IN_NODE,
	 .meaning = "its TCP-MD5 or TCP-AO option is wrong or there twice"},
	{.reason = "TCP_MD5NOTFOUND",
	 .stage = DROP_IN_NODE,
	 .meaning = "it has no TCP-MD5 hash, and the socket expects one"},
	{.reason = "TCP_MD5UNEXPECTED",
	 .stage = DROP_IN_NODE,
	 .meaning = "it has a TCP-MD5 hash, and the socket expects none"},
	{.reason = "TCP_MD5FAILURE", .stage = DROP_IN_NODE, .meaning = "its TCP-MD5 hash is wrong"},
	{.reason = "SOCKET_BACKLOG",
	 .stage = DROP_IN_NODE,
	 .meaning = "the backlog of its socket is full",
	 .advice = "read the socket faster, or give it a larger buffer"},
	{.reason = "PROTO_MEM",
	 .stage = DROP_IN_NODE,
	 .meaning = "the memory that all sockets of this protocol may use is used up",
	 .advice = "compare `ss -m` with the sysctls net.ipv4.tcp_mem and udp_mem"},

	/* Other headers. */
	{.reason = "IP_NOPROTO",
	 .stage = DROP_IN_NODE,
	 .meaning = "nothing here takes its IP protocol"},
	{.reason = "XFRM_POLICY", .stage = DROP_IN_NODE, .meaning = "an IPsec policy says so"},
	{.reason = "IPV6_BAD_EXTHDR",
	 .stage = DROP_IN_NODE,
	 .meaning = "an IPv6 extension header of it is wrong"},
	{.reason = "DUP_FRAG", .stage = DROP_IN_NODE, .meaning = "the same fragment came before"},
	{.reason = "FRAG_REASM_TIMEOUT",
	 .stage = DROP_IN_NODE,
	 .meaning = "the other fragments of its packet did not come in time",
	 .advice = "look where they were dropped, and at the MTUs of the way"},
	{.reason = "FRAG_TOO_FAR",
	 .stage = DROP_IN_NODE,
	 .meaning = "too many other fragments of its source came in between "
		    "(net.ipv4.ipfrag_max_dist)"},
	{.reason = "SKB_GSO_SEG",
	 .stage = DROP_IN_NODE,
	 .meaning = "the kernel could not cut it into segments"},
	{.reason = "HDR_TRUNC", .stage = DROP_IN_NODE, .meaning = "its headers are cut short"},
	{.reason = "NOMEM", .stage = DROP_IN_NODE, .meaning = "the kernel had no memory for it"},
	{.reason = "VXLAN_INVALID_HDR",
	 .stage = DROP_IN_NODE,
	 .meaning = "its VXLAN header is not valid"},
	{.reason = "VXLAN_VNI_NOT_FOUND",
	 .stage = DROP_IN_NODE,
	 .meaning = "no VXLAN device here has its VNI"},
	{.reason = "IP_TUNNEL_ECN",
	 .stage = DROP_IN_NODE,
	 .meaning = "the ECN marks of its outer and inner header contradict each other"},
	{.reason = "BPF_CGROUP_EGRESS",
	 .stage = DROP_IN_NODE,
	 .meaning = "a BPF program of a cgroup says so"},

	/* Functions, for where the kernel gives no reason. */
	{.function = "dst_discard", .stage = DROP_IN_NODE, .meaning = "a blackhole route says so"},
	{.function = "dst_discard_out",
	 .stage = DROP_IN_NODE,
	 .meaning = "a blackhole route says so"},
	{.function = "ip_error",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_TOLD,
	 .meaning = "no route, or a route that refuses it",
	 .advice = "ask `vethlab why` which route the node takes"},
	{.function = "ip6_pkt_drop",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_TOLD,
	 .meaning = "no route, or a route that refuses it",
	 .advice = "ask `vethlab why` which route the node takes"},
	{.function = "ip_forward",
	 .stage = DROP_IN_NODE,
	 .meaning = "it cannot be forwarded (TTL, MTU or options)"},
	{.function = "ip6_forward",
	 .stage = DROP_IN_NODE,
	 .meaning = "it cannot be forwarded (hop limit, MTU or scope)"},
	{.function = "__ip_options_echo",
	 .stage = DROP_IN_NODE,
	 .meaning = "its IP options are wrong"},
	{.function = "br_handle_frame_finish",
	 .stage = DROP_IN_NODE,
	 .meaning = "the bridge has no port for it (isolated, another VLAN, or the one that it "
		    "came by)"},
	{.function = "neigh_invalidate",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_NO_NEIGHBOR,
	 .meaning = "nobody answered for the next hop's address (ARP or ND)",
	 .advice = "check that the next hop is up and has that address"},

	/* The queueing discipline or the driver of the sender. */
	{.function = "veth_xmit",
	 .stage = DROP_AFTER_OUT,
	 .meaning = "the ring of the receiving end is full, or that end is gone"},
	{.function = "__dev_xmit_skb", .stage = DROP_AFTER_OUT},
	{.function = "__dev_queue_xmit", .stage = DROP_AFTER_OUT},
	{.function = "dev_hard_start_xmit", .stage = DROP_AFTER_OUT},
	{.function = "__dev_direct_xmit", .stage = DROP_AFTER_OUT},
	{.function = "____dev_forward_skb",
	 .stage = DROP_AFTER_OUT,
	 .meaning = "it is larger than the other end's MTU, or that end is down"},
	{.function = "__dev_forward_skb2",
	 .stage = DROP_AFTER_OUT,
	 .meaning = "it is larger than the other end's MTU, or that end is down"},
	{.function = "__dev_forward_skb", .stage = DROP_AFTER_OUT},
	{.function = "*_enqueue", .stage = DROP_AFTER_OUT},
	/* rtnl_qdisc_drop(), inlined: queues that were emptied. */
	{.function = "__rtnl_unlock",
	 .stage = DROP_AFTER_OUT,
	 .meaning = "it waited in a queue that was emptied: the link went down"},

	/*
	 * What runs XDP programs frees what they drop without a reason, on most kernels. Native XDP
	 * frees it in the veth driver, generic XDP in the receiver's stack, just before `in`.
	 */
	{.function = "do_xdp_generic",
	 .stage = DROP_BEFORE_IN,
	 .traits = DROP_BY_XDP,
	 .meaning = "an XDP program of the receiving end says so"},
	/* __netif_receive_skb_core() takes the tag off before tc. */
	{.function = "skb_vlan_untag",
	 .stage = DROP_BEFORE_IN,
	 .traits = DROP_AFTER_XDP,
	 .meaning = "its VLAN tag is cut short"},
	{.function = "bpf_prog_run_generic_xdp", .stage = DROP_BEFORE_IN, .traits = DROP_BY_XDP},
	{.function = "netif_receive_generic_xdp", .stage = DROP_BEFORE_IN, .traits = DROP_BY_XDP},
	{.function = "veth_xdp_rcv_skb",
	 .stage = DROP_BEFORE_IN,
	 .traits = DROP_BY_XDP,
	 .meaning = "an XDP program of the receiving end says so"},

	/*
	 * Multicast that nobody here listens to, and the copy of an echo reply that no ping socket
	 * wants (a raw one has got its own).
	 */
	{.function = "ip6_mc_input",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_ORDINARY,
	 .meaning = "nobody here listens to this multicast group"},
	{.function = "ping_rcv", .stage = DROP_IN_NODE, .traits = DROP_ORDINARY},

	/*
	 * No packets: what the kernel makes to answer a question about routes (`ip route get`,
	 * `why`), to test a program (the frame that proves a link is a copy of it), and to try NAPI
	 * when it comes on.
	 */
	{.function = "inet_rtm_getroute", .stage = DROP_IN_NODE, .traits = DROP_NO_PACKET},
	{.function = "inet6_rtm_getroute", .stage = DROP_IN_NODE, .traits = DROP_NO_PACKET},
	{.function = "bpf_prog_test_run_skb", .stage = DROP_IN_NODE, .traits = DROP_NO_PACKET},
	{.function = "netif_napi_add_weight_locked",
	 .stage = DROP_IN_NODE,
	 .traits = DROP_NO_PACKET},
	{.function = "netif_napi_add_weight", .stage = DROP_IN_NODE, .traits = DROP_NO_PACKET},

	/* Copies for sockets that capture. The ledger leaves out those of the first two. */
	{.function = "packet_rcv", .stage = DROP_IN_NODE, .traits = DROP_NO_PACKET | DROP_COPY},
	{.function = "tpacket_rcv", .stage = DROP_IN_NODE, .traits = DROP_NO_PACKET | DROP_COPY},
	{.function = "packet_rcv_spkt", .stage = DROP_IN_NODE, .traits = DROP_COPY},
	{.function = "packet_rcv_fanout", .stage = DROP_IN_NODE, .traits = DROP_COPY},
};

enum { CAUSES = sizeof(causes) / sizeof(*causes) };

const struct drop_cause *drop_causes(size_t *n)
{
	*n = CAUSES;
	return causes;
}

static bool function_fits(const char *wanted, const char *function)
{
	size_t len = strlen(function), end;

	if (wanted[0] != '*')
		return !strcmp(wanted, function);
	end = strlen(wanted + 1);
	return len >= end && !strcmp(function + len - end, wanted + 1);
}

static bool fits(const struct drop_cause *cause, const char *reason, const char *function)
{
	return (!cause->reason || !strcmp(cause->reason, reason)) &&
	       (!cause->function || function_fits(cause->function, function));
}

/* The table has rows of both before those of a reason, and those before the ones of a function. */
static struct drop_cause classify(const char *reason, const char *function, bool multicast)
{
	struct drop_cause known = {
		.reason = reason, .function = function, .stage = DROP_UNCLASSIFIED};

	for (size_t i = 0; i < CAUSES; i++) {
		const struct drop_cause *cause = &causes[i];

		if (!fits(cause, reason, function) ||
		    (cause->traits & DROP_MULTICAST && !multicast))
			continue;
		if (cause->stage > known.stage)
			known.stage = cause->stage;
		known.traits |= cause->traits;
		if (!known.meaning)
			known.meaning = cause->meaning;
		if (!known.advice)
			known.advice = cause->advice;
	}
	return known;
}

struct drop_cause drop_classify(const char *reason, const char *function)
{
	return classify(reason, function, false);
}

struct drop_cause drop_classify_multicast(const char *reason, const char *function)
{
	return classify(reason, function, true);
}
