// SPDX-License-Identifier: GPL-2.0-only
/* test_output.c - numbers, tables, JSON and errors as they are printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <pty.h>
#include <unistd.h>

#include <cmocka.h>

#include "user/output/output.h"

static void test_duration(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 ns"},
		{870, "870 ns"},
		{999, "999 ns"},
		{1000, "1.00 us"},
		{9994, "9.99 us"},
		{9996, "10.0 us"},
		{12400, "12.4 us"},
		{99960, "100 us"},
		{999499, "999 us"},
		{999500, "1.00 ms"},
		{3070000, "3.07 ms"},
		{1500000000, "1.50 s"},
		{59900000000, "59.9 s"},
		{1234000000000, "1234 s"},
	};
	char buf[OUTPUT_NUMBER_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(output_duration(cases[i].ns, buf), cases[i].text);
	/* The largest value has room. */
	assert_string_equal(output_duration(UINT64_MAX, buf), "18446744074 s");
}

static void test_rate(void **state)
{
	char buf[OUTPUT_NUMBER_SIZE];

	(void)state;
	assert_string_equal(output_rate(0, "pps", buf), "0 pps");
	assert_string_equal(output_rate(-1, "pps", buf), "0 pps");
	assert_string_equal(output_rate(0.0 / 0.0, "pps", buf), "0 pps");
	assert_string_equal(output_rate(0.5, "pps", buf), "0.50 pps");
	assert_string_equal(output_rate(1, "pps", buf), "1 pps");
	assert_string_equal(output_rate(870, "pps", buf), "870 pps");
	assert_string_equal(output_rate(999.6, "pps", buf), "1.00 kpps");
	assert_string_equal(output_rate(15.2e9, "bit/s", buf), "15.2 Gbit/s");
	assert_string_equal(output_rate(2.2e6, "pps", buf), "2.20 Mpps");
	assert_string_equal(output_rate(3e15, "bit/s", buf), "3.00 Pbit/s");
}

static void test_age(void **state)
{
	char buf[OUTPUT_NUMBER_SIZE];

	(void)state;
	assert_string_equal(output_age(210000000, buf), "210 ms");
	assert_string_equal(output_age(59000000000, buf), "59.0 s");
	assert_string_equal(output_age(192000000000, buf), "3 min 12 s");
	assert_string_equal(output_age(7500000000000, buf), "2 h 5 min");
	assert_string_equal(output_age(356400000000000, buf), "4 d 3 h");
}

static void test_fit(void **state)
{
	(void)state;
	assert_int_equal(output_fit("blue", 10), 4);
	assert_int_equal(output_fit("blue", 2), 2);
	assert_int_equal(output_fit("▁▂█", 2), 6);
	assert_int_equal(output_fit("漢字", 3), 3);
	assert_int_equal(output_fit("\033[31mred\033[0m", 3), 12);
}

static void test_columns(void **state)
{
	(void)state;
	assert_int_equal(output_columns(""), 0);
	assert_int_equal(output_columns("blue"), 4);
	assert_int_equal(output_columns("größe"), 5);
	assert_int_equal(output_columns("▁▂█"), 3);
	assert_int_equal(output_columns("漢字"), 4);
	assert_int_equal(output_columns("e\u0301"), 1);
	assert_int_equal(output_columns("😀"), 2);
	assert_int_equal(output_columns("\033[1;31mred\033[0m"), 3);
	/* Broken UTF-8 is one column a byte and never read past its end. */
	assert_int_equal(output_columns("\xe6\xbc"), 2);
	assert_int_equal(output_columns("\xff"
					"a"),
			 2);
	assert_int_equal(output_columns("\xc3"), 1);
}

/* What show(arg, f) writes; the caller frees it. */
static char *text_of(void (*show)(const void *arg, FILE *f), const void *arg)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	show(arg, f);
	fclose(f);
	return text;
}

static void show_table(const void *arg, FILE *f)
{
	table_print(arg, f);
}

static void test_table(void **state)
{
	static const struct table_column columns[] = {
		{"link", TABLE_LEFT},
		{"sent", TABLE_RIGHT},
		{"note", TABLE_LEFT},
	};
	struct table *table = table_new(columns, 3);
	char *text;

	(void)state;
	table_cell(table, "größe:x");
	table_cell(table, "%d", 7);
	table_cell(table, "%s", "");
	table_cell(table, "b:y");
	table_cell(table, "%d", 12345);
	table_cell(table, "%s", "loss");
	text = text_of(show_table, table);
	assert_string_equal(text, "link      sent  note\n"
				  "größe:x      7\n"
				  "b:y      12345  loss\n");
	free(text);
	table_free(table);
}

