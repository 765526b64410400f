// SPDX-License-Identifier: GPL-2.0-only
/*
 * run_ip.c - a lab as a person with iproute2 would build it, for `bench build`: one `ip -batch`
 * for namespaces and links, then one a namespace. It happens on a /run of a process's own, so that
 * nobody sees it and all of it goes with that process.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/interrupt.h"
#include "user/bench/internal.h"

enum { ADDRESS_SIZE = 64 };

/* Commands for `ip -batch -`: 0 builds what is between nodes, 1 to n one node each, n + 1 removes.
 */
struct batches {
	const struct lab *lab;
	char **texts;
	size_t n;
};

static void write_links(FILE *f, const struct lab *lab)
{
	for (size_t i = 0; i < lab->n_nodes; i++)
		fprintf(f, "netns add %s\n", lab->nodes[i]->name);
	for (size_t i = 0; i < lab->n_links; i++) {
		struct end *const *ends = lab->links[i]->ends;

		fprintf(f, "link add %s netns %s type veth peer name %s netns %s\n",
			ends[0]->ifname, ends[0]->node->name, ends[1]->ifname, ends[1]->node->name);
	}
}

static void write_route(FILE *f, const struct route *route)
{
	char to[ADDRESS_SIZE], via[ADDRESS_SIZE];

	fprintf(f, "route add %s", ip_prefix_format(&route->to, to, sizeof(to)));
	for (size_t i = 0; i < route->n_hops; i++) {
		const struct nexthop *hop = &route->hops[i];

		if (route->n_hops > 1)
			fprintf(f, " nexthop");
		if (hop->via.family)
			fprintf(f, " via %s", ip_format(&hop->via, via, sizeof(via)));
		if (hop->dev[0])
			fprintf(f, " dev %s", hop->dev);
	}
	fputc('\n', f);
}

static void write_node(FILE *f, const struct node *node)
{
	char text[ADDRESS_SIZE];

	fprintf(f, "link set dev lo up\n");
	for (size_t i = 0; i < node->n_ends; i++) {
		const struct end *end = node->ends[i];

		for (size_t k = 0; k < end->n_addresses; k++)
			fprintf(f, "address add %s dev %s\n",
				ip_prefix_format(&end->addresses[k].prefix, text, sizeof(text)),
				end->ifname);
		fprintf(f, "link set dev %s up\n", end->ifname);
	}
	for (size_t i = 0; i < node->n_routes; i++)
		write_route(f, &node->routes[i]);
}

static void write_removal(FILE *f, const struct lab *lab)
{
	for (size_t i = 0; i < lab->n_nodes; i++)
		fprintf(f, "netns del %s\n", lab->nodes[i]->name);
}

static void free_batches(struct batches *batches)
{
	for (size_t i = 0; batches->texts && i < batches->n; i++)
		free(batches->texts[i]);
	free(batches->texts);
}

static bool write_batches(struct batches *batches, const struct lab *lab)
{
	*batches = (struct batches){.lab = lab, .n = lab->n_nodes + 2};
	batches->texts = calloc(batches->n, sizeof(*batches->texts));
	for (size_t i = 0; batches->texts && i < batches->n; i++) {
		size_t len;
		FILE *f = open_memstream(&batches->texts[i], &len);

		if (!f)
			return false;
		if (!i)
			write_links(f, lab);
		else if (i <= lab->n_nodes)
			write_node(f, lab->nodes[i - 1]);
		else
			write_removal(f, lab);
		if (fclose(f))
			return false;
	}
	return batches->texts;
}

/* ---- in a process of its own ----------------------------------------------------------------- */

/* Whoever ends this process ends what it has started. */
static void go_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

/* `ip [-n NODE] -batch -`, which reads text. Its exit status; what it says is nobody's. */
static int run_ip(const char *node, const char *text)
{
	const char *argv[] = {"ip", "-batch", "-", NULL, NULL, NULL};
	pid_t parent = getpid(), pid;
	int in[2], status = 1;

	if (node)
		memcpy(argv + 1, ((const char *[]){"-n", node, "-batch", "-"}), 4 * sizeof(*argv));
	if (pipe2(in, O_CLOEXEC))
		return 1;
	pid = fork();
	if (!pid) {
		int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

		go_with(parent);
		dup2(in[0], 0);
		dup2(nowhere, 1);
		dup2(nowhere, 2);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(in[0]);
	for (size_t left = strlen(text); pid > 0 && left;) {
		ssize_t n = write(in[1], text, left);

		if (n < 0 && errno != EINTR)
			break;
		text += n < 0 ? 0 : n;
		left -= n < 0 ? 0 : n;
	}
	close(in[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int hide(void)
{
	return unshare(CLONE_NEWNS | CLONE_NEWNET) ||
	       mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("tmpfs", "/run", "tmpfs", 0, NULL);
}

static int build(const struct batches *batches, uint64_t took[2])
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	int status = run_ip(NULL, batches->texts[0]);

	for (size_t i = 1; !status && i + 1 < batches->n; i++)
		status = run_ip(batches->lab->nodes[i - 1]->name, batches->texts[i]);
	took[0] = clock_ns(CLOCK_MONOTONIC) - start;
	start = clock_ns(CLOCK_MONOTONIC);
	if (!status)
		status = run_ip(NULL, batches->texts[batches->n - 1]);
	took[1] = clock_ns(CLOCK_MONOTONIC) - start;
	return status;
}

static void __attribute__((noreturn)) child(const struct batches *batches, int out, pid_t parent)
{
	uint64_t took[2];

	go_with(parent);
	signal(SIGPIPE, SIG_IGN);
	if (hide())
		_exit(126);
	_exit(build(batches, took) || write(out, took, sizeof(took)) != sizeof(took));
}

/* ---- for `bench build` ----------------------------------------------------------------------- */

bool bench_has_ip(void)
{
	const char *path = getenv("PATH");
	char copy[4096], file[4200], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
	for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		snprintf(file, sizeof(file), "%s/ip", dir);
		if (!access(file, X_OK))
			return true;
	}
	return false;
}

int bench_ip(const struct lab *lab, double *up_ns, double *down_ns, struct err *err)
{
	struct batches batches;
	uint64_t took[2] = {0};
	pid_t parent = getpid(), pid;
	int out[2], status = 1;
	bool got;

	if (!write_batches(&batches, lab) || pipe2(out, O_CLOEXEC)) {
		free_batches(&batches);
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	}
	pid = fork();
	if (!pid)
		child(&batches, out[1], parent);
	close(out[1]);
	got = pid > 0 && read(out[0], took, sizeof(took)) == sizeof(took);
	close(out[0]);
	if (pid > 0 && !got) /* it failed, or we were interrupted */
		kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	free_batches(&batches);
	if (interrupt_requested)
		return err_set(err, ERR_FAILED, EINTR,
			       "interrupted: what the bench made is removed");
	if (!got || status)
		return err_set(err, ERR_SYSTEM, ECHILD, "`ip -batch` cannot build the same lab");
	*up_ns = took[0];
	*down_ns = took[1];
	return 0;
}
