// SPDX-License-Identifier: GPL-2.0-only
/* test_render_rates.c - rates and their past, frames on a terminal, snapshots saved and read back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab_fixture.h"
#include "user/ledger/counter_fields.h"
#include "user/render/ledger_report.h"
#include "user/render/rates.h"
#include "user/output/output.h"

static void test_sparkline(void **state)
{
	static const double values[] = {0, 1, 50, 100};
	char buf[64];

	(void)state;
	rates_sparkline(values, 4, true, buf, sizeof(buf));
	assert_string_equal(buf, " ▁▄█");
	rates_sparkline(values, 4, false, buf, sizeof(buf));
	assert_string_equal(buf, " .=#");
	rates_sparkline(values, 1, true, buf, sizeof(buf));
	assert_string_equal(buf, " ");
	rates_sparkline(values, 0, true, buf, sizeof(buf));
	assert_string_equal(buf, "");
	/* A block that has no room is left out whole. */
	rates_sparkline(values, 4, true, buf, 5);
	assert_string_equal(buf, " ▁");
}

/* The frame after `pings` passed in two seconds. */
static char *frames_of(struct fixture *fixture, unsigned pings, int width, unsigned room,
		       unsigned readings)
{
	struct rates *rates = rates_new(4);
	struct ledger ledger, recent;
	struct snapshot difference;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fixture_add_echoes(fixture, 0, VL_HOOK_OUT, pings, false);
	fixture_add_echoes(fixture, 1, VL_HOOK_IN, pings - 3, false);
	assert_int_equal(snapshot_copy(&difference, &fixture->snapshot), 0);
	difference.since_ns = difference.read_ns - 2000000000;
	assert_int_equal(ledger_make(&ledger, "blue", &fixture->lab, &fixture->snapshot), 0);
	assert_int_equal(ledger_make(&recent, "blue", &fixture->lab, &difference), 0);
	ledger.recent = &recent;
	for (unsigned i = 0; i < readings; i++)
		rates_add(rates, &recent);
	rates_print(rates, &ledger, NULL, width, room, f);
	fclose(f);
	ledger_free(&recent);
	ledger_free(&ledger);
	snapshot_free(&difference);
	rates_free(rates);
	return text;
}

static char *frame_of(struct fixture *fixture, unsigned pings, int width, unsigned room)
{
	return frames_of(fixture, pings, width, room, 1);
}

static void test_rates(void **state)
{
	struct fixture fixture;
	char *text, *line, *rest;

	(void)state;
	setenv("LC_ALL", "C.UTF-8", 1);
	fixture_setup(&fixture);
	text = frame_of(&fixture, 3000, 80, 0);
	line = strstr(text, "default:veth0 -> blue:veth1");
	assert_non_null(line);
	/* 3000 in 2 s of 98 bytes each. */
	assert_non_null(strstr(line, "  1.50 kpps   1.18 Mbit/s       3  █\n"));
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		assert_true(output_columns(line) <= 80);
	free(text);
	/* Without a terminal's width there are no sparklines, and no blanks at line ends. */
	text = frame_of(&fixture, 3000, 0, 0);
	assert_null(strstr(text, "█"));
	assert_null(strstr(text, " \n"));
	free(text);
	fixture_teardown(&fixture);
}