static void test_table_without_titles(void **state)
{
	static const struct table_column columns[] = {{NULL, TABLE_RIGHT}, {NULL, TABLE_LEFT}};
	struct table *table = table_new(columns, 2);
	char *text;

	(void)state;
	table_cell(table, "1");
	table_cell(table, "a");
	table_cell(table, "20");
	table_red_cell(table, "b");
	text = text_of(show_table, table);
	assert_string_equal(text, " 1  a\n20  \033[31mb\033[0m\n");
	free(text);
	table_free(table);
	table_free(NULL);
}

/* Lines stand where they were put; a sentence fits the terminal, another line need not. */
static void test_table_with_lines(void **state)
{
	static const struct table_column columns[] = {{"a", TABLE_LEFT}, {"b", TABLE_RIGHT}};
	static const char wide[] = "123456789 123456789 123456789 123456789 "
				   "123456789 123456789 123456789 123456789 1";
	struct table *table = table_new(columns, 2);
	char *text;

	(void)state;
	table_line(table, "%s", wide);
	table_cell(table, "x");
	table_cell(table, "1");
	table_sentence(table, "  why: ", "%s end", wide);
	table_sentence(table, "  ", "short");
	text = text_of(show_table, table);
	assert_string_equal(text, "a  b\n"
				  "123456789 123456789 123456789 123456789 "
				  "123456789 123456789 123456789 123456789 1\n"
				  "x  1\n"
				  "  why: 123456789 123456789 123456789 123456789 "
				  "123456789 123456789 123456789\n"
				  "       123456789 1 end\n"
				  "  short\n");
	free(text);
	table_free(table);
	table_line(NULL, "of no table");
	table_sentence(NULL, "  ", "of no table");
}

static void show_document(const void *arg, FILE *f)
{
	json_t *json = output_json_document("vethlab.test/1");

	output_json_set(json, "end", output_json_end(arg));
	output_json_print(json, f);
}

static void test_json(void **state)
{
	struct node node = {.name = "blue"};
	struct end end = {.name = "blue:veth1", .ifname = "veth1", .node = &node};
	struct err err = {0};
	char *text = text_of(show_document, &end);

	(void)state;
	assert_string_equal(text, "{\"schema\":\"vethlab.test/1\",\"end\":{\"end\":\"blue:veth1\","
				  "\"node\":\"blue\",\"interface\":\"veth1\"}}\n");
	free(text);
	/* A document that was never made is a failure, not silence. */
	output_json_print(NULL, stdout);
	assert_int_equal(output_finish(stdout, &err), -ENOMEM);
	assert_int_equal(err.code, ERR_SYSTEM);
	err_clear(&err);
	assert_int_equal(output_finish(stdout, &err), 0);
}

static void test_links(void **state)
{
	struct end ends[2] = {{.name = "a:x", .peer = &ends[1]}, {.name = "b:y", .peer = &ends[0]}};
	struct link link = {.ends = {&ends[0], &ends[1]}};
	char buf[64];

	(void)state;
	assert_string_equal(output_link(&link, buf, sizeof(buf)), "a:x -- b:y");
	assert_string_equal(output_direction(&ends[1], buf, sizeof(buf)), "b:y -> a:x");
}

static void test_full_disk(void **state)
{
	struct err err = {0};
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	fputs("lost\n", f);
	assert_int_equal(output_finish(f, &err), -ENOSPC);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.what, "No space left"));
	fclose(f);
}

static void test_stream_on_full_disk(void **state)
{
	struct err err = {0};
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	/* The line is flushed at once; what went wrong is still known at the end. */
	output_json_line(json_object(), f);
	assert_int_equal(output_finish(f, &err), -ENOSPC);
	fclose(f);
}

static void test_reader_gone(void **state)
{
	struct err err = {0};
	int fds[2];
	FILE *f;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	f = fdopen(fds[1], "w");
	fputs("nobody reads this\n", f);
	assert_int_equal(output_finish(f, &err), -EPIPE);
	assert_non_null(strstr(err.what, "reader went away"));
	fclose(f);
}

static void test_terminal(void **state)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(output_width(f), 80);
	assert_false(output_colour(f));
	fclose(f);
	free(text);
}

static void assert_wrapped(const char *lead, const char *text, const char *want)
{
	char *got;
	size_t size;
	FILE *f = open_memstream(&got, &size);

	output_wrap(lead, text, f);
	fclose(f);
	assert_string_equal(got, want);
	free(got);
}

