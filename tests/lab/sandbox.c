// SPDX-License-Identifier: GPL-2.0-only
/*
 * sandbox.c - run a command in namespaces of its own (network, mount, process), with an empty /run,
 * a /sys and a bpffs of its own and a loopback interface that is up, for lib.sh: what unshare(1),
 * mount(8) and ip(8) would do in five processes.
 *
 * sandbox COMMAND...
 *
 * The command is process 1 of its process namespace, and is killed when the sandbox is. The exit
 * status is the command's; a signal that ended it ends the sandbox; 99 for trouble of our own.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TROUBLE = 99 };

static int trouble(const char *what)
{
	fprintf(stderr, "sandbox: %s: %s\n", what, strerror(errno));
	return TROUBLE;
}

static int set_loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -1;
	ret = ioctl(fd, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP;
	if (!ret)
		ret = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return ret;
}

/* In the new namespaces. */
static int run(char **command)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return trouble("cannot end with the parent");
	/* Mounts of here are not to appear outside. */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return trouble("cannot make mounts private");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL))
		return trouble("/proc");
	if (mount("run", "/run", "tmpfs", 0, NULL))
		return trouble("/run");
	if (mount("sysfs", "/sys", "sysfs", 0, NULL))
		return trouble("/sys");
	if (mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		return trouble("/sys/fs/bpf");
	if (set_loopback_up())
		return trouble("lo");
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	execvp(command[0], command);
	return trouble(command[0]);
}

int main(int argc, char **argv)
{
	pid_t child;
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: sandbox COMMAND...\n");
		return TROUBLE;
	}
	if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID))
		return trouble("cannot make namespaces");
	/* Sent to all processes of a terminal: the command decides. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	child = fork();
	if (child < 0)
		return trouble("cannot fork");
	if (!child)
		return run(argv + 1);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return trouble("cannot wait");
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	return 128 + WTERMSIG(status);
}
