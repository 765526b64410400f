// SPDX-License-Identifier: GPL-2.0-only
/*
 * observe.c - observe [ROUNDS]: what it costs a link to be watched. For each way of watching a
 * fresh veth pair between two namespaces carries TCP in bulk and echoes; ways are interleaved,
 * medians are printed beside those of a link that nobody watches. As root; touches nothing but
 * namespaces of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/watch/watch.h"

enum { BASE = 5000, PORT = 5201, TCP_MS = 500, ECHOES = 3000, ROUNDS_MAX = 99 };

struct way {
	const char *name;
	bool in, out, no_time;
	enum watch_tc tc;
	enum xdp_mode xdp;
	bool tcpdump; /* on both ends */
	bool absent;  /* what it needs is not here: it has no figures */
	double gbits[ROUNDS_MAX], rtt_us[ROUNDS_MAX];
};

static struct way ways[] = {
	{"nobody watches", .tc = WATCH_TC_NONE, .xdp = XDP_MODE_OFF},
	{"tcx in and out", true, true, .tc = WATCH_TC_TCX, .xdp = XDP_MODE_OFF},
	{"same, echoes not followed", true, true, true, WATCH_TC_TCX, XDP_MODE_OFF},
	{"clsact in and out", true, true, .tc = WATCH_TC_CLSACT, .xdp = XDP_MODE_OFF},
	{"tcx, and XDP generic", true, true, .tc = WATCH_TC_TCX, .xdp = XDP_MODE_GENERIC},
	{"tcx, and XDP native", true, true, .tc = WATCH_TC_TCX, .xdp = XDP_MODE_NATIVE},
	{"tcpdump on both ends", .tc = WATCH_TC_NONE, .xdp = XDP_MODE_OFF, .tcpdump = true},
};
enum { WAYS = sizeof(ways) / sizeof(*ways) };

static const char *const ifnames[2] = {"bench0", "bench1"};
static int spaces[2]; /* namespaces of the ends */
static const struct nl_what what = {.object = "the pair", .action = "be made"};

static void give_up(const char *doing, const struct err *err)
{
	fprintf(stderr, "observe: %s: %s\n", doing, err && err->code ? err->what : strerror(errno));
	exit(1);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* ---- namespaces and pair --------------------------------------------------------------------- */

static void quiet(void)
{
	FILE *file = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "we");

	if (file) {
		fputs("1", file);
		fclose(file);
	}
}

static void *new_space(void *arg)
{
	if (unshare(CLONE_NEWNET))
		give_up("a second namespace", NULL);
	quiet();
	*(int *)arg = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return NULL;
}

static void make_spaces(void)
{
	struct err err = {};
	pthread_t thread;

	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		give_up("namespaces of its own, and bpffs", NULL);
	quiet();
	spaces[0] = netns_open_self(&err);
	pthread_create(&thread, NULL, new_space, &spaces[1]);
	pthread_join(thread, NULL);
	if (spaces[0] < 0 || spaces[1] < 0)
		give_up("namespaces", &err);
}

static void make_pair(struct nl *nl[2])
{
	const struct veth_end ends[2] = {
		{.ifname = ifnames[0], .netns_fd = spaces[0], .ifindex = BASE},
		{.ifname = ifnames[1], .netns_fd = spaces[1], .ifindex = BASE + 1},
	};
	struct err err = {};

	if (link_add_veth(nl[0], ends, &what, &err) || nl_flush(nl[0], &err))
		give_up("the pair", &err);
	for (int i = 0; i < 2; i++) {
		struct ip_prefix prefix = {.addr = {AF_INET, {10, 9, 9, i + 1}}, .len = 24};

		if (address_add(nl[i], BASE + i, &prefix, &what, &err) ||
		    link_set_up(nl[i], BASE + i, true, &what, &err) || nl_flush(nl[i], &err))
			give_up("addresses", &err);
	}
}

/* ---- watching -------------------------------------------------------------------------------- */

struct attach {
	struct watch *watch;
	const struct way *way;
	struct nl *nl;
	int end;
	struct err *err;
};

