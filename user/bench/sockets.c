// SPDX-License-Identifier: GPL-2.0-only
/* sockets.c - sockets in the namespaces of a link's sides. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "user/bench/internal.h"

enum { WAIT_US = 50000 };

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t fill(union socket_address *to, const struct ip_addr *addr, int port)
{
	memset(to, 0, sizeof(*to));
	if (addr->family == AF_INET6) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_port = htons(port);
		memcpy(&to->v6.sin6_addr, addr->bytes, 16);
		return sizeof(to->v6);
	}
	to->v4.sin_family = AF_INET;
	to->v4.sin_port = htons(port);
	memcpy(&to->v4.sin_addr, addr->bytes, 4);
	return sizeof(to->v4);
}

static int set_up(int fd, const struct bench_socket *wanted)
{
	struct timeval wait = {.tv_usec = WAIT_US}, patience = {.tv_sec = 2};
	union socket_address addr;
	socklen_t len;

	if (wanted->port >= 0) {
		len = fill(&addr, &wanted->side->addr, wanted->port);
		if (bind(fd, &addr.any, len))
			return -errno;
	}
	if (wanted->backlog && listen(fd, wanted->backlog))
		return -errno;
	if (wanted->connect_port) {
		len = fill(&addr, &wanted->peer->addr, wanted->connect_port);
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (connect(fd, &addr.any, len))
			return errno == EINPROGRESS || errno == EAGAIN ? -ETIMEDOUT : -errno;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)))
		return -errno;
	return 0;
}

/* Inside the side's namespace. */
static int make(void *arg)
{
	const struct bench_socket *wanted = arg;
	int fd = socket(wanted->side->addr.family, wanted->type | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = set_up(fd, wanted);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int bench_socket(const struct bench_socket *wanted, struct err *err)
{
	struct bench_socket copy = *wanted;
	int fd = netns_run(wanted->side->netns_fd, make, &copy, err);

	if (fd >= 0)
		return fd;
	if (wanted->connect_port)
		err_set(err, ERR_FAILED, -fd, "%s: cannot connect to %s (kernel: %s)",
			wanted->side->name, wanted->peer->name, strerror(-fd));
	else
		err_set(err, fd == -EACCES ? ERR_PRIVILEGE : ERR_SYSTEM, -fd,
			"%s: cannot open a socket (kernel: %s)", wanted->side->name, strerror(-fd));
	if (fd == -EADDRINUSE)
		err_hint(err, "something in that node uses the port already");
	return fd;
}

void bench_socket_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int bench_socket_port(int fd)
{
	union socket_address addr;
	socklen_t len = sizeof(addr);

	if (getsockname(fd, &addr.any, &len))
		return -errno;
	return ntohs(addr.any.sa_family == AF_INET6 ? addr.v6.sin6_port : addr.v4.sin_port);
}
