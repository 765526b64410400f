// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_port_probe.c - what a probe of a port tells when connect() fails at once (port_probe.h). The
 * kernel's answers are made here.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>

#include <cmocka.h>

#include "user/trace/port_probe.h"

static int refusal;    /* errno of connect() */
static bool has_error; /* an ICMP error lies in the socket's error queue */

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
	(void)fd;
	(void)to;
	(void)len;
	errno = refusal;
	return -1;
}

int setns(int fd, int kind)
{
	(void)fd;
	(void)kind;
	return 0;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	const struct sock_extended_err error = {.ee_errno = ECONNREFUSED,
						.ee_origin = SO_EE_ORIGIN_ICMP,
						.ee_type = 3,
						.ee_code = 3};
	struct sockaddr_in offender = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)};

	(void)fd;
	if (!has_error || !(flags & MSG_ERRQUEUE)) {
		errno = EAGAIN;
		return -1;
	}
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_RECVERR;
	c->cmsg_len = CMSG_LEN(sizeof(error) + sizeof(offender));
	memcpy(CMSG_DATA(c), &error, sizeof(error));
	memcpy(CMSG_DATA(c) + sizeof(error), &offender, sizeof(offender));
	msg->msg_controllen = CMSG_SPACE(sizeof(error) + sizeof(offender));
	return 0;
}

static struct port_answer start(bool tcp)
{
	int netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	const struct port_probe_config config = {.netns_fd = netns_fd,
						 .node = "a",
						 .to = {.family = AF_INET, .bytes = {127, 0, 0, 1}},
						 .port = 1,
						 .tcp = tcp,
						 .size = 8};
	struct port_answer answer;
	struct port_probe probe;
	struct err err = {0};

	assert_true(netns_fd >= 0);
	assert_int_equal(port_probe_start(&probe, &config, &answer, &err), 0);
	port_probe_close(&probe);
	close(netns_fd);
	return answer;
}

/* No RST has come by then: the kernel did not send. */
static void test_refused_at_once(void **state)
{
	static const int errors[] = {ECONNREFUSED, EACCES, ENETUNREACH};

	(void)state;
	has_error = false;
	for (int i = 0; i < 6; i++) {
		struct port_answer answer;

		refusal = errors[i / 2];
		answer = start(i % 2);
		assert_int_equal(answer.result, PORT_NOT_SENT);
		assert_int_equal(answer.error, refusal);
	}
	refusal = EINPROGRESS;
	assert_int_equal(start(true).result, PORT_PENDING);
}

static void test_icmp_error_at_once(void **state)
{
	struct port_answer answer;

	(void)state;
	has_error = true;
	refusal = ECONNREFUSED;
	answer = start(true);
	assert_int_equal(answer.result, PORT_ICMP_ERROR);
	assert_int_equal(answer.type, 3);
	assert_int_equal(answer.code, 3);
	assert_int_equal(answer.from.family, AF_INET);
	assert_int_equal(answer.from.bytes[0], 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_at_once),
		cmocka_unit_test(test_icmp_error_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
