// SPDX-License-Identifier: GPL-2.0-only
/* test_json_writer.c - JSON as a line and as a tree is one thing; what lacks a part is not printed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUTPUT_JSON_OWN
#include "tests/unit/story_fixture.h"
#include "user/base/plain.h"
#include "user/output/output.h"
#include "user/render/act_text.h"
#include "user/render/event_text.h"

static char *line;
static size_t line_len;

static FILE *open_line(void)
{
	FILE *f;

	free(line);
	line = NULL;
	f = open_memstream(&line, &line_len);
	assert_non_null(f);
	return f;
}

/* Takes the tree. But for the schema tag, the line must be the same. */
static void assert_same(FILE *f, json_t *tree)
{
	json_t *read;

	fclose(f);
	read = json_loads(line, 0, NULL);
	if (!read)
		fail_msg("no JSON: %s", line);
	json_object_del(read, "schema");
	if (!json_equal(read, tree))
		fail_msg("the tree is not %s", line);
	json_decref(read);
	json_decref(tree);
}

static void put_all(struct json_writer *writer, const char *text)
{
	json_put_number(writer, "zero", 0);
	json_put_number(writer, "number", INT64_MAX);
	json_put_text(writer, "text", text);
	json_put_begin(writer, "inner");
	json_put_signed(writer, "minus", -17);
	json_put_signed(writer, "lowest", INT64_MIN);
	json_put_bool(writer, "yes", true);
	json_put_end(writer);
	json_put_bool(writer, "no", false);
}

static void test_both_ways(void **state)
{
	static const char *const texts[] = {"", "plain", "\"quoted\\\"", "\x01\n\x1f", "\xc3\xa9"};
	char longer[2000] = "";
	struct json_writer writer;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	for (size_t i = 0; i <= sizeof(texts) / sizeof(*texts); i++) {
		const char *text = i < sizeof(texts) / sizeof(*texts) ? texts[i] : longer;
		FILE *f = open_line();

		json_writer_line(&writer, f);
		put_all(&writer, text);
		assert_null(json_writer_finish(&writer));
		json_writer_tree(&writer);
		put_all(&writer, text);
		assert_same(f, json_writer_finish(&writer));
	}
	assert_non_null(strstr(line, "\"zero\":0,\"number\":9223372036854775807,\"text\":\"xxx"));
	assert_non_null(strstr(line,
			       "xxx\",\"inner\":{\"minus\":-17,\"lowest\":-9223372036854775808,"
			       "\"yes\":true},\"no\":false}"));
}

static void test_events(void **state)
{
	struct vl_event events[] = {
		REQ(1234567890123456789, A_X, VL_HOOK_OUT, 64),
		REQ(1, R_W, VL_HOOK_XDP, 255),
		REQ(1, R_W, VL_HOOK_IN, 0),
		error_record(1, R_W, VL_HOOK_IN, 3, 4, "10.0.1.1", "10.0.2.1"),
	};

	(void)state;
	events[1].flags |= VL_EV_FRAGMENT;
	events[1].frag_len = 1480;
	events[2].flags |= VL_EV_FRAGMENT;
	events[2].frag_off = 1480;
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		const struct end *end = lab_end(lab, events[i].end);
		FILE *f = open_line();

		event_write_json(&events[i], end, "vethlab.trace/1", f);
		fflush(f);
		assert_int_equal(strncmp(line, "{\"schema\":\"vethlab.trace/1\",\"time_ns\":", 38),
				 0);
		assert_same(f, event_json(&events[i], end));
	}
}

static void test_acts(void **state)
{
	struct act act = {.record = {.at.packet = REQ(1000, A_X, VL_HOOK_OUT, 64),
				     .next_family = 4,
				     .name = "eth1",
				     .pid = 4711},
			  .node = lab->nodes[NODE_A],
			  .asked = 2,
			  .took_ns = 17};

	(void)state;
	for (int kind = VL_STACK_ROUTE; kind < VL_STACK_KINDS; kind++) {
		for (int what = 0; what <= VL_NEIGHBOR_LEARNED; what++) {
			FILE *f = open_line();

			act.record.at.kind = kind;
			act.record.what = what;
			act.record.error = what == 1 ? -EHOSTUNREACH : 0;
			act.record.at.packet.flags = what == 2 ? VL_EV_LOOSE : 0;
			act_write_json(&act, "vethlab.trace-stack/1", f);
			assert_same(f, act_json(&act));
		}
	}
}

