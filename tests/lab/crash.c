// SPDX-License-Identifier: GPL-2.0-only
/*
 * crash.c - run a command and stop it at its N-th system call, for crash.sh: killed by SIGKILL as
 *soon as the call has returned (before it, if it never does: exit), or with that call failing
 *instead of being done.
 *
 * crash [-a] [-n N [-e ERRNO | -i]] [-o FILE] COMMAND...
 *	-n N	at which call, from 1, counted over all threads. Without: nothing happens to it.
 *	-e NAME	let it fail: ENOMEM, EBUSY, EPERM. Without: kill the command.
 *	-i	interrupt the command (SIGINT) instead of killing it
 *	-a	count every call, not only those that change something outside of the process; but
 *		those of the dynamic loader, and with -e those that never fail
 *	-o FILE	"N CALL", what was met; or "none COUNT", the number of calls if there were fewer
 *
 * The exit status is the command's, 128 + signal if one ended it, 99 for trouble of our own. Other
 * processes that it starts go on undisturbed.
 *
 * A seccomp filter picks the calls, so that only they stop the command (SECCOMP_RET_TRACE). A call
 * that the kernel begins anew (restart_syscall(): somebody else holds the lock) stops it each time,
 * and counts once.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TROUBLE = 99, HANGS_AFTER = 200 /* s without a new call */ };

struct call {
	const char *name;
	long number;
};

/* What leaves something behind, or is a step towards it, or asks what is there before one. */
static const struct call changing[] = {
#define CALL(name)                                                                                 \
	{                                                                                          \
#name, SYS_##name                                                                  \
	}
	CALL(clone3),	 CALL(fchmodat),  CALL(flock),	  CALL(fstatfs), CALL(fsync),
	CALL(ftruncate), CALL(linkat),	  CALL(mkdirat),  CALL(mount),	 CALL(pwrite64),
	CALL(renameat),	 CALL(renameat2), CALL(sendmsg),  CALL(sendto),	 CALL(setns),
	CALL(statfs),	 CALL(umount2),	  CALL(unlinkat), CALL(unshare), CALL(write),
	CALL(writev),
#ifdef SYS_open
	CALL(link),	 CALL(mkdir),	  CALL(rename),	  CALL(rmdir),	 CALL(unlink),
	CALL(clone),	 CALL(chmod),
#endif
#undef CALL
};
enum { N_CHANGING = sizeof(changing) / sizeof(*changing) };

/* Files that are made: __O_TMPFILE is the bit of O_TMPFILE that is not O_DIRECTORY. */
enum { MAKES_FILE = O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY) };

struct errno_name {
	const char *name;
	int value;
};

static const struct errno_name errno_names[] = {
	{"ENOMEM", ENOMEM},
	{"EBUSY", EBUSY},
	{"EPERM", EPERM},
};

struct options {
	long at;   /* 0: never */
	int error; /* 0: kill */
	bool all, interrupt;
	const char *file;
	char **command;
};

static int trouble(const char *what)
{
	fprintf(stderr, "crash: %s: %s\n", what, strerror(errno));
	return TROUBLE;
}

/* ---- the filter ------------------------------------------------------------------------------ */

static size_t put(struct sock_filter *filter, size_t n, uint16_t code, uint32_t k, uint8_t yes,
		  uint8_t no)
{
	filter[n] = (struct sock_filter)BPF_JUMP(code, k, yes, no);
	return n + 1;
}

/* A call is traced, or all of that number but this one are, by the value of an argument. */
static size_t put_by_argument(struct sock_filter *filter, size_t n, uint32_t number,
			      size_t argument, uint32_t value, bool traced)
{
	n = put(filter, n, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4);
	n = put(filter, n, BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, args) + 8 * argument, 0, 0);
	n = put(filter, n, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	n = put(filter, n, BPF_RET | BPF_K, traced ? SECCOMP_RET_TRACE : SECCOMP_RET_ALLOW, 0, 0);
	return put(filter, n, BPF_RET | BPF_K, traced ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRACE, 0,
		   0);
}

