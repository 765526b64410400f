// SPDX-License-Identifier: GPL-2.0-only
/*
 * other_kernel.c - other_kernel old|slow COMMAND...: run a command as on another kernel. A seccomp
 * filter asks this process about some of its calls. The exit status is the command's.
 *
 * old: one that runs programs but sends no live frames (before 5.18): bpf(BPF_PROG_TEST_RUN) with
 * batch_size, which it does not know, is EINVAL.
 *
 * slow: one that says nothing for SLOW_SECONDS: whoever waits for one descriptor (poll) waits in
 * vain so long, from the first time on.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef SYS_poll
#define POLL_CALL SYS_poll
#else
#define POLL_CALL SYS_ppoll /* whose timeout is a pointer: wait_in_vain() looks again soon */
#endif

enum { TROUBLE = 99, SLOW_SECONDS = 7, LOOK_AGAIN_MS = 200 };

/* Returns the descriptor that is asked. */
static int install_filter(bool slow)
{
	/* The argument of a call that decides whether it is asked about, and its value. */
	const uint32_t call = slow ? POLL_CALL : SYS_bpf, value = slow ? 1 : BPF_PROG_TEST_RUN;
	const uint32_t argument = slow ? 1 : 0;

	/* The low half of an argument stands first: little endian, as crash.c has it. */
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[argument])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		       &program);
}

/* A poll() that nothing comes for. */
static void wait_in_vain(int listener)
{
	struct seccomp_notif_resp answer = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	struct seccomp_notif call = {0};
	static time_t until;

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
		return;
	answer.id = call.id;
	until = until ? until : time(NULL) + SLOW_SECONDS;
	if (time(NULL) < until) {
		poll(NULL, 0, POLL_CALL == SYS_ppoll ? LOOK_AGAIN_MS : (int)call.data.args[2]);
		answer.flags = 0;
	}
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static void answer(int listener)
{
	struct seccomp_notif call = {0};
	struct seccomp_notif_resp answer = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	union bpf_attr attr = {0};

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
		return; /* whoever called is dead */
	answer.id = call.id;
	if (process_vm_readv(call.pid, &(struct iovec){&attr, sizeof(attr)}, 1,
			     &(struct iovec){(void *)call.data.args[1], sizeof(attr)}, 1, 0) > 0 &&
	    attr.test.batch_size) {
		answer.error = -EINVAL;
		answer.flags = 0;
	}
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

/* Runs the command once the parent has a copy of the listener, which ends with execvp(). */
static void __attribute__((noreturn)) become(char **command, bool slow, int tell, int go)
{
	int listener = install_filter(slow);
	char byte;

	if (listener >= 0 && write(tell, &listener, sizeof(listener)) == sizeof(listener) &&
	    read(go, &byte, 1) == 1)
		execvp(command[0], command);
	perror("other_kernel");
	_exit(TROUBLE);
}

static int take_listener(pid_t child, int tell, int go)
{
	int theirs, listener = -1, pidfd = syscall(SYS_pidfd_open, child, 0);

	if (pidfd >= 0 && read(tell, &theirs, sizeof(theirs)) == sizeof(theirs))
		listener = syscall(SYS_pidfd_getfd, pidfd, theirs, 0);
	if (listener < 0 || write(go, "", 1) != 1)
		return -1;
	close(pidfd);
	return listener;
}

int main(int argc, char **argv)
{
	struct pollfd asked = {.events = POLLIN};
	bool slow = argc > 2 && !strcmp(argv[1], "slow");
	int tell[2], go[2], status;
	pid_t pid;

	if (argc < 3 || pipe2(tell, O_CLOEXEC) || pipe2(go, O_CLOEXEC)) {
		fprintf(stderr, "usage: other_kernel old|slow COMMAND...\n");
		return TROUBLE;
	}
	pid = fork();
	if (!pid)
		become(argv + 2, slow, tell[1], go[0]);
	close(tell[1]);
	close(go[0]);
	asked.fd = take_listener(pid, tell[0], go[1]);
	if (asked.fd < 0) {
		perror("other_kernel: take_listener");
		return TROUBLE;
	}
	/* POLLHUP: nobody is left that could call. */
	while (poll(&asked, 1, -1) > 0 && asked.revents & POLLIN)
		slow ? wait_in_vain(asked.fd) : answer(asked.fd);
	if (waitpid(pid, &status, 0) != pid)
		return TROUBLE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
