// SPDX-License-Identifier: GPL-2.0-only
/* port_probe.c - see port_probe.h. */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h> /* needs struct timespec */
#include <linux/sockios.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/net/net.h"
#include "user/trace/echo.h"
#include "user/trace/port_probe.h"

enum { REPAIR_ON = 1, REPAIR_OFF_NO_PROBE = -1 }; /* TCP_REPAIR_* of <linux/tcp.h> */

/* The kernel wakes nobody for an acknowledgement: how often to look for it. */
enum { LOOK_NS = 100000, MS_NS = 1000000 };

static const uint8_t pattern[ECHO_SIZE_MAX];

union port_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct opening {
	const struct port_probe_config *config;
	struct port_flow *flow;
	union port_address to;
	int fd;
};

static bool is_v6(const struct port_probe_config *config)
{
	return config->to.family == AF_INET6;
}

/* Where the kernel does not let us, packets are known by their addresses and ports alone. */
static void choose_first(int fd, struct port_flow *flow)
{
	int on = REPAIR_ON, off = REPAIR_OFF_NO_PROBE, queue = TCP_SEND_QUEUE;

	if (getrandom(&flow->first, sizeof(flow->first), 0) < 0 || !flow->first ||
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)))
		return;
	flow->has_first =
		!setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) &&
		!setsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &flow->first, sizeof(flow->first));
	flow->has_first &= !setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off));
}

/*
 * The kernel takes another number for a port that it reuses while a connection from it is in
 * TIME-WAIT (net.ipv4.tcp_tw_reuse; tcp_twsk_unique() in net/ipv4/tcp_ipv4.c). The SYN, which it
 * has made by then, has taken one number.
 */
static void read_first(int fd, struct port_flow *flow)
{
	uint32_t next;
	socklen_t len = sizeof(next);

	if (flow->has_first && !getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &next, &len))
		flow->first = next - 1;
}

static int set_options(const struct opening *opening)
{
	const struct port_probe_config *config = opening->config;
	int level = is_v6(config) ? IPPROTO_IPV6 : IPPROTO_IP, one = 1, ttl = config->ttl;
	const char *device = config->device;

	if (setsockopt(opening->fd, level, is_v6(config) ? IPV6_RECVERR : IP_RECVERR, &one,
		       sizeof(one)))
		return -errno;
	if (ttl && setsockopt(opening->fd, level, is_v6(config) ? IPV6_UNICAST_HOPS : IP_TTL, &ttl,
			      sizeof(ttl)))
		return -errno;
	if (device &&
	    setsockopt(opening->fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device) + 1))
		return -errno;
	return 0;
}

/* In the sender's namespace. */
static int open_socket(void *arg)
{
	struct opening *opening = arg;
	const struct port_probe_config *config = opening->config;
	cleanup_close int fd =
		socket(is_v6(config) ? AF_INET6 : AF_INET,
		       (config->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret;

	if (fd < 0)
		return -errno;
	opening->fd = fd;
	ret = set_options(opening);
	if (ret)
		return ret;
	if (config->tcp)
		choose_first(fd, opening->flow);
	if (is_v6(config) && config->device && IN6_IS_ADDR_LINKLOCAL(&opening->to.v6.sin6_addr))
		opening->to.v6.sin6_scope_id = if_nametoindex(config->device);
	opening->fd = cleanup_take_fd(&fd);
	return 0;
}

static void fill_destination(union port_address *to, const struct port_probe_config *config)
{
	*to = (union port_address){0};
	if (is_v6(config)) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_port = htons(config->port);
		memcpy(&to->v6.sin6_addr, config->to.bytes, 16);
	} else {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(config->port);
		memcpy(&to->v4.sin_addr, config->to.bytes, 4);
	}
}

/* The addresses and ports that the packets leave with. */
static void fill_flow(struct port_probe *probe, const struct port_probe_config *config)
{
	struct port_flow *flow = &probe->flow;
	union port_address from = {0};
	socklen_t len = sizeof(from);

	flow->family = is_v6(config) ? 6 : 4;
	flow->tcp = config->tcp;
	flow->to = config->port;
	flow->size = config->tcp ? 0 : config->size;
	memcpy(flow->dst, config->to.bytes, flow->family == 6 ? 16 : 4);
	if (getsockname(probe->fd, &from.any, &len))
		return;
	if (flow->family == 6) {
		flow->from = ntohs(from.v6.sin6_port);
		memcpy(flow->src, &from.v6.sin6_addr, 16);
	} else {
		flow->from = ntohs(from.v4.sin_port);
		memcpy(flow->src, &from.v4.sin_addr, 4);
	}
}

/* The token, then a pattern. */
static int send_datagram(const struct port_probe *probe, uint16_t size)
{
	struct iovec parts[2] = {{(void *)&probe->flow.token, sizeof(probe->flow.token)},
				 {(void *)pattern, 0}};
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};

	if (size < parts[0].iov_len)
		parts[0].iov_len = size;
	parts[1].iov_len = size - parts[0].iov_len;
	return sendmsg(probe->fd, &msg, 0) < 0 ? -errno : 0;
}

