// SPDX-License-Identifier: GPL-2.0-only
/*
 * listener.c - somebody who listens on a port, by IPv4 and IPv6, until he is ended.
 *
 * listener tcp PORT          take each connection and close it when the other side does
 * listener full PORT         listen, and take none; the accept queue has room for one
 * listener udp PORT          send each datagram back
 *
 * prints "listening" once he does
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int open_port(const char *port, int type)
{
	struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), one = 1, both = 0;

	here.sin6_port = htons((uint16_t)atoi(port));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof(both)) ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)))
		return -1;
	return fd;
}

static int echo(int fd)
{
	static char buf[65536];
	struct sockaddr_in6 from;

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

		if (n < 0 || sendto(fd, buf, n, 0, (struct sockaddr *)&from, len) < 0)
			return fail("listener: echo");
	}
}

static int take(int fd)
{
	char byte;

	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer < 0)
			return fail("listener: accept");
		while (read(peer, &byte, 1) > 0)
			;
		close(peer);
	}
}

int main(int argc, char **argv)
{
	bool udp = argc == 3 && !strcmp(argv[1], "udp"),
	     full = argc == 3 && !strcmp(argv[1], "full");
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: listener tcp|full|udp PORT\n");
		return 2;
	}
	fd = open_port(argv[2], udp ? SOCK_DGRAM : SOCK_STREAM);
	if (fd < 0 || (!udp && listen(fd, full ? 0 : 16)))
		return fail("listener: listen");
	printf("listening\n");
	fflush(stdout);
	if (full)
		return pause();
	return udp ? echo(fd) : take(fd);
}
