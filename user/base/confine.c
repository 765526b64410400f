// SPDX-License-Identifier: GPL-2.0-only
/* confine.c - capabilities dropped and a system-call filter: see confine.h. */
#include "user/base/confine.h"

#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void drop_capabilities(void)
{
	const uint32_t kept = 1U << CAP_DAC_READ_SEARCH | 1U << CAP_DAC_OVERRIDE;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return;
	data[0].effective &= kept;
	data[0].permitted &= kept;
	data[1].effective = data[1].permitted = 0;
	data[0].inheritable = data[1].inheritable = 0;
	syscall(SYS_capset, &header, data); /* fewer than before: never refused */
}

#if defined(__x86_64__)
#define CONFINE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define CONFINE_ARCH AUDIT_ARCH_AARCH64
#endif
#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer)
#undef CONFINE_ARCH
#endif
#endif
#ifdef __SANITIZE_ADDRESS__ /* gcc */
#undef CONFINE_ARCH
#endif

#ifdef CONFINE_ARCH

/* The lower half of an argument, where flags and request numbers are (little-endian). */
#define ARGUMENT(n)  ((uint32_t)offsetof(struct seccomp_data, args[n]))
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define ALLOW	     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE	     BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

#define ALLOW_CALL(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), ALLOW
/* Allowed where argument n has none of the bits. */
#define ALLOW_CALL_WITHOUT(name, n, bits)                                                          \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), LOAD(ARGUMENT(n)),                  \
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1), REFUSE, ALLOW

/* O_TMPFILE is refused, too: it goes with O_WRONLY or O_RDWR. */
enum { WRITING = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND };

static struct sock_filter filter[] = {
	LOAD(offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CONFINE_ARCH, 1, 0),
	REFUSE,
	LOAD(offsetof(struct seccomp_data, nr)),
	/* Descriptors that are open. */
	ALLOW_CALL(read),
	ALLOW_CALL(write),
	ALLOW_CALL(readv),
	ALLOW_CALL(writev),
	ALLOW_CALL(pread64),
	ALLOW_CALL(lseek),
	ALLOW_CALL(close),
	ALLOW_CALL(fstat),
	ALLOW_CALL(ppoll),
	/* Files to be read. */
	ALLOW_CALL_WITHOUT(openat, 2, WRITING),
	ALLOW_CALL(newfstatat),
	ALLOW_CALL(statx),
	ALLOW_CALL(faccessat),
	ALLOW_CALL(faccessat2),
	ALLOW_CALL(readlinkat),
	ALLOW_CALL(getdents64),
	ALLOW_CALL(getcwd),
#ifdef __x86_64__ /* arm64 never had these */
	ALLOW_CALL_WITHOUT(open, 1, WRITING),
	ALLOW_CALL(access),
	ALLOW_CALL(readlink),
	ALLOW_CALL(stat),
	ALLOW_CALL(lstat),
	ALLOW_CALL(poll),
#endif
	/* Memory. The C library asks how much there is before it sorts. */
	ALLOW_CALL(brk),
	ALLOW_CALL(munmap),
	ALLOW_CALL(mremap),
	ALLOW_CALL(madvise),
	ALLOW_CALL_WITHOUT(mmap, 2, PROT_EXEC),
	ALLOW_CALL_WITHOUT(mprotect, 2, PROT_EXEC),
	ALLOW_CALL(sysinfo),
	ALLOW_CALL(futex),
	ALLOW_CALL(getrandom),
	/* Its own clock, signals and end. */
	ALLOW_CALL(clock_gettime),
	ALLOW_CALL(gettimeofday),
	ALLOW_CALL(rt_sigaction),
	ALLOW_CALL(rt_sigprocmask),
	ALLOW_CALL(rt_sigreturn),
	ALLOW_CALL(restart_syscall),
	ALLOW_CALL(exit),
	ALLOW_CALL(exit_group),
	/* Whether a descriptor is a terminal, and how wide it is: no order to it. */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 1, 0),
	REFUSE,
	LOAD(ARGUMENT(1)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCGETS, 2, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCGETS2, 1, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCGWINSZ, 0, 1),
	ALLOW,
	REFUSE,
};

static void filter_system_calls(void)
{
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#else
static void filter_system_calls(void)
{
}
#endif

void confine_to_reading(void)
{
	drop_capabilities();
	/* Who has no CAP_SYS_ADMIN may set a filter only with it. */
	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		filter_system_calls();
}
