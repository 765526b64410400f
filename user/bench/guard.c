// SPDX-License-Identifier: GPL-2.0-only
/*
 * guard.c - a process that outlives the bench, should that be killed, and removes its labs. It
 * begins before there are any, so that it shares no lock with the bench; it sleeps in a read()
 * until the bench ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/bench/bench.h"

enum { TRIES = 500, PAUSE_NS = 10000000 };

/* "bench-PID", "bench-PID-N": nobody else's, whoever has that process id now, since their locks
 * tell. */
static bool is_of(const char *name, pid_t pid)
{
	char prefix[32];
	size_t len = snprintf(prefix, sizeof(prefix), "bench-%d", (int)pid);

	return !strncmp(name, prefix, len) && (!name[len] || name[len] == '-');
}

/* The kernel closes what a dead process had open one by one: its locks may come last. */
static void remove_lab(const char *name)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	for (int i = 0; i < TRIES && lab_down(name, NULL, NULL) == -EBUSY; i++)
		nanosleep(&pause, NULL);
}

static void remove_labs(pid_t pid)
{
	char **names;
	size_t n;

	if (lab_list(&names, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++)
		if (is_of(names[i], pid))
			remove_lab(names[i]);
	lab_list_free(names, n);
}

/* Of no terminal, in nobody's way: whoever reads the bench's output does not wait for this. */
static void step_aside(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	prctl(PR_SET_NAME, "vethlab-guard");
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

int bench_guard_begin(struct bench_guard *guard, struct err *err)
{
	pid_t pid = getpid();
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC))
		return err_set(err, ERR_SYSTEM, errno, "cannot make a pipe: %s", strerror(errno));
	guard->pid = fork();
	if (guard->pid < 0) {
		err_set(err, ERR_SYSTEM, errno, "cannot start a process: %s", strerror(errno));
		close(ends[0]);
		close(ends[1]);
		return -err->error;
	}
	if (!guard->pid) {
		close(ends[1]);
		step_aside();
		while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
			;
		remove_labs(pid);
		_exit(0);
	}
	close(ends[0]);
	guard->fd = ends[1];
	return 0;
}

void bench_guard_end(struct bench_guard *guard)
{
	if (guard->pid <= 0)
		return;
	close(guard->fd);
	while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
		;
	guard->pid = 0;
}
