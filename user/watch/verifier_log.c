// SPDX-License-Identifier: GPL-2.0-only
/*
 * verifier_log.c - why eBPF refused: what libbpf and the verifier said, and which privilege or
 * feature of the kernel is missing.
 */
#include "user/watch/internal.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Thread_local char last_line[256];

/* libbpf says one thing in several lines, a verifier log in hundreds: the last full one tells. */
static int keep_line(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char text[1024], *line, *save;

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), fmt, args);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "libbpf: ", 8))
			line += 8;
		if (*line && !strstr(line, "-- END PROG LOAD LOG --") &&
		    !strstr(line, "failed to load") && strncmp(line, "processed ", 10))
			snprintf(last_line, sizeof(last_line), "%.200s", line);
	}
	return 0;
}

static void set_print(void)
{
	libbpf_set_print(keep_line);
}

void watch_log_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_print);
	last_line[0] = 0;
}

const char *watch_log_last(void)
{
	return last_line;
}

int watch_fail(struct err *err, int error, const char *object, const char *action,
	       const char *capability)
{
	const char *said = watch_log_last();
	/* The verifier says EACCES as well; then it has said why. */
	bool denied = error == EPERM || (error == EACCES && !*said);

	if (denied) {
		err_set(err, ERR_PRIVILEGE, error, "%s: cannot %s (kernel: %s)", object, action,
			strerror(error));
		if (geteuid() == 0)
			err_hint(err,
				 "root here lacks %s (a container?), or the kernel is locked "
				 "down",
				 capability);
		else
			err_hint(err, "this step needs %s: run as root", capability);
		return -error;
	}
	if (error == EROFS) {
		err_set(err, ERR_SYSTEM, error, "%s: cannot %s: bpffs is mounted read-only", object,
			action);
		err_hint(err, "`mount -o remount,rw %s`, then try again", BPFFS);
		return -error;
	}
	if (error == ENOSYS || error == EOPNOTSUPP || error == EINVAL) {
		err_set(err, ERR_PRIVILEGE, error, "%s: cannot %s (kernel: %s%s%s)", object, action,
			strerror(error), *said ? "; " : "", said);
		if (access("/sys/kernel/btf/vmlinux", R_OK))
			err_hint(err, "this kernel has no BTF (/sys/kernel/btf/vmlinux): it needs "
				      "CONFIG_DEBUG_INFO_BTF");
		else
			err_hint(err, "a feature of the kernel may be missing: `vethlab doctor` "
				      "lists them");
		return -error;
	}
	err_set(err, ERR_SYSTEM, error, "%s: cannot %s (kernel: %s%s%s)", object, action,
		strerror(error), *said ? "; " : "", said);
	return -error;
}
