// SPDX-License-Identifier: GPL-2.0-only
/*
 * frames.c - send frames that no sane stack sends, through AF_PACKET.
 *
 * frames INTERFACE KIND [COUNT] [LENGTH]   send COUNT (1) frames of KIND, cut to LENGTH bytes
 * frames --bypass INTERFACE ...            past the queue and `out` (PACKET_QDISC_BYPASS)
 * frames --echoes INTERFACE KIND SEQ...    an echo of KIND for each number, in that order
 * frames --list                            the kinds
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/common/frames.h"

enum { ECHO_LEN = 16 };

#define PUT(b, ...)                                                                                \
	do {                                                                                       \
		const uint8_t put_bytes[] = {__VA_ARGS__};                                         \
		put(b, put_bytes, sizeof(put_bytes));                                              \
	} while (0)

/* To everybody, from a locally administered address. */
static void put_ethernet(struct bytes *frame, uint16_t type)
{
	static const uint8_t to[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t from[6] = {2, 0, 0, 0, 0, 0x99};

	put_eth_header(frame, to, from, type);
}

/* With ICMP in it: options: bytes of them; frag: offset in units of 8 bytes, and flags. */
static void put_icmp_packet(struct bytes *frame, size_t options, uint16_t frag)
{
	const struct ipv4_header header = {
		.src = {192, 0, 2, 1},
		.dst = {192, 0, 2, 2},
		.proto = IPPROTO_ICMP,
		.ttl = 64,
		.id = 1,
		.frag = frag,
		.options = options,
		.payload = ECHO_LEN,
		.has_checksum = true,
	};

	put_ipv4_header(frame, &header);
}

static void put_documentation6(struct bytes *frame, size_t payload, uint8_t next)
{
	const struct ipv6_header header = {
		.src = {0x20, 1, 0xd, 0xb8, [15] = 1},
		.dst = {0x20, 1, 0xd, 0xb8, [15] = 2},
		.next = next,
		.hop_limit = 64,
		.payload = payload,
	};

	put_ipv6_header(frame, &header);
}

/* An echo request: header and 8 bytes; no checksum, nobody shall answer. */
static void put_echo(struct bytes *frame, uint8_t type)
{
	put_icmp(frame, type, 0, 0x1234, 1, "\1\2\3\4\5\6\7\10", 8);
}

static void make_garbage(struct bytes *frame)
{
	put_ethernet(frame, 0x88b5); /* IEEE's for local experiments */
	put_echo(frame, 8);
}

/* An 802.3 length where the type stands: not IP, although IP's bytes follow. */
static void make_llc(struct bytes *frame)
{
	put_ethernet(frame, 36);
	put_icmp_packet(frame, 0, 0);
	put_echo(frame, 8);
}

static void make_empty(struct bytes *frame)
{
	put_ethernet(frame, ETH_P_IP);
}

static void make_vlan(struct bytes *frame)
{
	put_ethernet(frame, ETH_P_8021Q);
	PUT(frame, 0, 7, 0x08, 0x00);
	put_icmp_packet(frame, 0, 0);
	put_echo(frame, 8);
}

static void make_qinq(struct bytes *frame)
{
	put_ethernet(frame, ETH_P_8021AD);
	PUT(frame, 0, 7, 0x81, 0x00, 0, 8, 0x08, 0x00);
	put_icmp_packet(frame, 0, 0);
	put_echo(frame, 8);
}

static void make_arp(struct bytes *frame)
{
	put_ethernet(frame, ETH_P_ARP);
	PUT(frame, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 0x99, 192, 0, 2, 1);
	PUT(frame, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2);
}

static void make_echo4(struct bytes *frame)
{
	put_ethernet(frame, ETH_P_IP);
	put_icmp_packet(frame, 0, 0);
	put_echo(frame, 8);
}

static void make_options(struct bytes *frame)
{
	put_ethernet(frame, ETH_P_IP);
	put_icmp_packet(frame, 40, 0);
	put_echo(frame, 8);
}

/* A later fragment, whose bytes look like an echo request and are none. */
static void make_fragment(struct bytes *frame)
{
	put_ethernet(frame, ETH_P_IP);
	put_icmp_packet(frame, 0, 100);
	put_echo(frame, 8);
}

static void make_first_fragment(struct bytes *frame)
{
	put_ethernet(frame, ETH_P_IP);
	put_icmp_packet(frame, 0, 0x2000);
	put_echo(frame, 8);
}

/* A header length that is impossible. */
static void make_ihl(struct bytes *frame)
{
	make_echo4(frame);
	frame->at[ETH_HLEN] = 0x44;
}

/* Version 6 under IPv4's ethertype. */
static void make_version(struct bytes *frame)
{
	make_echo4(frame);
	frame->at[ETH_HLEN] = 0x65;
}

static void make_cut4(struct bytes *frame)
{
	make_echo4(frame);
	frame->len = ETH_HLEN + 12;
}

static void make_cut_icmp(struct bytes *frame)
{
	make_echo4(frame);
	frame->len = ETH_HLEN + 20 + 3;
}

static void make_echo6(struct bytes *frame)
{
	put_ethernet(frame, ETH_P_IPV6);
	put_documentation6(frame, ECHO_LEN, IPPROTO_ICMPV6);
	put_echo(frame, 128);
}

/* Hop-by-hop options, routing and destination options before ICMPv6. */
static void make_extensions(struct bytes *frame)
{
	put_ethernet(frame, ETH_P_IPV6);
	put_documentation6(frame, 8 + 8 + 16 + ECHO_LEN, IPPROTO_HOPOPTS);
	PUT(frame, IPPROTO_ROUTING, 0, 1, 4, 0, 0, 0, 0);
	PUT(frame, IPPROTO_DSTOPTS, 0, 0, 0, 0, 0, 0, 0);
	PUT(frame, IPPROTO_ICMPV6, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	put_echo(frame, 128);
}

static void make_fragment6(struct bytes *frame)
{
	put_ethernet(frame, ETH_P_IPV6);
	put_documentation6(frame, 8 + ECHO_LEN, IPPROTO_FRAGMENT);
	PUT(frame, IPPROTO_ICMPV6, 0, 0x03, 0x20, 0, 0, 0, 1);
	put_echo(frame, 128);
}

static void swap_addresses(struct bytes *frame, size_t at, size_t len)
{
	uint8_t source[16];

	memcpy(source, frame->at + at, len);
	memcpy(frame->at + at, frame->at + at + len, len);
	memcpy(frame->at + at + len, source, len);
}

/* The replies to echo4 and echo6. */
static void make_reply4(struct bytes *frame)
{
	make_echo4(frame);
	swap_addresses(frame, ETH_HLEN + 12, 4);
	frame->at[ETH_HLEN + 20] = 0;
}

static void make_reply6(struct bytes *frame)
{
	make_echo6(frame);
	swap_addresses(frame, ETH_HLEN + 8, 16);
	frame->at[ETH_HLEN + 40] = 129;
}

static void make_cut6(struct bytes *frame)
{
	make_echo6(frame);
	frame->len = ETH_HLEN + 30;
}

static const struct kind {
	const char *name;
	void (*make)(struct bytes *frame);
} kinds[] = {
	{"garbage", make_garbage},
	{"llc", make_llc},
	{"empty", make_empty},
	{"vlan", make_vlan},
	{"qinq", make_qinq},
	{"arp", make_arp},
	{"echo4", make_echo4},
	{"options", make_options},
	{"fragment", make_fragment},
	{"first_fragment", make_first_fragment},
	{"ihl", make_ihl},
	{"version", make_version},
	{"cut4", make_cut4},
	{"cut_icmp", make_cut_icmp},
	{"echo6", make_echo6},
	{"extensions", make_extensions},
	{"fragment6", make_fragment6},
	{"cut6", make_cut6},
	{"reply4", make_reply4},
	{"reply6", make_reply6},
};
enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

static const struct kind *find_kind(const char *name)
{
	for (int i = 0; i < N_KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static int send_frames(const char *ifname, const struct bytes *frame, long n, int bypass)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(ifname),
		.sll_halen = ETH_ALEN,
	};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || !to.sll_ifindex ||
	    (bypass && setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof(bypass)))) {
		fprintf(stderr, "frames: %s: %s\n", ifname, strerror(errno));
		return 1;
	}
	for (long i = 0; i < n; i++) {
		if (sendto(fd, frame->at, frame->len, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
			fprintf(stderr, "frames: %s: send: %s\n", ifname, strerror(errno));
			close(fd);
			return 1;
		}
	}
	close(fd);
	return 0;
}

static int send_echoes(const char *ifname, struct bytes *frame, char **numbers)
{
	uint8_t *seq = frame->at + frame->len - ECHO_LEN + 6;
	int status = 0;

	for (; *numbers && !status; numbers++) {
		seq[0] = (uint8_t)(atoi(*numbers) >> 8);
		seq[1] = (uint8_t)atoi(*numbers);
		status = send_frames(ifname, frame, 1, 0);
	}
	return status;
}

int main(int argc, char **argv)
{
	struct bytes frame = {.len = 0};
	const struct kind *kind;
	int bypass = argc > 1 && !strcmp(argv[1], "--bypass");
	int echoes = argc > 1 && !strcmp(argv[1], "--echoes");

	argc -= bypass || echoes;
	argv += bypass || echoes;
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (int i = 0; i < N_KINDS; i++)
			puts(kinds[i].name);
		return 0;
	}
	kind = argc > 2 ? find_kind(argv[2]) : NULL;
	if (!kind) {
		fprintf(stderr, "usage: frames [--bypass] INTERFACE KIND [COUNT] [LENGTH] | "
				"--echoes INTERFACE KIND SEQ... | --list\n");
		return 2;
	}
	kind->make(&frame);
	if (echoes)
		return send_echoes(argv[1], &frame, argv + 3);
	if (argc > 4 && (size_t)atoi(argv[4]) < frame.len)
		frame.len = (size_t)atoi(argv[4]);
	return send_frames(argv[1], &frame, argc > 3 ? atol(argv[3]) : 1, bypass);
}
