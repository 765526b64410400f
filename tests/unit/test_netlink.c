// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_netlink.c - dumps: what the kernel marks as interrupted is read again, and a socket with
 * requests in flight gives none. The lists are those of this namespace, which need no privileges.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "user/net/net.h"

static unsigned interrupt; /* so many of the next dumps are marked */
static unsigned dumps;

/* In place of libmnl's: the message that ends a dump gets the mark, as the kernel gives it. */
ssize_t mnl_socket_recvfrom(const struct mnl_socket *sock, void *buf, size_t size)
{
	ssize_t n = recv(mnl_socket_get_fd(sock), buf, size, 0);
	struct nlmsghdr *nlh = buf;
	int left = n;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type != NLMSG_DONE)
			continue;
		dumps++;
		if (!interrupt)
			continue;
		interrupt--;
		nlh->nlmsg_flags |= NLM_F_DUMP_INTR;
	}
	return n;
}

static bool count_lo(const struct link_info *info, void *arg)
{
	*(unsigned *)arg += info->ifindex == 1;
	return true;
}

static unsigned list(struct nl *nl, int expect)
{
	unsigned n = 0;
	struct err err = {0};

	dumps = 0;
	assert_int_equal(link_list(nl, count_lo, &n, &err), expect);
	if (expect) {
		assert_int_equal(err.code, ERR_SYSTEM);
		assert_string_equal(err.what,
				    "interfaces: cannot be listed: they changed each time "
				    "while they were read");
	}
	return n;
}

static void test_interrupted(void **state)
{
	struct nl *nl;

	(void)state;
	assert_int_equal(nl_open(&nl, -1, NULL), 0);
	assert_int_equal(list(nl, 0), 1);
	assert_int_equal(dumps, 1);
	interrupt = 3;
	assert_int_equal(list(nl, 0), 1); /* each is told once, and not of the dumps before */
	assert_int_equal(dumps, 4);
	interrupt = UINT32_MAX;
	assert_int_equal(list(nl, -EAGAIN), 0);
	interrupt = 0;
	assert_int_equal(list(nl, 0), 1);
	nl_close(nl);
}

static int on_rule(const struct nlmsghdr *nlh, void *arg)
{
	*(unsigned *)arg += nlh->nlmsg_type == RTM_NEWRULE;
	return MNL_CB_OK;
}

/* What is only shown is taken as it is, as `ip` does, if it changes again and again. */
static void test_shown_as_it_is(void **state)
{
	struct nl_what what = {.object = "rules", .action = "be listed"};
	struct nlmsghdr *nlh;
	unsigned n = 0;
	struct nl *nl;

	(void)state;
	assert_int_equal(nl_open(&nl, -1, NULL), 0);
	nlh = nl_begin(nl, RTM_GETRULE, NLM_F_DUMP);
	((struct rtmsg *)mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtmsg)))->rtm_family =
		AF_INET;
	interrupt = UINT32_MAX;
	assert_int_equal(nl_dump(nl, nlh, on_rule, &n, &what, NULL), 0);
	interrupt = 0;
	assert_true(n > 0);
	nl_close(nl);
}

/* A single answer, and an error, end by themselves. */
static void test_get(void **state)
{
	struct link_info info;
	struct nl *nl;

	(void)state;
	assert_int_equal(nl_open(&nl, -1, NULL), 0);
	assert_int_equal(link_get(nl, 1, NULL, &info, NULL), 0);
	assert_int_equal(info.ifindex, 1);
	assert_int_equal(link_get(nl, 0, "no-such", &info, NULL), -ENODEV);
	assert_int_equal(link_get(nl, 1, NULL, &info, NULL), 0);
	nl_close(nl);
}

/* In a process of its own, which must not come back. */
static void test_pending(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		struct nl_what what = {.object = "lo", .action = "go up"};
		unsigned n = 0;
		struct nl *nl;

		signal(SIGABRT, SIG_DFL);
		if (nl_open(&nl, -1, NULL) || !freopen("/dev/null", "w", stderr))
			_exit(1);
		nl_begin(nl, RTM_GETLINK, 0);
		if (nl_commit(nl, &what, NULL))
			_exit(1);
		link_list(nl, count_lo, &n, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_shown_as_it_is),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_pending),
	};

	return cmocka_run_group_tests_name("netlink", tests, NULL, NULL);
}