/* Names that leave the numbers no room stand above them: all columns stay, and a sparkline. */
static void test_rates_of_long_names(void **state)
{
	static const char *const names[][2] = {
		{"host:veth10f18ea", "3f2a9c1b7d4e:eth0"},
		{"a-node-of-a-name-of-40-columns-exact:eth0", "another-node-of-many-columns:eth1"},
		{"a-node-whose-name-is-as-long-as-names-may-be-which-is-63:interface15bytes",
		 "b-node-whose-name-is-as-long-as-names-may-be-which-is-63:interface15bytes"},
	};

	(void)state;
	setenv("LC_ALL", "C.UTF-8", 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct fixture fixture;
		char *text, *line, *rest;
		bool sparks = false;

		fixture_setup(&fixture);
		strcpy(fixture.ends[0].name, names[i][0]);
		strcpy(fixture.ends[1].name, names[i][1]);
		text = frames_of(&fixture, 3000, 80, 0, 12);
		assert_non_null(strstr(text, names[i][0]));
		assert_non_null(strstr(text, names[i][1]));
		for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			assert_true(output_columns(line) <= 80);
			sparks |=
				strstr(line, "  1.18 Mbit/s       3  ") && strstr(line, "████████");
		}
		assert_true(sparks);
		free(text);
		/* A frame no higher than its terminal. */
		text = frames_of(&fixture, 3000, 80, 9, 1);
		assert_non_null(strstr(text, " more with less traffic"));
		for (size_t n = 0; (line = strchr(text, '\n')); n++) {
			assert_true(n < 9);
			memmove(text, line + 1, strlen(line));
		}
		free(text);
		fixture_teardown(&fixture);
	}
}

static void test_missed_drops(void **state)
{
	struct fixture fixture;
	char *text;

	(void)state;
	fixture_setup(&fixture);
	fixture.snapshot.losses.missed.room = 4096;
	fixture.snapshot.losses.missed.of[VL_DROP_MISSED_FULL] = 5;
	text = frame_of(&fixture, 10, 80, 0);
	assert_non_null(strstr(text, "\n5 drops are not told apart: the table of "
				     "drops was full (4096 kinds)\n"));
	free(text);
	fixture_teardown(&fixture);
}

/* Where not all directions have room, those with the most traffic are shown, and the others
 * counted. */
static void test_rates_of_many(void **state)
{
	struct fixture fixture;
	char *text, *busiest, *next;

	(void)state;
	fixture_setup(&fixture);
	fixture_add_echoes(&fixture, 3, VL_HOOK_OUT, 5000, false);
	text = frame_of(&fixture, 3000, 80, 6);
	busiest = strstr(text, "\nblue:veth3 -> default:veth2");
	next = strstr(text, "\ndefault:veth0 -> blue:veth1");
	assert_non_null(busiest);
	assert_true(next > busiest);
	assert_null(strstr(text, "blue:veth1 -> default:veth0"));
	assert_non_null(strstr(text, "\nand 2 more with less traffic"));
	free(text);
	/* With room for all they keep the lab's order. */
	text = frame_of(&fixture, 3000, 80, 7);
	assert_true(strstr(text, "blue:veth3 -> default:veth2") >
		    strstr(text, "default:veth0 -> blue:veth1"));
	assert_null(strstr(text, "more with less"));
	free(text);
	fixture_teardown(&fixture);
}

/* What the terminal behind fd has received so far. */
static void read_terminal(int fd, char *buf, size_t size)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	size_t len = 0;

	while (poll(&pollfd, 1, 100) == 1) {
		ssize_t n = read(fd, buf + len, size - len - 1);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	buf[len] = '\0';
}

static void test_redraw(void **state)
{
	struct winsize size = {.ws_row = 4, .ws_col = 10};
	struct screen screen;
	char buf[1024];
	int master, slave;
	FILE *f;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	f = fdopen(slave, "w");
	screen_open(&screen, f);
	assert_true(screen.terminal);
	screen_draw(&screen, "one\ntwo\n");
	read_terminal(master, buf, sizeof(buf));
	assert_string_equal(buf, "one\033[0m\033[K\r\ntwo\033[0m\033[K\r\n\033[J");
	/* Two lines up, too long a line cut, too high a frame too. */
	screen_draw(&screen, "0123456789abc\n2\n3\n4\n5\n");
	read_terminal(master, buf, sizeof(buf));
	assert_string_equal(buf, "\033[2A\r0123456789\033[0m\033[K\r\n2\033[0m\033[K\r\n"
				 "3\033[0m\033[K\r\n\033[J");
	screen_resized(&screen);
	size.ws_col = 12;
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
	screen_draw(&screen, "0123456789abc\n");
	read_terminal(master, buf, sizeof(buf));
	assert_string_equal(buf, "\033[H\033[J0123456789ab\033[0m\033[K\r\n\033[J");
	fclose(f);
	close(master);
}

