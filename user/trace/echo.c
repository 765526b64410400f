// SPDX-License-Identifier: GPL-2.0-only
/* echo.c - ICMP echo requests from inside a namespace. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bpf/wire.h"
#include "user/base/clock.h"
#include "user/trace/echo.h"
#include "user/net/net.h"

enum { SEQS = 65536, PACKET_BYTES = 65536 };
/*
 * A raw socket gets the answers to everybody's echoes, too. Its default queue of some 280 of them
 * is full after two milliseconds of somebody's flood; this one, of some 40,000, takes long.
 */
enum { QUEUE_BYTES = 16 << 20 };

struct echo_sender {
	struct echo_config config;
	int fd;
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	socklen_t to_len;
	uint64_t
		sent_ns[SEQS]; /* CLOCK_REALTIME, as the kernel's receive stamps are; 0: not sent */
	uint8_t request[ICMP_SIZE + ECHO_SIZE_MAX];
	uint8_t packet[PACKET_BYTES];
};

static bool is_v6(const struct echo_sender *sender)
{
	return sender->config.to.family == AF_INET6;
}

/* Only what can be an answer comes through: a busy namespace has other ICMP traffic. */
static int filter_v4(int fd)
{
	/* struct icmp_filter of <linux/icmp.h>, which does not go with <net/if.h>. */
	uint32_t blocked = ~(1u << ICMP_ECHOREPLY);

	for (unsigned type = 0; type < 32; type++)
		if (icmp_reports_loss(4, type))
			blocked &= ~(1u << type);
	return setsockopt(fd, SOL_RAW, 1 /* ICMP_FILTER */, &blocked, sizeof(blocked));
}

static int filter_v6(int fd)
{
	struct icmp6_filter filter;

	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
	for (unsigned type = 0; type < 256; type++)
		if (icmp_reports_loss(6, type))
			ICMP6_FILTER_SETPASS(type, &filter);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
}

static int open_socket(void *arg)
{
	struct echo_sender *sender = arg;
	const char *device = sender->config.device;
	int one = 1, bytes = QUEUE_BYTES;
	bool v6 = is_v6(sender);

	sender->fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (sender->fd < 0)
		return -errno;
	if (v6 ? filter_v6(sender->fd) : filter_v4(sender->fd))
		return -errno;
	if (setsockopt(sender->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)))
		return -errno;
	/* A smaller queue is no reason to give up. */
	if (setsockopt(sender->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(sender->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	/* Without it the kernel refuses a broadcast address. */
	if (setsockopt(sender->fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)))
		return -errno;
	if (v6 && setsockopt(sender->fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &one, sizeof(one)))
		return -errno;
	if (device &&
	    setsockopt(sender->fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device) + 1))
		return -errno;
	if (v6 && device && IN6_IS_ADDR_LINKLOCAL(&sender->to.v6.sin6_addr))
		sender->to.v6.sin6_scope_id = if_nametoindex(device);
	return 0;
}

static void fill_destination(struct echo_sender *sender)
{
	const struct ip_addr *to = &sender->config.to;

	if (is_v6(sender)) {
		sender->to.v6.sin6_family = AF_INET6;
		memcpy(&sender->to.v6.sin6_addr, to->bytes, 16);
		sender->to_len = sizeof(sender->to.v6);
	} else {
		sender->to.v4.sin_family = AF_INET;
		memcpy(&sender->to.v4.sin_addr, to->bytes, 4);
		sender->to_len = sizeof(sender->to.v4);
	}
}

/* Type, id, token, then a pattern that shows damage; checksum and seq come with each request. */
static void fill_request(struct echo_sender *sender)
{
	const struct echo_config *config = &sender->config;
	uint8_t *payload = sender->request + ICMP_SIZE;
	uint16_t id = htons(config->id);
	uint8_t token[8];

	sender->request[0] = is_v6(sender) ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	memcpy(sender->request + 4, &id, 2);
	memcpy(token, &config->token, 8);
	for (unsigned i = 0; i < config->size; i++)
		payload[i] = i < sizeof(token) ? token[i] : (uint8_t)i;
}