static void take_offender(const struct sock_extended_err *error, struct port_answer *answer)
{
	const union port_address *from = (const void *)SO_EE_OFFENDER(error);

	if (from->any.sa_family == AF_INET6)
		memcpy(answer->from.bytes, &from->v6.sin6_addr, 16);
	else if (from->any.sa_family == AF_INET)
		memcpy(answer->from.bytes, &from->v4.sin_addr, 4);
	else
		return;
	answer->from.family = from->any.sa_family;
}

/* The ICMP error that the socket has got, if there is one. */
static bool take_icmp_error(struct port_probe *probe, struct port_answer *answer)
{
	char control[512], quoted[64];
	struct iovec iov = {quoted, sizeof(quoted)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};

	if (recvmsg(probe->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		const struct sock_extended_err *error = (const void *)CMSG_DATA(c);

		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		if (error->ee_origin != SO_EE_ORIGIN_ICMP && error->ee_origin != SO_EE_ORIGIN_ICMP6)
			continue;
		answer->result = PORT_ICMP_ERROR;
		answer->type = error->ee_type;
		answer->code = error->ee_code;
		answer->info = error->ee_info;
		take_offender(error, answer);
		return true;
	}
	return false;
}

int port_probe_start(struct port_probe *probe, const struct port_probe_config *config,
		     struct port_answer *answer, struct err *err)
{
	struct opening opening = {.config = config, .flow = &probe->flow, .fd = -1};
	int ret;

	*probe = (struct port_probe){.fd = -1, .tcp = config->tcp, .size = config->size};
	*answer = (struct port_answer){0};
	fill_destination(&opening.to, config);
	ret = netns_run(config->netns_fd, open_socket, &opening, err);
	if (ret)
		return err && err->code ? ret
					: err_set(err,
						  ret == -EPERM || ret == -EACCES ? ERR_PRIVILEGE
										  : ERR_SYSTEM,
						  -ret, "%s: cannot open a socket (kernel: %s)",
						  config->node, strerror(-ret));
	probe->fd = opening.fd;
	if (!config->tcp && config->size >= sizeof(probe->flow.token) &&
	    getrandom(&probe->flow.token, sizeof(probe->flow.token), 0) < 0)
		probe->flow.token = 0;
	probe->sent_ns = clock_monotonic_ns();
	if (connect(probe->fd, &opening.to.any,
		    is_v6(config) ? sizeof(opening.to.v6) : sizeof(opening.to.v4)))
		ret = -errno;
	fill_flow(probe, config);
	if (!ret && !config->tcp)
		ret = send_datagram(probe, config->size);
	if (config->tcp && (!ret || ret == -EINPROGRESS))
		read_first(probe->fd, &probe->flow);
	/*
	 * An ICMP error may be there already. A RST is not: the socket is ours until connect() has
	 * returned, and ECONNREFUSED is then what the kernel's own hooks say (tcp_connect()).
	 */
	if (!ret || ret == -EINPROGRESS)
		return 0;
	if (take_icmp_error(probe, answer))
		answer->time_ns = clock_monotonic_ns() - probe->sent_ns;
	else
		*answer = (struct port_answer){.result = PORT_NOT_SENT, .error = -ret};
	return 0;
}

/*
 * A RST ends a connection (tcp_reset()), and so does an ICMP error. One that comes while a system
 * call has the socket does not: SO_ERROR gives it as a soft error, and the SYN is sent again
 * (tcp_v4_err() in net/ipv4/tcp_ipv4.c, sk_getsockopt() in net/core/sock.c).
 */
static bool is_closed(const struct port_probe *probe)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	return !getsockopt(probe->fd, IPPROTO_TCP, TCP_INFO, &info, &len) &&
	       info.tcpi_state == TCP_CLOSE;
}

