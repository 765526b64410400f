// SPDX-License-Identifier: GPL-2.0-only
/* test_symbols.c - addresses and the kernel's functions (user/watch/symbol_table.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "user/watch/symbol_table.h"

/* Not in order, as modules are not; data, absolute symbols and hidden addresses among them. */
static char text[] = "ffffffff81000000 T _stext\n"
		     "ffffffff81000100 t ip_rcv_core.isra.0\n"
		     "ffffffff81000200 T __dev_queue_xmit\n"
		     "ffffffff81000300 t tcp_v4_rcv.cold\n"
		     "ffffffff81000300 W tcp_v4_alias\n"
		     "ffffffff81000280 D net_data\n"
		     "0000000000000000 T hidden\n"
		     "ffffffff81000400 t __ip_append_data.part.12.constprop.3\n"
		     "ffffffff81000500 t icmp_rcv.llvm.9876543210\n"
		     "no address\n"
		     "ffffffffc0300000 t veth_xmit.isra.0\t[veth]\n"
		     "ffffffffc0200000 t br_forward\t[bridge]\n";

static struct symbol_table table;

static void read_text(void)
{
	FILE *file = fmemopen(text, strlen(text), "r");

	assert_non_null(file);
	assert_int_equal(symbol_table_read(&table, file), 0);
	fclose(file);
}

static const char *name_at(uint64_t address)
{
	const struct symbol *symbol = symbol_table_find(&table, address);

	return symbol ? symbol_table_name(&table, symbol) : NULL;
}

static void test_nearest(void **state)
{
	(void)state;
	read_text();
	assert_int_equal(table.n, 9);
	assert_null(name_at(0));
	assert_null(name_at(0xffffffff80ffffff));
	assert_string_equal(name_at(0xffffffff81000000), "_stext");
	assert_string_equal(name_at(0xffffffff810000ff), "_stext");
	assert_string_equal(name_at(0xffffffff81000200), "__dev_queue_xmit");
	assert_string_equal(name_at(0xffffffff810002ff), "__dev_queue_xmit"); /* over net_data */
	assert_string_equal(name_at(0xffffffff81000300), "tcp_v4_alias");     /* the last read */
	symbol_table_free(&table);
	assert_null(name_at(0xffffffff81000200));
}

static void test_suffixes(void **state)
{
	(void)state;
	read_text();
	assert_string_equal(name_at(0xffffffff81000105), "ip_rcv_core");
	assert_string_equal(name_at(0xffffffff81000405), "__ip_append_data");
	assert_string_equal(name_at(0xffffffff81000505), "icmp_rcv");
	for (size_t i = 0; i < table.n; i++)
		assert_null(strchr(symbol_table_name(&table, &table.list[i]), '.'));
	symbol_table_free(&table);
}

static void test_modules(void **state)
{
	(void)state;
	read_text();
	assert_string_equal(name_at(0xffffffffc0200010), "br_forward");
	assert_string_equal(name_at(0xffffffffc0300010), "veth_xmit");
	assert_true(symbol_table_find(&table, 0xffffffffc0300010)->of_module);
	assert_false(symbol_table_find(&table, 0xffffffff81000105)->of_module);
	/* No function is that long. */
	assert_string_equal(name_at(0xffffffffc03fffff), "veth_xmit");
	assert_null(name_at(0xffffffffc0400000));
	assert_null(name_at(UINT64_MAX));
	symbol_table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_suffixes),
		cmocka_unit_test(test_modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