static void test_no_terminal(void **state)
{
	struct screen screen;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	screen_open(&screen, f);
	assert_false(screen.terminal);
	screen_draw(&screen, "one\n");
	screen_draw(&screen, "a line that is not cut, however long it gets, since nobody's "
			     "terminal is behind the stream\n");
	fclose(f);
	assert_string_equal(text, "one\n\na line that is not cut, however long it gets, since "
				  "nobody's terminal is behind the stream\n");
	free(text);
}

/* A file with text in it; the caller removes it. */
static void write_temporary(char path[32], const char *text)
{
	int fd;

	strcpy(path, "/tmp/vethlab-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_snapshot_saved(void **state)
{
	struct fixture fixture;
	struct snapshot saved;
	struct ledger ledger;
	struct err err = {0};
	char path[32], *text;
	json_t *json;

	(void)state;
	fixture_setup(&fixture);
	fixture_add_pings(&fixture, 1);
	fixture.snapshot.passing[2] = 7;
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	json = ledger_to_json(&ledger, NULL);
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	write_temporary(path, text);
	assert_int_equal(snapshot_load(&saved, path, "blue", &fixture.lab, 4, &err), 0);
	assert_int_equal(saved.read_ns, fixture.snapshot.read_ns);
	assert_int_equal(saved.built_ns, fixture.snapshot.built_ns);
	for (int hook = 0; hook < VL_HOOKS; hook++)
		assert_memory_equal(saved.hooks[hook], fixture.snapshot.hooks[hook],
				    4 * sizeof(struct vl_counters));
	assert_memory_equal(saved.attached, fixture.snapshot.attached, 4);
	assert_int_equal(saved.passing[2], 7);
	assert_false(saved.partial);
	snapshot_add(&saved, &fixture.snapshot);
	assert_int_equal(saved.hooks[VL_HOOK_OUT][0].icmp4.echo_request, 200);
	snapshot_free(&saved);
	/* Not this lab's. */
	assert_int_equal(snapshot_load(&saved, path, "green", &fixture.lab, 4, &err), -EINVAL);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.what, "it is of lab blue, not of green"));
	unlink(path);
	free(text);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}

static void test_snapshot_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"{\"schema\": \"vethlab.stats/2\", \"lab\": \"blue\"}",
		"{\"schema\": \"vethlab.stats/1\", \"lab\": \"blue\", \"read_ns\": \"now\"}",
		"{\"schema\": \"vethlab.stats/1\", \"lab\": \"blue\","
		" \"read_ns\": 3, \"since_ns\": 2, \"built_ns\": 1, \"ends\": [{\"end\": "
		"\"blue:veth1\","
		" \"hooks\": {\"in\": {\"packets\": -1}}}]}",
	};
	struct fixture fixture;
	struct snapshot saved;
	char path[32];

	(void)state;
	fixture_setup(&fixture);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err err = {0};

		write_temporary(path, bad[i]);
		assert_int_equal(snapshot_load(&saved, path, "blue", &fixture.lab, 4, &err),
				 -EINVAL);
		assert_int_equal(err.code, ERR_INPUT);
		assert_non_null(strstr(err.what, path));
		unlink(path);
	}
	assert_int_equal(snapshot_load(&saved, "/nowhere/x", "blue", &fixture.lab, 4, NULL),
			 -ENOENT);
	fixture_teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sparkline),	    cmocka_unit_test(test_rates),
		cmocka_unit_test(test_rates_of_many),	    cmocka_unit_test(test_redraw),
		cmocka_unit_test(test_rates_of_long_names), cmocka_unit_test(test_missed_drops),
		cmocka_unit_test(test_no_terminal),	    cmocka_unit_test(test_snapshot_saved),
		cmocka_unit_test(test_snapshot_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
