// SPDX-License-Identifier: GPL-2.0-only
/* test_reader_findings.c - what is wrong in a lab file is found with its line and column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/findings.h"
#include "topology/rules.h"
#include "topology/reader_walk.h"

static void test_bad_yaml(void **state)
{
	static const char zero[] = "lab: x\0\n";
	struct diags diags = {};
	char *text;

	(void)state;
	read_bad("", "1:1: error: a lab file is a map of `lab`, `nodes` and `links`, not nothing\n"
		     "\ta small lab is `lab: x`, `nodes:` and `links:`\n");
	read_bad("- lab\n",
		 "1:1: error: a lab file is a map of `lab`, `nodes` and `links`, not a list\n"
		 "\ta small lab is `lab: x`, `nodes:` and `links:`\n");
	read_bad("lab: x\nnodes: {a: &q {}, b: *q}\n",
		 "2:15: error: anchors (&name) are not used in lab files\n"
		 "\twrite the values out, or put them under `defaults:`\n");
	read_bad("lab: x\nabout: *q\n", "2:8: error: aliases (*name) are not used in lab files\n"
					"\twrite the values out, or put them under `defaults:`\n");
	read_bad("lab: !!str x\n", "1:12: error: tags (!name) are not used in lab files\n"
				   "\ttake the tag away\n");
	read_bad("lab: x\n---\nlab: y\n", "2:1: error: a lab file has one document\n"
					  "\tput the second lab into its own file\n");
	read_bad("{[a]: b}\n", "1:2: error: a key must be a word, not a list or a map\n");
	read_bad("lab: x\nabout: \xc3\xa9\xff\n", "2:9: error: byte 0xff is not UTF-8 text\n"
						  "\tsave the file as UTF-8\n");
	read_bad("lab: \xed\xa0\x80\n", "1:6: error: byte 0xed is not UTF-8 text\n"
					"\tsave the file as UTF-8\n");
	read_bad("lab: \xc0\x80\n", "1:6: error: byte 0xc0 is not UTF-8 text\n"
				    "\tsave the file as UTF-8\n");
	read_bad("lab: x\x1b\n", "1:7: error: control character 0x1b in a text file\n");
	read_bad("about: \"\\0\"\n", "1:8: error: a zero byte in a text\n");
	read_bad("lab: x\nabout: \xc2\x9b\n",
		 "2:8: error: control character 0x9b in a text file\n");
	read_bad("about: \"a\\e[2J\"\n", "1:8: error: control character 0x1b in a text\n");
	read_bad("about: \"\\x9b\"\n", "1:8: error: control character 0x9b in a text\n");
	read_bad("\"\\u007f\": x\n", "1:1: error: control character 0x7f in a text\n");
	read_bad("lab: x\nlinks: [{end: 'a:e', address: ${net}.1/24}]\n",
		 "2:32: error: missing comma in flow mapping\n"
		 "\tbetween { } and [ ] a text with ${ in it needs quotes: \"${net}.1/24\"\n");
	read_bad("lab: x\nnodes: {a: {}, b: {}\nlinks: []\n",
		 "3:1: error: wrongly indented flow mapping\n"
		 "\tthe { of line 2, column 8 is not closed there\n");
	read_bad("lab: x # [{\nnodes: {a: {routes: ['x]}', \"}\", default via 10.0.0.1}}\n",
		 "2:54: error: mismatched flow mapping end\n"
		 "\tthe [ of line 2, column 21 is not closed there\n");
	assert_null(lab_read_text(zero, sizeof(zero) - 1, "t", &diags));
	text = findings_text(&diags);
	assert_string_equal(text, "1:7: error: control character 0x00 in a text file\n");
	free(text);
	diags_free(&diags);
}
/* Files and words of other tools, and words with a letter too few. */
static void test_foreign_words(void **state)
{
	(void)state;
	read_bad("name: x\ntopology:\n  nodes: {a: {kind: linux}}\n",
		 "2:1: error: this is a containerlab file, not a lab file of vethlab\n"
		 "\tvethlab builds namespaces and veth links, without images: write `lab: NAME`, "
		 "`nodes:` and `links:` at the top level\n");
	read_bad("lab: x\nnodes: {a: {kind: switch}}\n",
		 "2:19: error: kind: \"switch\" is not plain or bridge\n"
		 "\ta switch is `kind: bridge`; a host or a router is plain, as without `kind`\n");
	read_bad("lab: x\nnodes: {a: {kind: bride}}\n",
		 "2:19: error: kind: \"bride\" is not plain or bridge\n"
		 "\tdid you mean \"bridge\"?\n");
	read_bad("lab: x\nnodes: {a: {routes: [{to: defualt, via: 10.0.0.1}]}}\n",
		 "2:27: error: to: \"defualt\" is not default or a prefix, like 10.0.0.0/24\n"
		 "\tdid you mean \"default\"?\n");
}
static void test_absurd(void **state)
{
	size_t len = YAML_SIZE_MAX + 1;
	char *text = malloc(len + 1);

	(void)state;
	memset(text, ' ', len);
	text[len] = '\0';
	read_bad(text, "1:1: error: a lab file has at most 16 MiB\n");
	memset(text, '[', 200000);
	text[200000] = '\0';
	read_bad(text, "1:17: error: lists and maps are more than 16 deep\n");
	for (size_t i = 0; i < 200000; i += 2)
		memcpy(text + i, "- ", 2);
	read_bad(text, "1:33: error: lists and maps are more than 16 deep\n");
	/* A value too many. */
	text[0] = '[';
	for (size_t i = 1; i < 2 * 1000 * 1000 + 9; i += 2)
		memcpy(text + i, "1,", 3);
	read_bad(text, "1:2000000: error: the file has more than 1000000 values\n");
	free(text);
}
/* A thousand findings are kept, and one says that there were more. */
static void test_many_findings(void **state)
{
	struct diags diags = {};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fputs("lab: x\nnodes:\n", f);
	for (int i = 0; i < 5000; i++)
		fprintf(f, "  n%d: {fooward: v4}\n", i);
	fclose(f);
	assert_null(lab_read_text(text, size, "t", &diags));
	assert_int_equal(diags.count, DIAGS_MAX + 1);
	assert_int_equal(diags.errors, DIAGS_MAX + 1);
	assert_string_equal(diags.list[0].what, "there are more findings than these 1000");
	assert_int_equal(diags.list[0].where.line, 0);
	assert_int_equal(diags.list[1].where.line, 3);
	assert_string_equal(diags.list[1].hint, "did you mean \"forward\"?");
	diags_free(&diags);
	free(text);
}
static void test_all_at_once(void **state)
{
	(void)state;
	read_bad(
		"lab: a/b\n"
		"abot: x\n"
		"nodes:\n"
		"  alpha: {netns: hosts, foo: 1}\n"
		"  b:\n"
		"  \xc3\xa9: {}\n"
		"  \"-x\": {}\n"
		"  b: {forward: v5}\n"
		"links:\n"
		"- endpoints: ['alpha:veth0123456789012', 'alhpa:eth0']\n"
		"- endpoints: [alpha, b, b]\n"
		"- endpoints: [alpha, b]\n"
		"  mtu: 10\n"
		"  features: {tos: on}\n"
		"- endpoints:\n"
		"  - {end: 'alpha:eth9', address: 10.0.0.1, mac: 01:00:00:00:00:00}\n"
		"  - {end: 'b:eth9', adress: 10.0.0.1/24, up: maybe}\n"
		"- [alpha, b]\n"
		"- {}\n",
		"1:6: error: lab: \"a/b\": a lab name is made of the letters A-Z and a-z, digits, "
		"'_' and '-'\n"
		"2:1: error: unknown key \"abot\" in a lab\n"
		"\tdid you mean \"about\"?\n"
		"4:18: error: netns: \"hosts\" is not new, host or a path like /run/netns/x\n"
		"4:25: error: unknown key \"foo\" in a node\n"
		"\tkeys of a node: netns, pid, kind, forward, lo, sysctls, routes, neighbors, "
		"exec, nft, vars, dev, address, addresses, stp, vlan_filtering, ageing\n"
		"6:3: error: \"\xc3\xa9\": a node name is made of the letters A-Z and a-z, digits, "
		"'.', '_' and '-'\n"
		"7:3: error: \"-x\": a node name starts with a letter, a digit or '_'\n"
		"8:3: error: key \"b\" is written twice, first in line 5\n"
		"\tkeep one of the two\n"
		"10:15: error: \"alpha:veth0123456789012\": the kernel takes interface names of at "
		"most 15 characters\n"
		"10:42: error: there is no node \"alhpa\"\n"
		"\tdid you mean \"alpha\"?\n"
		"11:14: error: a link has two ends, not 3\n"
		"13:8: error: mtu: \"10\" is not a number from 68 to 65535\n"
		"14:14: error: unknown key \"tos\" in `features`\n"
		"\tdid you mean \"tso\"?\n"
		"16:11: error: alpha:eth9: the MAC address is a multicast address\n"
		"\tthe second hexadecimal digit must be even: 02:...\n"
		"16:34: error: address: \"10.0.0.1\" is not an address with its length, like "
		"10.0.0.1/24 or fd00::1/64\n"
		"\tadd how long its subnet is: 10.0.0.1/24\n"
		"17:21: error: unknown key \"adress\" in an end\n"
		"\tdid you mean \"address\"?\n"
		"17:46: error: up: \"maybe\" is not true or false\n"
		"18:3: error: a map of the keys of a link is expected, not a list\n"
		"19:3: error: the link has no ends\n"
		"\twrite `endpoints: [\"a:eth0\", \"b:eth0\"]`\n");
}
static void test_files(void **state)
{
	struct diags diags = {};

	(void)state;
	assert_null(lab_read_file("/nonexistent.yaml", &diags));
	assert_int_equal(diags.errors, 1);
	assert_string_equal(diags.list[0].what, "cannot read it: No such file or directory");
	assert_string_equal(diags.list[0].where.file, "/nonexistent.yaml");
	diags_free(&diags);
	assert_null(lab_read_file("/", &diags));
	assert_string_equal(diags.list[0].what, "cannot read it: Is a directory");
	diags_free(&diags);
	assert_null(lab_read_file("/dev/zero", &diags)); /* has no end */
	assert_string_equal(diags.list[0].what, "a lab file has at most 16 MiB");
	diags_free(&diags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_yaml),    cmocka_unit_test(test_foreign_words),
		cmocka_unit_test(test_absurd),	    cmocka_unit_test(test_many_findings),
		cmocka_unit_test(test_all_at_once), cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
