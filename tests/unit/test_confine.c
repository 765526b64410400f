// SPDX-License-Identifier: GPL-2.0-only
/* test_confine.c - what a process that confined itself can still do, and what not
 * (user/base/confine.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/confine.h"

/* In the confined process. */
#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "# not so: %s\n", #what);                                  \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

/* What look() returns in a process that confined itself. */
static int confined(int (*look)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		confine_to_reading();
		_exit(look());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool refused(long ret)
{
	return ret == -1 && errno == EPERM;
}

static bool can_read_file(const char *path)
{
	char byte;
	FILE *file = fopen(path, "re");
	bool good = file && fread(&byte, 1, 1, file) == 1;

	if (file)
		fclose(file);
	return good;
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* More than the C library sorts on its stack, and more than malloc() takes from brk(2). */
static bool can_use_memory(void)
{
	enum { MANY = 1 << 20 };
	int *list = malloc(MANY / 2 * sizeof(*list)), *longer;
	bool good;

	longer = list ? realloc(list, MANY * sizeof(*list)) : NULL;
	if (!longer)
		return false;
	for (int i = 0; i < MANY; i++)
		longer[i] = MANY - i;
	qsort(longer, MANY, sizeof(*longer), compare_ints);
	good = longer[0] == 1;
	free(longer);
	return good;
}

static int read_and_write(void)
{
	MUST(can_read_file("/proc/self/status"));
	MUST(can_use_memory());
	MUST(access("/", R_OK) == 0);
	MUST(write(STDERR_FILENO, "", 0) == 0);
	MUST(isatty(STDERR_FILENO) == 1 || errno != EPERM);
	return 0;
}

static int files(void)
{
	MUST(refused(open("/dev/null", O_WRONLY)));
	MUST(refused(open("/dev/null", O_RDWR)));
	MUST(refused(open("/tmp", O_TMPFILE | O_WRONLY, 0600)));
	MUST(refused(open("/dev/null", O_RDONLY | O_CREAT, 0600)));
	MUST(refused(open("/dev/null", O_RDONLY | O_TRUNC)));
	MUST(refused(unlink("/nonexistent")));
	MUST(refused(truncate("/nonexistent", 0)));
	MUST(refused(chmod("/nonexistent", 0)));
	return 0;
}

static int others(void)
{
	char *const nothing[] = {NULL};

	MUST(refused(socket(AF_UNIX, SOCK_STREAM, 0)));
	MUST(refused(execve("/bin/true", nothing, nothing)));
	MUST(refused(fork()));
	MUST(refused(kill(getppid(), 0)));
	MUST(refused(ioctl(STDERR_FILENO, TIOCSTI, "x")));
	MUST(refused(syscall(SYS_bpf, 0, NULL, 0)));
	MUST(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		     MAP_FAILED &&
	     errno == EPERM);
	return 0;
}

static int capabilities(void)
{
	const uint64_t kept = 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_DAC_READ_SEARCH;
	uint64_t effective = ~0ULL, permitted = ~0ULL;
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "CapEff: %" SCNx64, &effective);
		sscanf(line, "CapPrm: %" SCNx64, &permitted);
	}
	if (file)
		fclose(file);
	MUST(!(effective & ~kept));
	MUST(!(permitted & ~kept));
	return 0;
}

static bool has_filter(void)
{
#if defined(__SANITIZE_ADDRESS__) || !(defined(__x86_64__) || defined(__aarch64__))
	return false;
#else
	return prctl(PR_GET_SECCOMP) >= 0; /* the kernel has it */
#endif
}

static void test_reads(void **state)
{
	(void)state;
	if (!has_filter())
		skip();
	assert_int_equal(confined(read_and_write), 0);
}

static void test_refuses(void **state)
{
	(void)state;
	if (!has_filter())
		skip();
	assert_int_equal(confined(files), 0);
	assert_int_equal(confined(others), 0);
}

/* In builds with sanitizers, too. */
static void test_capabilities(void **state)
{
	(void)state;
	assert_int_equal(confined(capabilities), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_capabilities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