/* What tcp_reset() in net/ipv4/tcp_input.c makes of a RST, by the state of the connection. */
static bool is_reset(int error)
{
	return error == ECONNREFUSED || error == ECONNRESET || error == EPIPE;
}

/* An error of the socket, which is cleared now. */
static void take_error(struct port_probe *probe, int error, struct port_answer *answer)
{
	/* Its message was queued before the error was set: it may have come just now. */
	if (take_icmp_error(probe, answer))
		return;
	answer->error = error;
	if (!probe->tcp)
		answer->result = PORT_GIVEN_UP;
	else if (is_closed(probe))
		answer->result = is_reset(error) ? PORT_RESET : PORT_GIVEN_UP;
}

static void take_connection(struct port_probe *probe, struct port_answer *answer)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (!getsockopt(probe->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		answer->mss = info.tcpi_snd_mss;
	answer->connected = true;
	probe->unsent = probe->size;
	if (!probe->size)
		answer->result = PORT_ANSWERED;
}

/* Give the socket what it has room for; see whether the other side has acknowledged it all. */
static void read_acknowledged(struct port_probe *probe, struct port_answer *answer)
{
	ssize_t sent;
	int queued;

	while (probe->unsent) {
		sent = send(probe->fd, pattern, probe->unsent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			take_error(probe, errno, answer);
		if (sent <= 0)
			break;
		probe->unsent -= sent;
	}
	if (ioctl(probe->fd, SIOCOUTQ, &queued))
		return;
	answer->acknowledged = probe->size - probe->unsent - queued;
	if (answer->acknowledged == probe->size)
		answer->result = PORT_ANSWERED;
}

/* What the socket tells now. */
static void read_answer(struct port_probe *probe, short events, struct port_answer *answer)
{
	int error = 0;
	socklen_t len = sizeof(error);
	ssize_t got;

	if (take_icmp_error(probe, answer))
		return;
	if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &len))
		error = errno;
	if (error) {
		take_error(probe, error, answer);
	} else if (probe->tcp) {
		if (events & POLLOUT)
			take_connection(probe, answer);
	} else {
		char byte;

		got = recv(probe->fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC);
		if (got < 0)
			return;
		answer->result = PORT_ANSWERED;
		answer->bytes = got;
	}
}

static void wait_for_acknowledgement(struct port_probe *probe, int timeout_ms,
				     struct port_answer *answer)
{
	const struct timespec look = {.tv_nsec = LOOK_NS};
	uint64_t until = clock_monotonic_ns() + (uint64_t)timeout_ms * MS_NS;
	struct pollfd fd = {.fd = probe->fd}; /* of errors alone */

	do {
		read_acknowledged(probe, answer);
		if (answer->result != PORT_PENDING)
			return;
		if (ppoll(&fd, 1, &look, NULL) > 0)
			read_answer(probe, 0, answer);
	} while (answer->result == PORT_PENDING && clock_monotonic_ns() < until);
}

void port_probe_wait(struct port_probe *probe, int timeout_ms, struct port_answer *answer)
{
	struct pollfd fd = {.fd = probe->fd, .events = probe->tcp ? POLLOUT : POLLIN};

	if (answer->connected) {
		wait_for_acknowledgement(probe, timeout_ms, answer);
	} else {
		if (poll(&fd, 1, timeout_ms) <= 0)
			return;
		read_answer(probe, fd.revents, answer);
	}
	if (answer->result != PORT_PENDING)
		answer->time_ns = clock_monotonic_ns() - probe->sent_ns;
}

void port_probe_close(struct port_probe *probe)
{
	if (probe->fd >= 0)
		close(probe->fd);
	probe->fd = -1;
}
