// SPDX-License-Identifier: GPL-2.0-only
/* test_model.c - look-ups in a lab, names, errors and findings. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/findings.h"
#include "user/base/strmap.h"

static const char two_links[] =
	"lab: x\n"
	"nodes:\n"
	"  a: {lo: {address: 10.9.9.9/32}}\n"
	"  b: {}\n"
	"  br: {kind: bridge, address: 10.0.1.9/24}\n"
	"links:\n"
	"- endpoints: [{end: a, address: 10.0.0.1/24}, {end: b, address: 10.0.0.2/24}]\n"
	"- endpoints: [{end: 'b:p', address: 10.0.1.1/24}, br]\n";

/* Who owns an address, as "node" or "node:interface". */
static const char *owner(const struct lab *lab, const char *text)
{
	struct node *node = NULL;
	struct end *end = NULL;
	struct ip_addr addr;

	assert_true(ip_parse(text, &addr));
	if (!lab_find_address(lab, &addr, &node, &end))
		return NULL;
	return end ? end->name : node->name;
}

static void check_lookups(const struct lab *lab)
{
	assert_ptr_equal(lab_find_node(lab, "b"), lab->nodes[1]);
	assert_null(lab_find_node(lab, "c"));
	assert_ptr_equal(lab_find_end(lab, "b:p"), lab_end(lab, 2));
	assert_ptr_equal(lab_find_end(lab, "br:eth0"), lab_end(lab, 3));
	assert_null(lab_find_end(lab, "b:eth1"));
	assert_null(lab_find_end(lab, "b"));
	assert_string_equal(owner(lab, "10.0.0.1"), "a:eth0");
	assert_string_equal(owner(lab, "10.0.1.1"), "b:p");
	assert_string_equal(owner(lab, "10.9.9.9"), "a");
	assert_string_equal(owner(lab, "10.0.1.9"), "br");
	assert_null(owner(lab, "10.0.0.3"));
	assert_null(owner(lab, "fd00::1"));
}

static void test_lookups(void **state)
{
	struct lab *lab = read_good(two_links);
	struct lab_index *index = lab->index;

	(void)state;
	assert_non_null(index);
	check_lookups(lab);
	lab->index = NULL; /* one by one gives the same */
	check_lookups(lab);
	lab->index = index;
	assert_int_equal(lab_index(lab), 0); /* again: replaces it */
	check_lookups(lab);
	lab_free(lab);
	lab_free(NULL);
}

static void test_lab_names(void **state)
{
	static const char *const good[] = {"x", "blue", "a-b_C9", "0",
					   "0123456789012345678901234567890"};
	static const char *const bad[] = {
		"",    "-x",  "a/b", "..",	 ".",
		"a b", "a\n", "a.b", "\xc3\xa9", "01234567890123456789012345678901"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_null(lab_name_problem(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(lab_name_problem(bad[i]));
}

static void test_nearest(void **state)
{
	static const char *const names[] = {"address", "addresses", "up", "mtu", "default"};
	static const struct {
		const char *typed, *near;
	} rows[] = {
		{"adress", "address"},
		{"addresess", "addresses"},
		{"pu", NULL},
		{"MTU", "mtu"},
		{"mut", "mtu"},
		{"deafult", "default"},
		{"x", NULL},
		{"dflt", NULL},
		{"def", "default"}, /* the only one that begins so */
		{"de", NULL},
		{"addr", NULL}, /* two do */
		{"", NULL},
		{"network", NULL},
		{"0123456789012345678901234567890123456789012345678901234567890123456789", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *near = nearest_name(rows[i].typed, names, 5);

		if (rows[i].near)
			assert_string_equal(near, rows[i].near);
		else
			assert_null(near);
	}
}

static void test_names(void **state)
{
	static char keys[3000][8];
	struct strmap names = {};

	(void)state;
	assert_null(strmap_find(&names, "0"));
	for (int i = 0; i < 3000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%d", i);
		assert_ptr_equal(strmap_add(&names, keys[i], keys[i]), keys[i]);
	}
	assert_ptr_equal(strmap_add(&names, "77", &names), keys[77]); /* the first stays */
	assert_int_equal(names.count, 3000);
	for (int i = 0; i < 3000; i++)
		assert_ptr_equal(strmap_find(&names, keys[i]), keys[i]);
	assert_null(strmap_find(&names, "3000"));
	strmap_free(&names);
	assert_null(strmap_find(&names, "1"));
}

static void test_err(void **state)
{
	struct err err = {};

	(void)state;
	assert_int_equal(err_set(NULL, ERR_SYSTEM, EBUSY, "x"), -EBUSY);
	assert_int_equal(err_set(&err, ERR_SYSTEM, ENOMEM, "first %d", 1), -ENOMEM);
	assert_int_equal(err_set(&err, ERR_USAGE, 0, "second"), -EINVAL);
	err_hint(&err, "do %s", "this");
	err_hint(&err, "or that");
	err_at(&err, (struct where){"f", 3, 4});
	err_at(&err, (struct where){"g", 5, 6});
	assert_string_equal(err.what, "first 1");
	assert_string_equal(err.hint, "do this");
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(err.error, ENOMEM);
	assert_int_equal(err.where.line, 3);
	err_clear(&err);
	assert_int_equal(err.code, ERR_NONE);
	assert_string_equal(err.what, "");
}

static void test_diags(void **state)
{
	struct diags diags = {};
	char *text;

	(void)state;
	for (int i = 0; i < 40; i++)
		diags_add(&diags, i % 2 ? SEVERITY_ERROR : SEVERITY_WARNING,
			  (struct where){"f", i % 3, i % 2}, i ? NULL : "hint", "%d", i);
	assert_int_equal(diags.count, 40);
	assert_int_equal(diags.errors, 20);
	diags_sort(&diags);
	for (size_t i = 1; i < diags.count; i++) {
		struct diag *a = &diags.list[i - 1], *b = &diags.list[i];
		int order = (a->where.line - b->where.line) * 2 + a->where.column - b->where.column;

		assert_true(order < 0 || (order == 0 && atoi(a->what) < atoi(b->what)));
	}
	text = findings_text(&diags);
	assert_true(strncmp(text, "0:0: warning: 0\n\thint\n0:0: warning: 6\n", 38) == 0);
	free(text);
	diags_free(&diags);
	assert_int_equal(diags.count, 0);
	diags_free(NULL);
}

/* What comes after the last place is told by one finding, as bad as the worst of the rest. */
static void test_many_diags(void **state)
{
	struct diags diags = {};

	(void)state;
	for (int i = 0; i < DIAGS_MAX + 7; i++)
		diags_add(&diags, SEVERITY_WARNING, (struct where){"f", 1, 1}, NULL, "%d", i);
	assert_int_equal(diags.count, DIAGS_MAX + 1);
	assert_int_equal(diags.errors, 0);
	for (int i = 0; i < 3; i++)
		diags_add(&diags, SEVERITY_ERROR, (struct where){"f", 1, 1}, NULL, "error %d", i);
	assert_int_equal(diags.count, DIAGS_MAX + 1);
	assert_int_equal(diags.errors, 1);
	assert_int_equal(diags.list[DIAGS_MAX].severity, SEVERITY_ERROR);
	diags_free(&diags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookups),	   cmocka_unit_test(test_lab_names),
		cmocka_unit_test(test_nearest),	   cmocka_unit_test(test_names),
		cmocka_unit_test(test_err),	   cmocka_unit_test(test_diags),
		cmocka_unit_test(test_many_diags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
