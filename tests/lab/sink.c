// SPDX-License-Identifier: GPL-2.0-only
/*
 * sink.c - take one TCP connection, by IPv4 or IPv6, to its end.
 *
 * sink PORT   print "listening", then how many bytes came
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, both = 0, peer;
	static char buf[65536];
	size_t sum = 0;
	ssize_t n;

	if (argc != 2) {
		fprintf(stderr, "usage: sink PORT\n");
		return 2;
	}
	here.sin6_port = htons((uint16_t)atoi(argv[1]));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof(both)) ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)) || listen(fd, 1))
		return fail("sink: listen");
	printf("listening\n");
	fflush(stdout);
	peer = accept(fd, NULL, NULL);
	if (peer < 0)
		return fail("sink: accept");
	while ((n = read(peer, buf, sizeof(buf))) > 0)
		sum += (size_t)n;
	if (n)
		return fail("sink: read");
	printf("%zu\n", sum);
	return 0;
}