static int install_filter(bool all)
{
	struct sock_filter filter[2 * N_CHANGING + 24];
	struct sock_fprog program = {.filter = filter};
	size_t n = 0;

	if (!all) {
		n = put(filter, n, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0,
			0);
		/* A kernel without BTF is one that libbpf serves as well, by 20 s of verifying. */
		n = put_by_argument(filter, n, SYS_bpf, 0, BPF_BTF_LOAD, false);
		/* Of fcntl() only the lock of a lab (user/lab/lock.c). */
		n = put_by_argument(filter, n, SYS_fcntl, 1, F_OFD_SETLK, true);
		for (size_t i = 0; i < N_CHANGING; i++) {
			n = put(filter, n, BPF_JMP | BPF_JEQ | BPF_K, changing[i].number, 0, 1);
			n = put(filter, n, BPF_RET | BPF_K, SECCOMP_RET_TRACE, 0, 0);
		}
		n = put(filter, n, BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 1, 0);
		n = put(filter, n, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
		/* Arguments are 64 bits wide; the low half of flags stands first: little endian. */
		n = put(filter, n, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2]),
			0, 0);
		n = put(filter, n, BPF_JMP | BPF_JSET | BPF_K, MAKES_FILE, 1, 0);
		n = put(filter, n, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	}
	n = put(filter, n, BPF_RET | BPF_K, SECCOMP_RET_TRACE, 0, 0);
	program.len = n;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static const char *call_name(long number)
{
	static char text[32];

	for (size_t i = 0; i < N_CHANGING; i++)
		if (changing[i].number == number)
			return changing[i].name;
	if (number == SYS_fcntl)
		return "fcntl";
	if (number == SYS_openat || number == SYS_bpf)
		return number == SYS_bpf ? "bpf" : "openat";
	snprintf(text, sizeof(text), "call %ld", number);
	return text;
}

/* ---- registers ------------------------------------------------------------------------------- */

#if defined(__x86_64__)
static long call_number(pid_t tid)
{
	struct user_regs_struct regs;

	return ptrace(PTRACE_GETREGS, tid, NULL, &regs) ? -1 : (long)regs.orig_rax;
}

/* In place of the call that tid is about to do: it returns -error. */
static int fail_call(pid_t tid, int error)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs))
		return -1;
	regs.orig_rax = -1;
	regs.rax = -error;
	return ptrace(PTRACE_SETREGS, tid, NULL, &regs);
}

static long call_result(pid_t tid)
{
	struct user_regs_struct regs;

	return ptrace(PTRACE_GETREGS, tid, NULL, &regs) ? 0 : (long)regs.rax;
}

static unsigned long call_from(pid_t tid)
{
	struct user_regs_struct regs;

	return ptrace(PTRACE_GETREGS, tid, NULL, &regs) ? 0 : regs.rip;
}
#elif defined(__aarch64__)
#include <linux/elf.h>

static int get_regs(pid_t tid, struct user_regs_struct *regs)
{
	struct iovec io = {regs, sizeof(*regs)};

	return ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &io);
}

static long call_number(pid_t tid)
{
	struct user_regs_struct regs;

	return get_regs(tid, &regs) ? -1 : (long)regs.regs[8];
}

static int fail_call(pid_t tid, int error)
{
	struct user_regs_struct regs;
	int none = -1;
	struct iovec io = {&regs, sizeof(regs)}, call = {&none, sizeof(none)};

	if (get_regs(tid, &regs))
		return -1;
	regs.regs[0] = -error;
	if (ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &io))
		return -1;
	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_ARM_SYSTEM_CALL, &call);
}

static long call_result(pid_t tid)
{
	struct user_regs_struct regs;

	return get_regs(tid, &regs) ? 0 : (long)regs.regs[0];
}

static unsigned long call_from(pid_t tid)
{
	struct user_regs_struct regs;

	return get_regs(tid, &regs) ? 0 : regs.pc;
}
#else
#error "crash: how registers are set is not known for this machine"
#endif