int echo_open(struct echo_sender **out, int netns_fd, const struct echo_config *config,
	      struct err *err)
{
	struct echo_sender *sender = calloc(1, sizeof(*sender));
	int ret;

	if (!sender)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", config->node);
	sender->config = *config;
	sender->fd = -1;
	fill_destination(sender);
	fill_request(sender);
	ret = netns_run(netns_fd, open_socket, sender, err);
	if (ret)
		err_set(err, err_code_of(-ret), -ret,
			"%s: cannot open a raw ICMP socket (kernel: %s)", config->node,
			strerror(-ret));
	if (ret && err_code_of(-ret) == ERR_PRIVILEGE)
		err_hint(err, "sending echo requests needs CAP_NET_RAW: run as root");
	if (!ret && config->ttl)
		ret = echo_set_ttl(sender, config->ttl, err);
	if (ret) {
		echo_close(sender);
		return ret;
	}
	*out = sender;
	return 0;
}

void echo_close(struct echo_sender *sender)
{
	if (!sender)
		return;
	if (sender->fd >= 0)
		close(sender->fd);
	free(sender);
}

int echo_set_ttl(struct echo_sender *sender, uint8_t ttl, struct err *err)
{
	int value = ttl;
	int level = is_v6(sender) ? IPPROTO_IPV6 : IPPROTO_IP;
	int name = is_v6(sender) ? IPV6_UNICAST_HOPS : IP_TTL;

	if (setsockopt(sender->fd, level, name, &value, sizeof(value)))
		return err_set(err, ERR_SYSTEM, errno, "%s: cannot set the TTL to %d (kernel: %s)",
			       sender->config.node, value, strerror(errno));
	return 0;
}

/* Internet checksum (RFC 1071) of len bytes. */
static uint16_t checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += bytes[i] << 8 | bytes[i + 1];
	if (len % 2)
		sum += bytes[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

int echo_send(struct echo_sender *sender, uint16_t seq, struct err *err)
{
	size_t len = ICMP_SIZE + sender->config.size;
	uint16_t wire_seq = htons(seq), sum = 0;
	char to[IP_TEXT_SIZE];
	int ret;

	memcpy(sender->request + 6, &wire_seq, 2);
	memcpy(sender->request + 2, &sum, 2);
	if (!is_v6(sender)) { /* the kernel fills it in for ICMPv6 (RFC 3542, 3.1) */
		sum = checksum(sender->request, len);
		memcpy(sender->request + 2, &sum, 2);
	}
	sender->sent_ns[seq] = clock_realtime_ns();
	if (sendto(sender->fd, sender->request, len, 0, (struct sockaddr *)&sender->to,
		   sender->to_len) >= 0)
		return 0;
	ret = -errno;
	sender->sent_ns[seq] = 0;
	return err_set(err, ERR_FAILED, -ret, "%s: cannot send to %s (kernel: %s)",
		       sender->config.node, ip_format(&sender->config.to, to, sizeof(to)),
		       strerror(-ret));
}

int echo_fd(const struct echo_sender *sender)
{
	return sender->fd;
}

static void read_control(struct msghdr *msg, struct echo_answer *answer, uint64_t *stamp_ns)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			struct timespec at;

			memcpy(&at, CMSG_DATA(c), sizeof(at));
			*stamp_ns = (uint64_t)at.tv_sec * 1000000000 + at.tv_nsec;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
			int limit;

			memcpy(&limit, CMSG_DATA(c), sizeof(limit));
			answer->ttl = limit;
		}
	}
}

/* The header of the echo request that an error quotes at p. */
static bool read_quoted(uint8_t family, const uint8_t *p, const uint8_t *end,
			struct icmp_wire *echo)
{
	const struct wire_memory quote = {p, end - p};
	uint8_t src[16], dst[16], ttl;
	const struct ip_fields fields = {src, dst, &ttl};
	struct ip_view ip;

