// SPDX-License-Identifier: GPL-2.0-only
/* test_graph.c - a lab drawn, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/findings.h"
#include "topology/draw.h"

static const char lan[] =
	"lab: lan\n"
	"about: \"a <small> \\\"LAN\\\"\"\n"
	"nodes:\n"
	"  sw: {kind: bridge, address: 10.0.0.9/24}\n"
	"  a: {lo: {address: 192.0.2.1/32}}\n"
	"  r: {forward: v4}\n"
	"links:\n"
	"- endpoints: [sw, {end: 'a:lan\"0', address: 10.0.0.1/24}]\n"
	"- endpoints: [sw, {end: r, addresses: [10.0.0.2/24, 'fd00::2/64'], up: false}]\n";

static void assert_drawing(enum draw_format format,
			   const char *(*note)(const struct end *near, void *arg),
			   const char *expected)
{
	struct lab *lab = read_good(lan);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	draw_lab(f, lab, format, note, NULL);
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
	lab_free(lab);
}

static const char *note(const struct end *near, void *arg)
{
	(void)arg;
	return near->link->index ? "5 \"lost\" & found" : NULL;
}

static void test_text(void **state)
{
	(void)state;
	assert_drawing(GRAPH_TEXT, NULL,
		       "lan: a <small> \"LAN\"\n"
		       "\n"
		       "sw (bridge)\n"
		       "  br0 10.0.0.9/24\n"
		       "  eth0 -- a:lan\"0\n"
		       "  eth1 -- r:eth0\n"
		       "\n"
		       "a (host)\n"
		       "  lo 192.0.2.1/32\n"
		       "  lan\"0 -- sw:eth0  10.0.0.1/24\n"
		       "\n"
		       "r (router)\n"
		       "  eth0 -- sw:eth1  10.0.0.2/24 fd00::2/64 (down)\n");
}

static void test_dot(void **state)
{
	(void)state;
	assert_drawing(
		GRAPH_DOT, note,
		"graph \"lan\" {\n"
		"\tlabel=\"a <small> \\\"LAN\\\"\";\n"
		"\tlayout=neato;\n\toverlap=false;\n\tsplines=true;\n"
		"\tnode [fontname=\"sans-serif\"];\n"
		"\tedge [fontname=\"sans-serif\", fontsize=9];\n"
		"\t\"sw\" [shape=ellipse, label=\"sw\\n10.0.0.9/24\"];\n"
		"\t\"a\" [shape=box, label=\"a\\nlo 192.0.2.1/32\"];\n"
		"\t\"r\" [shape=octagon, label=\"r\"];\n"
		"\t\"sw\" -- \"a\" [taillabel=\"eth0\", headlabel=\"lan\\\"0\\n10.0.0.1/24\"];\n"
		"\t\"sw\" -- \"r\" [taillabel=\"eth1\", headlabel=\"eth0\\n10.0.0.2/24\\n"
		"fd00::2/64\", label=\"5 \\\"lost\\\" & found\", style=dashed];\n"
		"}\n");
}

static void test_mermaid(void **state)
{
	(void)state;
	assert_drawing(GRAPH_MERMAID, note,
		       "graph LR\n"
		       "    n0([\"sw<br/>10.0.0.9/24\"])\n"
		       "    n1[\"a<br/>lo 192.0.2.1/32\"]\n"
		       "    n2{{\"r\"}}\n"
		       "    n0 ---|\"eth0<br/>lan#34;0 10.0.0.1/24\"| n1\n"
		       "    n0 -.-|\"eth1<br/>eth0 10.0.0.2/24 fd00::2/64<br/>5 #34;lost#34; #38; "
		       "found\"| n2\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_dot),
		cmocka_unit_test(test_mermaid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