/* ---- following ------------------------------------------------------------------------------- */

static void follow_me(const struct options *options)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP) || install_filter(options->all))
		_exit(trouble("cannot be traced"));
	execvp(options->command[0], options->command);
	_exit(trouble(options->command[0]));
}

/* No kernel lets these fail (brk gives an address in any case); libc aborts or goes astray if one
 * does. */
static bool never_fails(long number)
{
	static const long numbers[] = {
		SYS_brk,    SYS_exit, SYS_exit_group,	  SYS_futex,	    SYS_getpid,
		SYS_gettid, SYS_rseq, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_set_robust_list};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* A call of ld.so, which says itself that it could not start the command. */
static bool is_of_loader(pid_t tid)
{
	unsigned long from, to, at = call_from(tid);
	char path[64], line[512];
	bool loader = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && at >= from && at < to)
			loader = strstr(line, "/ld-");
	if (f)
		fclose(f);
	return loader;
}

/* Of a thread of the command that is about to call. */
static bool counts(const struct options *options, pid_t tid)
{
	long number = call_number(tid);

	if (!options->all)
		return true;
	return number != SYS_execve && !(options->error && never_fails(number)) &&
	       !is_of_loader(tid);
}

/* A thread of the command, not another process that it started. */
static bool is_thread_of(pid_t tid, pid_t process)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", process, tid);
	return !access(path, F_OK);
}

/* A thread that is in a call, or whose call the kernel begins anew. */
struct in_call {
	pid_t tid; /* 0: none */
	bool again;
};

struct following {
	const struct options *options;
	pid_t process;
	long count;
	long met;	 /* number of the call that was met; -1: none yet */
	pid_t returning; /* the thread that is to be killed when its call returns; 0: none */
	struct in_call in_call[64];
};

static struct in_call *find_in_call(struct following *following, pid_t tid)
{
	for (size_t i = 0; i < sizeof(following->in_call) / sizeof(*following->in_call); i++)
		if (following->in_call[i].tid == tid)
			return &following->in_call[i];
	return NULL;
}

static void end_command(const struct following *following)
{
	kill(following->process, following->options->interrupt ? SIGINT : SIGKILL);
}

static bool never_returns(long number)
{
	return number == SYS_exit || number == SYS_exit_group;
}

/* A call is about to be done. */
static void on_call(struct following *following, pid_t tid)
{
	const struct options *options = following->options;
	struct in_call *in_call = find_in_call(following, tid);

	if (!is_thread_of(tid, following->process) || !counts(options, tid))
		return;
	if (in_call && in_call->again) {
		in_call->again = false;
		return;
	}
	if (!in_call)
		in_call = find_in_call(following, 0);
	if (!in_call)
		exit(trouble("more threads than were thought of"));
	*in_call = (struct in_call){.tid = tid};
	alarm(HANGS_AFTER);
	if (++following->count != options->at)
		return;
	following->met = call_number(tid);
	if (options->error) {
		if (fail_call(tid, options->error))
			exit(trouble("cannot let the call fail"));
	} else if (never_returns(following->met)) {
		end_command(following);
	} else {
		following->returning = tid;
	}
}

/* The kernel's own errors, which no program sees (include/linux/errno.h). */
enum { FIRST_RESTART = 512, LAST_RESTART = 516 };

/* Whoever holds the lock shall have the CPU. */
enum { AGAIN_AFTER_US = 500 };

/* A call has returned, or will be begun anew. */
static void on_return(struct following *following, pid_t tid)
{
	struct in_call *in_call = find_in_call(following, tid);
	long result = call_result(tid);

	if (!in_call)
		return;
	in_call->again = result <= -FIRST_RESTART && result >= -LAST_RESTART;
	if (in_call->again) {
		usleep(AGAIN_AFTER_US);
		return;
	}
	in_call->tid = 0;
	if (tid != following->returning)
		return;
	end_command(following);
	following->returning = 0;
}