static int attach_end(void *arg)
{
	struct attach *a = arg;
	uint32_t ifindex = BASE + a->end;
	int ret = 0;

	if (a->way->tc == WATCH_TC_TCX)
		ret = watch_attach_tcx(a->watch, a->end, ifindex, ifnames[a->end], a->err);
	if (a->way->tc == WATCH_TC_CLSACT) {
		ret = watch_clsact_qdisc(a->nl, ifindex, &what, a->err);
		if (!ret)
			ret = watch_clsact_filters(a->watch, a->nl, ifindex, &what, a->err);
		if (!ret)
			ret = nl_flush(a->nl, a->err);
	}
	if (!ret)
		ret = watch_attach_xdp(a->watch, a->end, ifindex, a->way->xdp, ifnames[a->end],
				       a->err);
	return ret;
}

/* NULL: this way needs what the kernel does not have. */
static struct watch *start_watching(const struct way *way, struct nl *nl[2])
{
	const struct watch_config config = {.lab = "bench",
					    .ifindex_base = BASE,
					    .n_ends = 2,
					    .in = way->in,
					    .out = way->out,
					    .xdp_generic = way->xdp == XDP_MODE_GENERIC,
					    .xdp_native = way->xdp == XDP_MODE_NATIVE,
					    .no_time = way->no_time};
	struct watch *watch = NULL;
	struct err err = {};

	if (watch_load(&watch, &config, &err) || watch_pin(watch, &err))
		give_up(way->name, &err);
	for (int i = 0; i < 2; i++) {
		struct vl_end end = {.in_use = 1, .ifindex = BASE + i, .peer = !i, .node_index = i};
		struct attach a = {watch, way, nl[i], i, &err};

		if (watch_name_end(watch, i, &end, &err) ||
		    netns_run(spaces[i], attach_end, &a, &err))
			give_up(way->name, &err);
	}
	return watch;
}

struct dump {
	const char *ifname;
	pid_t pid; /* 0: there is none */
	int words; /* what it says */
};

static int start_tcpdump(void *arg)
{
	struct dump *dump = arg;
	int words[2];

	if (pipe2(words, O_CLOEXEC))
		give_up("pipe", NULL);
	dump->pid = fork();
	if (!dump->pid) {
		dup2(open("/dev/null", O_RDWR), 1);
		dup2(words[1], 2);
		execlp("tcpdump", "tcpdump", "-i", dump->ifname, "-w", "/dev/null", NULL);
		_exit(127);
	}
	close(words[1]);
	dump->words = words[0];
	return 0;
}

/* Whether it got so far. Who is not installed, or fails, ends without having said so. */
static bool is_listening(const struct dump *dump)
{
	char said[1024];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(said) - 1 &&
	       (n = read(dump->words, said + len, sizeof(said) - 1 - len)) > 0) {
		said[len += n] = '\0';
		if (strstr(said, "listening on"))
			return true;
	}
	return false;
}

static bool start_dumps(struct dump dumps[2])
{
	for (int i = 0; i < 2; i++) {
		dumps[i].ifname = ifnames[i];
		netns_run(spaces[i], start_tcpdump, &dumps[i], NULL);
	}
	return is_listening(&dumps[0]) && is_listening(&dumps[1]);
}

static void end_dumps(struct dump dumps[2])
{
	for (int i = 0; i < 2; i++) {
		if (dumps[i].pid <= 0)
			continue;
		kill(dumps[i].pid, SIGKILL);
		waitpid(dumps[i].pid, NULL, 0);
		close(dumps[i].words);
	}
}

/* ---- traffic --------------------------------------------------------------------------------- */

static int open_socket(void *arg)
{
	const int *kind = arg;

	return socket(AF_INET, kind[0] | SOCK_CLOEXEC, kind[1]);
}

static int socket_in(int space, int type, int protocol)
{
	int kind[2] = {type, protocol}, fd = netns_run(spaces[space], open_socket, kind, NULL);

	if (fd < 0)
		give_up("socket", NULL);
	return fd;
}

static struct sockaddr_in address_of(int end)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};

	a.sin_addr.s_addr = htonl(10u << 24 | 9 << 16 | 9 << 8 | (end + 1));
	return a;
}

