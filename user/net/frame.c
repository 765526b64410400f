// SPDX-License-Identifier: GPL-2.0-only
/* frame.c - frames that show that a link carries frames. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/net/net.h"

enum { CLOSE_STACK = 64 * 1024 };

/* An ARP request over Ethernet for IPv4 (RFC 826); addresses in network order. */
struct arp_frame {
	struct ether_header ethernet;
	struct arphdr arp;
	uint8_t sender_mac[6], sender_ip[4], target_mac[6], target_ip[4];
} __attribute__((packed));

int frame_open(struct err *err)
{
	/* Protocol 0: it sends only. */
	int sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), error = errno;

	if (sock >= 0)
		return sock;
	err_set(err, error == EPERM || error == EAFNOSUPPORT ? ERR_PRIVILEGE : ERR_SYSTEM, error,
		"cannot open a packet socket: %s", strerror(error));
	if (error == EPERM)
		err_hint(err, "this needs CAP_NET_RAW: run as root");
	else if (error == EAFNOSUPPORT)
		err_hint(err, "the kernel needs CONFIG_PACKET");
	return -error;
}

int frame_send(int sock, uint32_t ifindex, const struct nl_what *what, struct err *err)
{
	/*
	 * From nobody (0.0.0.0, a source MAC of zeros) for an address that nobody has (192.0.2.1, RFC
	 * 5737): no host answers, no neighbor table and no bridge learns, a bridge passes it on to
	 * nobody (br_handle_frame wants a valid source).
	 */
	const struct arp_frame frame = {
		.ethernet = { .ether_dhost = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
			      .ether_type = htons(ETHERTYPE_ARP) },
		.arp = { .ar_hrd = htons(ARPHRD_ETHER), .ar_pro = htons(ETHERTYPE_IP),
			 .ar_hln = 6, .ar_pln = 4, .ar_op = htons(ARPOP_REQUEST) },
		.target_ip = { 192, 0, 2, 1 },
	};
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = ifindex,
				  .sll_protocol = htons(ETHERTYPE_ARP) };
	int error;

	if (sendto(sock, &frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) ==
	    sizeof(frame))
		return 0;
	error = errno;
	err_set(err, ERR_SYSTEM, error, "%s: cannot %s (kernel: %s)", what->object, what->action,
		strerror(error));
	err_at(err, what->where);
	return -error;
}

static void *close_thread(void *sock)
{
	close((int)(intptr_t)sock);
	return NULL;
}

void frame_close(int sock)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (sock < 0)
		return;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, CLOSE_STACK);
	if (pthread_create(&thread, &attr, close_thread, (void *)(intptr_t)sock))
		close(sock);
	pthread_attr_destroy(&attr);
}
