// SPDX-License-Identifier: GPL-2.0-only
/* sniffer.c - frames as they pass an interface, from a packet socket. */
#include "user/capture/sniffer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "user/net/net.h"

enum { BUFFER_BYTES = 32 << 20, VLAN_BYTES = 4, MACS_BYTES = 12 };

struct sniffer {
	struct sniff_config config;
	int fd;
	/* Room in front for a VLAN tag, which the kernel keeps apart from the frame. */
	uint8_t buffer[VLAN_BYTES + SNIFF_SNAP_MAX];
};

static int open_socket(void *arg)
{
	struct sniffer *sniffer = arg;
	const struct sniff_config *config = &sniffer->config;
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = config->ifindex};
	struct sock_fprog program = {.len = config->filter_len,
				     .filter = (struct sock_filter *)config->filter};
	int one = 1, bytes = BUFFER_BYTES;

	/* Protocol 0 receives nothing until the filter is there and bind() names the protocol. */
	sniffer->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sniffer->fd < 0)
		return -errno;
	if (setsockopt(sniffer->fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(sniffer->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)))
		return -errno;
	/* A smaller buffer is no reason to give up: what is lost is counted. */
	if (setsockopt(sniffer->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(sniffer->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (config->filter &&
	    setsockopt(sniffer->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		return -errno;
	return bind(sniffer->fd, (struct sockaddr *)&at, sizeof(at)) ? -errno : 0;
}

int sniff_open(struct sniffer **out, int netns_fd, const struct sniff_config *config,
	       struct err *err)
{
	struct sniffer *sniffer = calloc(1, sizeof(*sniffer));
	int ret;

	if (!sniffer)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", config->object);
	sniffer->config = *config;
	sniffer->fd = -1;
	ret = netns_run(netns_fd, open_socket, sniffer, err);
	if (!ret) {
		*out = sniffer;
		return 0;
	}
	err_set(err, err_code_of(-ret), -ret, "%s: cannot capture (kernel: %s)", config->object,
		strerror(-ret));
	if (ret == -EPERM)
		err_hint(err, "capturing needs CAP_NET_RAW: run as root");
	sniff_close(sniffer);
	return ret;
}

void sniff_close(struct sniffer *sniffer)
{
	if (!sniffer)
		return;
	if (sniffer->fd >= 0)
		close(sniffer->fd);
	free(sniffer);
}

int sniff_fd(const struct sniffer *sniffer)
{
	return sniffer->fd;
}

/* Put the VLAN tag back where it was on the wire: behind the MAC addresses. */
static void put_vlan(struct sniffer *sniffer, struct sniffed *frame,
		     const struct tpacket_auxdata *aux)
{
	uint16_t tpid =
		aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid : ETHERTYPE_VLAN;
	uint16_t tag[2] = {htons(tpid), htons(aux->tp_vlan_tci)};

	if (frame->len < MACS_BYTES)
		return;
	memmove(sniffer->buffer, sniffer->buffer + VLAN_BYTES, MACS_BYTES);
	memcpy(sniffer->buffer + MACS_BYTES, tag, sizeof(tag));
	frame->bytes = sniffer->buffer;
	frame->len += VLAN_BYTES;
	frame->whole += VLAN_BYTES;
}

static void read_control(struct sniffer *sniffer, struct msghdr *msg, struct sniffed *frame)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			struct timespec at;

			memcpy(&at, CMSG_DATA(c), sizeof(at));
			frame->time_ns = (uint64_t)at.tv_sec * 1000000000 + at.tv_nsec;
		} else if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
			struct tpacket_auxdata aux;

			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
			frame->unsummed = aux.tp_status & TP_STATUS_CSUMNOTREADY;
			if (aux.tp_status & TP_STATUS_VLAN_VALID)
				put_vlan(sniffer, frame, &aux);
		}
	}
}

int sniff_receive(struct sniffer *sniffer, struct sniffed *out, struct err *err)
{
	struct sockaddr_ll from;
	char control[256];
	struct iovec iov = {.iov_base = sniffer->buffer + VLAN_BYTES,
			    .iov_len = sniffer->config.snap};
	struct msghdr msg = {.msg_name = &from,
			     .msg_namelen = sizeof(from),
			     .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(sniffer->fd, &msg, MSG_TRUNC);
	struct sniffed frame = {.bytes = sniffer->buffer + VLAN_BYTES};

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got < 0)
		return err_set(err, ERR_SYSTEM, errno, "%s: cannot capture (kernel: %s)",
			       sniffer->config.object, strerror(errno));
	frame.whole = got;
	frame.len = got < sniffer->config.snap ? got : sniffer->config.snap;
	frame.out = from.sll_pkttype == PACKET_OUTGOING;
	read_control(sniffer, &msg, &frame);
	*out = frame;
	return 1;
}

uint32_t sniff_lost(struct sniffer *sniffer)
{
	struct tpacket_stats stats = {0}; /* reading sets them back to 0 */
	socklen_t len = sizeof(stats);

	return getsockopt(sniffer->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len)
		       ? 0
		       : stats.tp_drops;
}
