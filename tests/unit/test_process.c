// SPDX-License-Identifier: GPL-2.0-only
/* test_process.c - what processes are called: user/base/process.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "user/base/process.h"

static void check(const char *comm, const char *want)
{
	char name[PROCESS_NAME_SIZE] = "untouched";

	assert_int_equal(prctl(PR_SET_NAME, comm), 0);
	assert_true(process_name(getpid(), name));
	assert_string_equal(name, want);
}

/* A name is whatever its process says: all of it is told, and none of it moves the cursor. */
static void test_names(void **state)
{
	(void)state;
	check("sleeper", "sleeper");
	check("two words", "two words");
	check("first\nsecond", "first?second");
	check("\nsecond", "?second");
	check("last\n", "last?");
	check("\033[2J", "?[2J");
	check("", "");
}

static void test_nobody(void **state)
{
	char name[PROCESS_NAME_SIZE] = "untouched";

	(void)state;
	assert_false(process_name(-1, name));
	assert_string_equal(name, "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