static void *sink(void *arg)
{
	int fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC);
	static char buffer[1 << 18];
	long long *total = calloc(1, sizeof(*total));
	ssize_t n;

	while (fd >= 0 && total && (n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		*total += n;
	close(fd);
	return total;
}

/* Gbit/s of TCP payload that arrived. */
static double tcp_bulk(void)
{
	int server = socket_in(1, SOCK_STREAM, 0), client = socket_in(0, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in to = address_of(1);
	static char buffer[1 << 17];
	double from, until;
	pthread_t thread;
	long long *total;

	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(server, (struct sockaddr *)&to, sizeof(to)) || listen(server, 1) ||
	    pthread_create(&thread, NULL, sink, &server) ||
	    connect(client, (struct sockaddr *)&to, sizeof(to)))
		give_up("TCP", NULL);
	from = seconds();
	until = from + TCP_MS / 1e3;
	while (seconds() < until)
		if (send(client, buffer, sizeof(buffer), 0) < 0)
			give_up("send", NULL);
	close(client);
	pthread_join(thread, (void **)&total);
	from = seconds() - from;
	close(server);
	if (!total)
		give_up("TCP", NULL);
	until = *total * 8 / from / 1e9;
	free(total);
	return until;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Median round trip of echoes, one after the other, in microseconds. */
static double echo_rtt(void)
{
	int fd = socket_in(0, SOCK_RAW, IPPROTO_ICMP);
	struct sockaddr_in to = address_of(1);
	struct icmphdr echo = {.type = ICMP_ECHO};
	struct timeval patience = {.tv_sec = 1};
	char packet[64] = {}, answer[256];
	static double times[ECHOES];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (int i = -50; i < ECHOES; i++) { /* the first ones find the neighbour, and warm up */
		double from = seconds();
		uint32_t sum = 0;

		echo.un.echo.sequence = htons(i);
		echo.checksum = 0;
		for (size_t k = 0; k < sizeof(echo) / 2; k++)
			sum += ((uint16_t *)&echo)[k];
		echo.checksum = ~(sum + (sum >> 16));
		memcpy(packet, &echo, sizeof(echo));
		if (sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		    recv(fd, answer, sizeof(answer), 0) < 0)
			give_up("echo", NULL);
		if (i >= 0)
			times[i] = (seconds() - from) * 1e6;
	}
	close(fd);
	qsort(times, ECHOES, sizeof(*times), by_size);
	return times[ECHOES / 2];
}

static void measure(struct way *way, int round, struct nl *nl[2])
{
	struct dump dumps[2] = {};
	struct watch *watch = NULL;
	struct err err = {};

	make_pair(nl);
	if (way->tc != WATCH_TC_NONE || way->xdp != XDP_MODE_OFF)
		watch = start_watching(way, nl);
	if (way->tcpdump && !start_dumps(dumps)) {
		way->absent = true;
	} else {
		way->rtt_us[round] = echo_rtt();
		way->gbits[round] = tcp_bulk();
	}
	end_dumps(dumps);
	watch_close(watch);
	if ((watch && watch_unpin("bench", &err)) || link_delete(nl[0], BASE, &what, &err) ||
	    nl_flush(nl[0], &err))
		give_up("clean up", &err);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 7;
	struct err err = {};
	struct nl *nl[2];

	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = 7;
	make_spaces();
	for (int i = 0; i < 2; i++)
		if (nl_open(&nl[i], spaces[i], &err))
			give_up("netlink", &err);
	for (int round = 0; round < rounds; round++)
		for (size_t w = 0; w < WAYS; w++)
			if (!ways[w].absent &&
			    (ways[w].tc != WATCH_TC_TCX || watch_tc_available() == WATCH_TC_TCX))
				measure(&ways[w], round, nl);
	printf("%-28s %10s %6s %12s %6s\n", "one link, medians", "TCP Gbit/s", "ratio",
	       "echo RTT us", "ratio");
	for (size_t w = 0; w < WAYS; w++) {
		qsort(ways[w].gbits, rounds, sizeof(double), by_size);
		qsort(ways[w].rtt_us, rounds, sizeof(double), by_size);
		if (ways[w].absent)
			printf("%-28s is not installed, or does not run\n", ways[w].name);
		if (ways[w].absent || !ways[w].gbits[rounds / 2])
			continue;
		printf("%-28s %10.2f %6.2f %12.2f %6.2f\n", ways[w].name, ways[w].gbits[rounds / 2],
		       ways[w].gbits[rounds / 2] / ways[0].gbits[rounds / 2],
		       ways[w].rtt_us[rounds / 2],
		       ways[w].rtt_us[rounds / 2] / ways[0].rtt_us[rounds / 2]);
	}
	for (int i = 0; i < 2; i++)
		nl_close(nl[i]);
	return 0;
}