static void test_wrap(void **state)
{
	(void)state;
	/* A number and its unit stay together. */
	assert_wrapped(
		"slowest step: ",
		"the link router:eth0 -> left:eth0 (error), mean 32.2 us, max 32.2 us",
		"slowest step: the link router:eth0 -> left:eth0 (error), mean 32.2 us, max\n"
		"              32.2 us\n");
	assert_wrapped(
		"slowest step: ",
		"the link router:eth0 -> left:eth0 (error), mean 32.2 us, at most 322 users",
		"slowest step: the link router:eth0 -> left:eth0 (error), mean 32.2 us, at most\n"
		"              322 users\n");
	/* Beside a lead that leaves no room, the text stands below it. */
	assert_wrapped("123456789 123456789 123456789 123456789 123456789 123456789 123456789 ",
		       "there 1.5 us",
		       "123456789 123456789 123456789 123456789 123456789 123456789 "
		       "123456789 \n    there 1.5 us\n");
	/* A word that has no room beside the lead: all stands below, and nothing is broken. */
	assert_wrapped("123456789 123456789 123456789 123456789 123456789 123456789 ",
		       "fe80::3cf2:daff:fe9b:569c > ff02::16",
		       "123456789 123456789 123456789 123456789 123456789 123456789 \n"
		       "    fe80::3cf2:daff:fe9b:569c > ff02::16\n");
	/* What is in brackets is typed together, or not at all. */
	assert_wrapped("  ",
		       "usage: vethlab trace [FILTER] [-i|--events] [--stack] [-c N] [--for [TIME] "
		       "SECONDS] [-l LAB]",
		       "  usage: vethlab trace [FILTER] [-i|--events] [--stack] [-c N]\n"
		       "  [--for [TIME] SECONDS] [-l LAB]\n");
	assert_wrapped("", "[ is no bracket", "[ is no bracket\n");
}

static void test_fold(void **state)
{
	const char *text = "a sentence that is longer than the terminal is wide";
	const char *want = "why: a sentence that is longer\r\n     than the terminal is wide\r\n";
	struct winsize size = {.ws_row = 4, .ws_col = 30};
	size_t used = 0;
	ssize_t n;
	char *line, buf[256] = "";
	int master, slave;
	size_t bytes;
	FILE *f;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	f = fdopen(slave, "w");
	setvbuf(f, NULL, _IOFBF, BUFSIZ); /* one write */
	output_fold("why: ", text, f);
	fflush(f);
	/* The line discipline may hand it on in pieces. */
	while (used < strlen(want) && (n = read(master, buf + used, sizeof(buf) - 1 - used)) > 0)
		used += n;
	assert_string_equal(buf, want);
	fclose(f);
	close(master);
	f = open_memstream(&line, &bytes);
	output_fold("why: ", text, f);
	fclose(f);
	assert_string_equal(line, "why: a sentence that is longer than the terminal is wide\n");
	free(line);
}

static void show_error(const void *arg, FILE *f)
{
	output_error(arg, f);
}

static void test_error(void **state)
{
	struct err err = {.what = "default:veth0: cannot add 10.1.1.1/24 (kernel: File exists)",
			  .hint = "remove the other address"};
	char *text = text_of(show_error, &err);

	(void)state;
	assert_string_equal(text,
			    "vethlab: default:veth0: cannot add 10.1.1.1/24 (kernel: File exists)\n"
			    "  remove the other address\n");
	free(text);
	err.where = (struct where){"blue.yaml", 14, 9};
	err.hint[0] = '\0';
	text = text_of(show_error, &err);
	assert_string_equal(text, "vethlab: blue.yaml:14:9: default:veth0: cannot add 10.1.1.1/24 "
				  "(kernel: File exists)\n");
	free(text);
}

static void show_diags(const void *arg, FILE *f)
{
	output_diags(arg, f);
}

static void test_diags(void **state)
{
	struct diag list[] = {
		{SEVERITY_ERROR,
		 {"a.yaml", 3, 5},
		 (char *)"unknown key 'nodse'",
		 (char *)"did you mean 'nodes'?"},
		{SEVERITY_WARNING, {"a.yaml", 0, 0}, (char *)"no links", NULL},
		{SEVERITY_WARNING, {"a.yaml", 7, 0}, (char *)"not routed", NULL},
	};
	struct diags diags = {list, 3, 1};
	char *text = text_of(show_diags, &diags);

	(void)state;
	assert_string_equal(text, "a.yaml:3:5: error: unknown key 'nodse'\n"
				  "  did you mean 'nodes'?\n"
				  "a.yaml: warning: no links\n"
				  "a.yaml:7: warning: not routed\n"
				  "1 error, 2 warnings\n");
	free(text);
	diags = (struct diags){0};
	text = text_of(show_diags, &diags);
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_table_without_titles),
		cmocka_unit_test(test_table_with_lines),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_stream_on_full_disk),
		cmocka_unit_test(test_reader_gone),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_diags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