	return wire_ip(wire_memory_fetch, wire_memory_walk, &quote, 0, quote.len, family, &ip,
		       &fields) == IP_TRANSPORT &&
	       ip_is_icmp(family, ip.proto) && ip.off + ICMP_SIZE <= ip.end &&
	       wire_memory_fetch(&quote, ip.off, ICMP_SIZE, echo) &&
	       echo->type == icmp_echo_request(family);
}

/* Whether the ICMP message [p, end) answers one of our requests; if so, what it says. */
static bool read_answer(const struct echo_sender *sender, const uint8_t *p, const uint8_t *end,
			struct echo_answer *answer)
{
	uint8_t family = is_v6(sender) ? 6 : 4;
	struct icmp_wire icmp, echo;

	if (end - p < ICMP_SIZE)
		return false;
	memcpy(&icmp, p, sizeof(icmp));
	echo = icmp;
	answer->type = icmp.type;
	answer->code = icmp.code;
	answer->len = end - p;
	answer->error = icmp.type != (is_v6(sender) ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
	if (answer->error && !read_quoted(family, p + ICMP_SIZE, end, &echo))
		return false;
	answer->info = answer->error ? (uint32_t)bpf_ntohs(icmp.id) << 16 | bpf_ntohs(icmp.seq) : 0;
	answer->seq = bpf_ntohs(echo.seq);
	if (bpf_ntohs(echo.id) != sender->config.id || !sender->sent_ns[answer->seq])
		return false;
	answer->corrupt = !answer->error &&
			  (answer->len != (uint32_t)ICMP_SIZE + sender->config.size ||
			   memcmp(p + ICMP_SIZE, sender->request + ICMP_SIZE, sender->config.size));
	return true;
}

/* Skip the IPv4 header, which a raw IPv4 socket delivers and an IPv6 one does not. */
static const uint8_t *skip_ipv4(const uint8_t *p, const uint8_t *end, struct echo_answer *answer)
{
	const struct wire_memory packet = {p, end - p};
	struct ipv4_wire header;
	struct ip_view ip;

	if (!wire_memory_fetch(&packet, 0, sizeof(header), &header) ||
	    wire_ipv4(&header, 0, packet.len, &ip) == IP_MALFORMED)
		return end;
	answer->ttl = header.ttl;
	return p + ip.off;
}

static void set_source(struct echo_sender *sender, const struct sockaddr_storage *from,
		       struct echo_answer *answer)
{
	answer->from.family = sender->config.to.family;
	if (is_v6(sender))
		memcpy(answer->from.bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
	else
		memcpy(answer->from.bytes, &((const struct sockaddr_in *)from)->sin_addr, 4);
}

int echo_receive(struct echo_sender *sender, struct echo_answer *out, struct err *err)
{
	struct sockaddr_storage from;
	char control[256];

	for (;;) {
		struct iovec iov = {.iov_base = sender->packet, .iov_len = sizeof(sender->packet)};
		struct msghdr msg = {.msg_name = &from,
				     .msg_namelen = sizeof(from),
				     .msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control)};
		struct echo_answer answer = {0};
		uint64_t stamp_ns = 0;
		const uint8_t *p = sender->packet, *end;
		ssize_t got = recvmsg(sender->fd, &msg, 0);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (got < 0)
			return err_set(err, ERR_SYSTEM, errno, "%s: cannot receive (kernel: %s)",
				       sender->config.node, strerror(errno));
		end = p + got;
		read_control(&msg, &answer, &stamp_ns);
		if (!is_v6(sender))
			p = skip_ipv4(p, end, &answer);
		if (!read_answer(sender, p, end, &answer))
			continue;
		set_source(sender, &from, &answer);
		/* The clock may have been set back in between: then nothing is known. */
		if (stamp_ns > sender->sent_ns[answer.seq])
			answer.rtt_ns = stamp_ns - sender->sent_ns[answer.seq];
		*out = answer;
		return 1;
	}
}
