// SPDX-License-Identifier: GPL-2.0-only
/*
 * build_raw.c - the floor that `make bench-build` holds `up` against: a chain of namespaces made by
 * nothing but the system calls that it takes, in one thread, one message at a time, each answer
 * awaited. As for ip-netns(8) each namespace has its name in /run/netns.
 *
 * build_raw N: namespaces n0 to nN-1; lo up; nI:r - nI+1:l with an address at each end, up.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { IFINDEX_BASE = 1000000, LO_IFINDEX = 1 };

static char buffer[8192];
static uint32_t seq;

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "build_raw: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	must(sock && mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) >= 0, "netlink socket");
	return sock;
}

static struct nlmsghdr *request(uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	nlh->nlmsg_seq = ++seq;
	return nlh;
}

static void talk(struct mnl_socket *sock, struct nlmsghdr *nlh)
{
	char answer[8192];
	ssize_t n;

	must(mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) >= 0, "send");
	n = mnl_socket_recvfrom(sock, answer, sizeof(answer));
	must(n > 0 && mnl_cb_run(answer, n, seq, 0, NULL, NULL) >= 0, "request");
}

static int make_netns(int i)
{
	char path[64];
	int fd;

	must(!unshare(CLONE_NEWNET), "unshare");
	snprintf(path, sizeof(path), "/run/netns/n%d", i);
	fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
	must(fd >= 0, path);
	close(fd);
	must(!mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL), "mount");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0, path);
	return fd;
}

static void put_end(struct nlmsghdr *nlh, const char *name, int fd)
{
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, fd);
}

static void make_link(struct mnl_socket *sock, int link, const int *fds)
{
	struct nlmsghdr *nlh = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct nlattr *info, *data, *peer;

	ifi->ifi_index = IFINDEX_BASE + 2 * link;
	put_end(nlh, "r", fds[link]);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = IFINDEX_BASE + 2 * link + 1;
	put_end(nlh, "l", fds[link + 1]);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	talk(sock, nlh);
}

static void set_up(struct mnl_socket *sock, int ifindex)
{
	struct nlmsghdr *nlh = request(RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = ifindex;
	ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	talk(sock, nlh);
}

/* 10.HI.LO.HOST/24 of link HI * 250 + LO. */
static void add_address(struct mnl_socket *sock, int ifindex, int link, int host)
{
	struct nlmsghdr *nlh = request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	uint32_t address = htonl(10u << 24 | link / 250 << 16 | link % 250 << 8 | host);

	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = 24;
	ifa->ifa_index = ifindex;
	mnl_attr_put_u32(nlh, IFA_LOCAL, address);
	mnl_attr_put_u32(nlh, IFA_ADDRESS, address);
	talk(sock, nlh);
}

static void fill_netns(int i, int n, const int *fds)
{
	struct mnl_socket *sock;

	must(!setns(fds[i], CLONE_NEWNET), "setns");
	sock = open_socket();
	set_up(sock, LO_IFINDEX);
	if (i) {
		add_address(sock, IFINDEX_BASE + 2 * (i - 1) + 1, i - 1, 2);
		set_up(sock, IFINDEX_BASE + 2 * (i - 1) + 1);
	}
	if (i < n - 1) {
		add_address(sock, IFINDEX_BASE + 2 * i, i, 1);
		set_up(sock, IFINDEX_BASE + 2 * i);
	}
	mnl_socket_close(sock);
}

int main(int argc, char **argv)
{
	struct rlimit files;
	int n = argc == 2 ? atoi(argv[1]) : 0;
	struct mnl_socket *sock;
	int *fds;

	if (n < 2) {
		fprintf(stderr, "usage: build_raw N\n");
		return 2;
	}
	must(!getrlimit(RLIMIT_NOFILE, &files), "getrlimit");
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	fds = calloc(n, sizeof(*fds));
	must(fds && (!mkdir("/run/netns", 0755) || errno == EEXIST), "/run/netns");
	sock = open_socket();
	for (int i = 0; i < n; i++)
		fds[i] = make_netns(i);
	for (int i = 0; i < n - 1; i++)
		make_link(sock, i, fds);
	for (int i = 0; i < n; i++)
		fill_netns(i, n, fds);
	mnl_socket_close(sock);
	free(fds);
	return 0;
}