static void on_thread_end(struct following *following, pid_t tid)
{
	struct in_call *in_call = find_in_call(following, tid);

	if (in_call)
		in_call->tid = 0;
}

static pid_t hanging; /* the command, for on_alarm() */
static volatile sig_atomic_t hung;

static void on_stop(struct following *following, pid_t tid, int status)
{
	enum __ptrace_request go_on = PTRACE_CONT;
	int event = status >> 16, signal_number = WSTOPSIG(status);

	if (event == PTRACE_EVENT_SECCOMP)
		on_call(following, tid);
	else if (signal_number == (SIGTRAP | 0x80))
		on_return(following, tid);
	/* It stops when its call has returned; clone's own event comes before that. */
	if (find_in_call(following, tid) && !find_in_call(following, tid)->again)
		go_on = PTRACE_SYSCALL;
	/* SIGSTOP is how a new thread begins to be traced. */
	if (event || signal_number == SIGSTOP || signal_number == (SIGTRAP | 0x80) ||
	    signal_number == SIGTRAP)
		signal_number = 0;
	ptrace(go_on, tid, NULL, (void *)(intptr_t)signal_number); /* it may be dead meanwhile */
}

/* The command hangs: say where in the kernel its threads are, for whoever looks for the reason. */
static void on_alarm(int number)
{
	char command[96];

	(void)number;
	snprintf(command, sizeof(command),
		 "cd /proc/%d/task && head -n 40 */wchan */syscall */stack >&2", hanging);
	if (system(command))
		fprintf(stderr, "crash: cannot tell where it hangs\n");
	hung = 1;
	kill(hanging, SIGKILL);
}

/* Returns the command's exit status, 128 + signal. */
static int follow(struct following *following)
{
	const long wanted = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
			    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL;
	int status;
	pid_t tid;

	if (waitpid(following->process, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, following->process, NULL, wanted) ||
	    ptrace(PTRACE_CONT, following->process, NULL, NULL))
		return trouble("cannot trace");
	hanging = following->process;
	signal(SIGALRM, on_alarm);
	alarm(HANGS_AFTER);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			on_stop(following, tid, status);
		else if (tid == following->process)
			return hung		   ? TROUBLE
			       : WIFEXITED(status) ? WEXITSTATUS(status)
						   : 128 + WTERMSIG(status);
		else
			on_thread_end(following, tid);
	}
	return trouble("lost the command");
}

static int report(const struct following *following)
{
	FILE *f;

	if (!following->options->file)
		return 0;
	f = fopen(following->options->file, "w");
	if (!f)
		return trouble(following->options->file);
	if (following->met >= 0)
		fprintf(f, "%ld %s\n", following->options->at, call_name(following->met));
	else
		fprintf(f, "none %ld\n", following->count);
	return fclose(f) ? trouble(following->options->file) : 0;
}

static bool parse(int argc, char **argv, struct options *options)
{
	int c;

	while ((c = getopt(argc, argv, "+ain:e:o:")) != -1) {
		if (c == 'a')
			options->all = true;
		else if (c == 'i')
			options->interrupt = true;
		else if (c == 'n')
			options->at = atol(optarg);
		else if (c == 'o')
			options->file = optarg;
		else if (c == 'e')
			for (size_t i = 0; i < sizeof(errno_names) / sizeof(*errno_names); i++)
				if (!strcmp(optarg, errno_names[i].name))
					options->error = errno_names[i].value;
		if (c == '?' || (c == 'e' && !options->error))
			return false;
	}
	options->command = argv + optind;
	return optind < argc;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct following following = {.options = &options, .met = -1};
	int status;

	if (!parse(argc, argv, &options)) {
		fprintf(stderr, "usage: crash [-a] [-n N [-e ERRNO | -i]] [-o FILE] COMMAND...\n");
		return TROUBLE;
	}
	following.process = fork();
	if (following.process < 0)
		return trouble("cannot fork");
	if (!following.process)
		follow_me(&options);
	status = follow(&following);
	return report(&following) ? TROUBLE : status;
}