/* The name of a process may be any bytes; the act is told all the same. */
static void test_no_utf8(void **state)
{
	struct act act = {.record = {.at.packet = REQ(1000, A_X, VL_HOOK_OUT, 64),
				     .at.kind = VL_STACK_DELIVER,
				     .name = "caf\xe9",
				     .pid = 1},
			  .node = lab->nodes[NODE_A]};
	json_t *tree = act_json(&act);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(tree, "process")), "caf?");
	json_decref(tree);
}

/* A line and a tree are the same valid JSON; only bytes that are not UTF-8 are lost. */
static void test_text_from_outside(void **state)
{
	static const char *const texts[][2] = {
		{"caf\xc3\xa9 \xff", "caf\xc3\xa9 ?"},
		{"cut \xe2\x82", "cut ??"},
		{"\xc0\x80", "??"},
		{"\xed\xa0\x80", "???"},
		{"\xf4\x90\x80\x80", "????"},
		{"\xe2\x82\xac", "\xe2\x82\xac"},
		{"a\"\\\x1b\x7f", "a\"\\\x1b\x7f"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json_writer writer;
		FILE *f = open_line();
		json_t *tree, *read;

		json_writer_line(&writer, f);
		json_put_text(&writer, "text", texts[i][0]);
		json_writer_finish(&writer);
		fclose(f);
		read = json_loads(line, 0, NULL);
		assert_non_null(read);
		assert_string_equal(json_string_value(json_object_get(read, "text")), texts[i][1]);
		tree = output_json_text(texts[i][0]);
		assert_string_equal(json_string_value(tree), texts[i][1]);
		json_decref(tree);
		json_decref(read);
	}
}

static void test_plain(void **state)
{
	FILE *f = open_line();

	(void)state;
	output_print(f, "%s", "a\x1b[2J\nb\x7f\t\xc2\x9b \xe2\x80\xae \xff \xc3\xa9");
	fclose(f);
	assert_string_equal(line, "a?[2J\nb? ? ? ? \xc3\xa9");
}

/* Tables and sentences are gates too; a cell is one line. */
static void test_plain_everywhere(void **state)
{
	static const struct table_column columns[] = {{"A", TABLE_LEFT}, {"B", TABLE_LEFT}};
	struct table *table = table_new(columns, 2);
	FILE *f = open_line();

	(void)state;
	table_cell(table, "%s", "x\x1b[1m\ny");
	table_cell(table, "%s", "\xc2\x9bz");
	table_red_cell(table, "%s", "\x1b[0m");
	table_cell(table, "%s", "");
	table_line(table, "%s", "l\x07");
	table_sentence(table, "  ", "%s", "s\x08 t");
	table_print(table, f);
	table_free(table);
	output_wrap("", "w\x1b]0;title\x07 x", f);
	output_fold("", "f\x1b[2J", f);
	fclose(f);
	assert_string_equal(line, "A        B\nx?[1m?y  ??z\n\033[31m?[0m\033[0m\nl?\n  s? t\n"
				  "w?]0;title? x\nf?[2J\n");
}

static void test_plain_name(void **state)
{
	char name[] = "a\nb\tc\x1b\xc2\x9b\xff\xc3\xa9";

	(void)state;
	plain_name(name);
	assert_string_equal(name, "a?b c????\xc3\xa9");
}

/* Nothing is printed, the failure is told at the end, and the next document is good. */
static void test_missing_part(void **state)
{
	json_t *document = output_json_document("vethlab.test/1"), *list = json_array();
	FILE *f = open_line();

	(void)state;
	assert_int_equal(output_finish(f, NULL), 0);
	output_json_set(document, "list", list);
	output_json_append(list, json_string("\xff"));
	output_json_line(document, f);
	assert_int_equal(line_len, 0);
	assert_int_not_equal(output_finish(f, NULL), 0);
	document = output_json_pack("{s:s}", "good", "part");
	output_json_line(document, f);
	fclose(f);
	assert_string_equal(line, "{\"good\":\"part\"}\n");
	f = open_line();
	output_json_merge(document = output_json_document("vethlab.test/1"), NULL);
	output_json_print(document, f);
	output_json_print(output_json_pack("{s:s}", "bad", "\xff"), f);
	fclose(f);
	assert_string_equal(line, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),    cmocka_unit_test(test_events),
		cmocka_unit_test(test_acts),	     cmocka_unit_test(test_no_utf8),
		cmocka_unit_test(test_missing_part), cmocka_unit_test(test_text_from_outside),
		cmocka_unit_test(test_plain),	     cmocka_unit_test(test_plain_everywhere),
		cmocka_unit_test(test_plain_name),
	};
	int ret = cmocka_run_group_tests(tests, story_setup, story_teardown);

	free(line);
	return ret;
}
