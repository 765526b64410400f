// SPDX-License-Identifier: GPL-2.0-only
/*
 * static_init.c - process 1 of a guest that has the static program, this file, the kernel's
 * modules, and nothing else: no shell, no library. Mounts what a kernel gives, loads /modules, runs
 * the program, powers off. Its lines are those that tests/vm/run expects; linked without shared
 * libraries.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 8 };

/* What is run, in this order, and the exit status that is right. */
static const struct step {
	int status;
	const char *words[WORDS_MAX];
} steps[] = {
	{0, {"--version"}},
	{0, {"labs"}},
	{0, {"check", "blue", "nat", "container"}},
	{0, {"up", "two-hosts"}},
	{0, {"ping", "a", "b", "-c", "3"}},
	{0, {"why", "a", "10.0.0.2"}},
	{0, {"stats"}},
	{0, {"capture", "a", "-w", "/run/a.pcapng", "-f", "icmp", "--for", "1s"}},
	{0, {"link", "b:eth0", "down"}},
	{1, {"ping", "a", "b", "-c", "1"}},
	{0, {"down", "two-hosts"}},
	{0, {"up", "router"}},
	{0, {"show"}},
	{0, {"down"}},
	{0, {"up", "bundled:ipv6"}},
	{0, {"down"}},
	{3, {"up", "no-such-lab"}},
};

static void load_modules(void)
{
	struct dirent **entries;
	int n = scandir("/modules", &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[512];
		int fd;

		snprintf(path, sizeof(path), "/modules/%s", entries[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (strstr(path, ".ko") && syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
			printf("vm-init: cannot load %s: %s\n", path, strerror(errno));
		close(fd);
	}
}

static void mount_kernel(const char *type, const char *dir)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY)
		printf("vm-init: cannot mount %s: %s\n", dir, strerror(errno));
}

/* Its exit status; negative: a signal ended it, or it did not start. */
static int run(const struct step *step)
{
	const char *argv[WORDS_MAX + 2] = {"vethlab"};
	int status = 0;
	pid_t pid;

	memcpy(argv + 1, step->words, sizeof(step->words));
	printf("vm-init: vethlab");
	for (int i = 1; argv[i]; i++)
		printf(" %s", argv[i]);
	printf("\n");
	pid = fork();
	if (!pid) {
		execv("/vethlab", (char **)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void loopback_up(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (ioctl(fd, SIOCSIFFLAGS, &lo))
		printf("vm-init: lo stays down: %s\n", strerror(errno));
	close(fd);
}

int main(void)
{
	int failed = 0, n = sizeof(steps) / sizeof(*steps);

	setvbuf(stdout, NULL, _IONBF, 0);
	mount_kernel("proc", "/proc");
	mount_kernel("sysfs", "/sys");
	mount_kernel("devtmpfs", "/dev");
	mount_kernel("tmpfs", "/run");
	loopback_up();
	load_modules();
	for (int i = 0; i < n; i++) {
		int status = run(&steps[i]);

		if (status == steps[i].status)
			continue;
		printf("vm-init: exit status %d, want %d\n", status, steps[i].status);
		failed++;
	}
	printf("%d passed, %d failed, 0 skipped\nvm-init: done %d\n", n - failed, failed, !!failed);
	reboot(RB_POWER_OFF);
	return 0;
}
