// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_golden.c - recorded runs of every bundled lab and of every way to die, and the stories that
 * `vethlab replay -i` must tell of them, whole. tests/lab/stories.sh makes both. Times and ids,
 * which are other ones whenever a run is recorded again, stand as T and N. Recordings called
 * stack-* are told with all that the stacks did, json-* as that in JSON, where nothing is replaced.
 *
 * test_golden --tell FILE   prints the stories of one recording as they are expected
 */
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT_SIZE = 1 << 16 };

static const char stories[] = "tests/unit/data/stories";

/* Bytes of "12.3 us" and the like at p; 0: there is no time. */
static size_t time_at(const char *p)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	size_t digits = strspn(p, "0123456789.");

	if (!digits || p[digits] != ' ')
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t len = strlen(units[i]);

		if (!strncmp(p + digits + 1, units[i], len) && !isalnum(p[digits + 1 + len]))
			return digits + 1 + len;
	}
	return 0;
}

/* A time is "T" and eats the blanks before it, which align it; an id is "N". */
static void normalise(const char *text, char out[TEXT_SIZE])
{
	size_t n = 0;

	for (const char *p = text; *p && n < TEXT_SIZE - 3;) {
		bool starts = p == text || !(isalnum(p[-1]) || strchr(".:", p[-1]));
		size_t len = starts ? time_at(p) : 0;

		if (len) {
			while (n && out[n - 1] == ' ')
				n--;
			n += sprintf(out + n, n && out[n - 1] != '\n' ? " T" : "T");
			p += len;
		} else if (isdigit(*p) && n > 4 && !strncmp(out + n - 4, " id ", 4)) {
			out[n++] = 'N';
			p += strspn(p, "0123456789");
		} else {
			out[n++] = *p++;
		}
	}
	out[n] = 0;
}

/* How a recording is to be told, by its name. */
static const char *manner(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	return !strncmp(name, "stack-", 6)  ? "-i --stack"
	       : !strncmp(name, "json-", 5) ? "-i --stack -j"
					    : "-i";
}

/* What `vethlab replay -i` says; false if it fails. */
static bool tell(const char *path, char out[TEXT_SIZE])
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	static char text[TEXT_SIZE];
	char command[1024];
	size_t n;
	FILE *f;

	/* Lines are not folded, for that depends on how wide the times are. */
	snprintf(command, sizeof(command), "NO_COLOR=1 COLUMNS=500 '%s/vethlab' replay '%s' %s",
		 build, path, manner(path));
	f = popen(command, "r");
	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = 0;
	if (*text == '{')
		strcpy(out, text);
	else
		normalise(text, out);
	return !pclose(f);
}

static void check(const char *name)
{
	static char told[TEXT_SIZE], expected[TEXT_SIZE];
	char path[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s.txt", stories, name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s is missing", path);
	n = fread(expected, 1, sizeof(expected) - 1, f);
	expected[n] = 0;
	fclose(f);
	snprintf(path, sizeof(path), "%s/%s.rec", stories, name);
	if (!tell(path, told))
		fail_msg("%s: replay failed", path);
	if (strcmp(told, expected))
		fail_msg("%s: it tells\n%s\ninstead of\n%s", path, told, expected);
}

/* Calls fn for each file of a folder whose name ends so, with the rest of the name. */
static size_t each(const char *folder, const char *ending, void (*fn)(const char *name))
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name), tail = strlen(ending);

		if (len <= tail || strcmp(entry->d_name + len - tail, ending))
			continue;
		entry->d_name[len - tail] = 0;
		fn(entry->d_name);
		n++;
	}
	closedir(dir);
	return n;
}

static void test_stories(void **state)
{
	(void)state;
	assert_in_range(each(stories, ".rec", check), 60, 1000);
}

static void has_story(const char *lab)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.rec", stories, lab);
	if (access(path, R_OK))
		fail_msg("lab %s has no story: %s", lab, path);
}

static void test_each_lab_has_one(void **state)
{
	(void)state;
	assert_in_range(each("topology/labs", ".yaml", has_story), 11, 1000);
}

static void test_normalise(void **state)
{
	char out[TEXT_SIZE];

	(void)state;
	normalise("0.676 s: 10.0.0.1 > 10.0.0.2 id 49060 seq 1: by b in 36.2 us\n"
		  "           15.3 us  b:eth0  xdp  in 870 ns, ttl 64 -> 63\n",
		  out);
	assert_string_equal(out, "T: 10.0.0.1 > 10.0.0.2 id N seq 1: by b in T\n"
				 "T  b:eth0  xdp  in T, ttl 64 -> 63\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normalise),
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_each_lab_has_one),
	};
	static char told[TEXT_SIZE];

	if (argc == 3 && !strcmp(argv[1], "--tell")) {
		if (!tell(argv[2], told))
			return 1;
		fputs(told, stdout);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
