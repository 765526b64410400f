// SPDX-License-Identifier: GPL-2.0-only
/*
 * process.c - see process.h. Files in memory stand for stdin and stdout: a pipe would have to be
 * read until everybody who holds it has closed it, a server in the background as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/memory_file.h"
#include "user/base/plain.h"
#include "user/base/process.h"

enum {
	LOOK_AGAIN_MS = 100, /* whether the user wants to stop: a signal may wake another thread */
	TERM_MS = 1000,	     /* what an interrupted program has to end by itself */
	BACKGROUND_BYTES = 1 << 20,
};

/* Only async-signal-safe calls: other threads of ours may have held locks. */
static void be_program(char *const argv[], int (*prepare)(void), int in, int out)
{
	setpgid(0, 0);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	signal(SIGPIPE, SIG_DFL);
	if (prepare && prepare())
		_exit(126);
	execvp(argv[0], argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static bool ends_within(int pidfd, int timeout_ms)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};

	return poll(&end, 1, timeout_ms) == 1;
}

/* Returns as process_run() does. */
static int wait_for(pid_t pid, const volatile int *interrupted)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0), error = errno, status;
	bool stop = false;

	while (pidfd >= 0 && !stop && !ends_within(pidfd, LOOK_AGAIN_MS))
		stop = interrupted && *interrupted;
	if (stop) {
		kill(-pid, SIGTERM);
		if (!ends_within(pidfd, TERM_MS))
			kill(-pid, SIGKILL);
	} else if (pidfd < 0) {
		kill(-pid, SIGKILL);
	}
	if (pidfd >= 0)
		close(pidfd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (stop || pidfd < 0)
		return stop ? -EINTR : -error;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int write_input(int fd, const char *input)
{
	size_t left = input ? strlen(input) : 0;

	while (left) {
		ssize_t n = write(fd, input, left);

		if (n < 0 && errno != EINTR)
			return -errno;
		input += n > 0 ? n : 0;
		left -= n > 0 ? n : 0;
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

int process_run(char *const argv[], const char *input, int (*prepare)(void),
		const volatile int *interrupted, char *said, size_t size)
{
	int in = memory_file("stdin");
	int out = memory_file("stdout");
	int ret = in < 0 || out < 0 ? -errno : write_input(in, input);
	pid_t pid = ret ? -1 : fork();
	ssize_t n = 0;

	if (!pid)
		be_program(argv, prepare, in, out);
	if (pid > 0) {
		setpgid(pid, pid); /* here as well: it is to be there before the first kill() */
		ret = wait_for(pid, interrupted);
		n = pread(out, said, size - 1, 0);
		/* Whoever holds it still does not fill the memory. */
		if (!ftruncate(out, BACKGROUND_BYTES))
			fcntl(out, F_ADD_SEALS, F_SEAL_GROW);
	} else if (!ret) {
		ret = -errno;
	}
	said[n > 0 ? n : 0] = '\0';
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return ret;
}

bool process_name(int pid, char name[PROCESS_NAME_SIZE])
{
	cleanup_fclose FILE *f = NULL;
	char path[64];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	len = f ? fread(name, 1, PROCESS_NAME_SIZE - 1, f) : 0;
	if (!len) {
		strcpy(name, "?");
		return false;
	}
	/* The last line's end is the file's, others are the name's. */
	name[len - (name[len - 1] == '\n')] = '\0';
	plain_name(name);
	return true;
}
