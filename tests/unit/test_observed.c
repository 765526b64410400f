// SPDX-License-Identifier: GPL-2.0-only
/* test_observed.c - ends that were seen become pairs, nodes get names, and all of it a lab file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "topology/observed.h"

enum { HOST, WEB, DB, NAMESPACES };

/* What a namespace (row) calls another one. */
static const int32_t names[NAMESPACES][NAMESPACES] = {
	[HOST] = {-1, 0, 1},
	[WEB] = {0, -1, 5},
	[DB] = {3, 0, -1},
};

static unsigned asked;

static int32_t nsid(unsigned in, unsigned of, void *arg)
{
	(void)arg;
	asked++;
	return names[in][of];
}

static void assert_pair(const struct discovered_link *link, const char *first, const char *second)
{
	assert_string_equal(link->ends[0]->ifname, first);
	if (!second)
		assert_null(link->ends[1]);
	else
		assert_string_equal(link->ends[1]->ifname, second);
}

/* The same ifindexes everywhere: only the names of the namespaces tell which is whose. */
static void test_same_ifindexes(void **state)
{
	static const struct discovered_end ends[] = {
		{HOST, 2, 2, 1, "h-db", ""},  {HOST, 3, 2, 0, "h-web", ""},
		{WEB, 2, 3, 0, "w-host", ""}, {WEB, 7, 7, 5, "w-db", ""},
		{DB, 2, 2, 3, "d-host", ""},  {DB, 7, 7, 0, "d-web", ""},
	};
	struct discovered_link *links;
	size_t n;

	(void)state;
	assert_int_equal(observed_pair(ends, 6, nsid, NULL, &links, &n), 0);
	assert_int_equal(n, 3);
	assert_pair(&links[0], "h-db", "d-host");
	assert_pair(&links[1], "h-web", "w-host");
	assert_pair(&links[2], "w-db", "d-web");
	free(links);
}

static void test_one_namespace(void **state)
{
	static const struct discovered_end ends[] = {
		{HOST, 4, 5, SEEN_HERE, "a", ""},
		{HOST, 5, 4, SEEN_HERE, "b", ""},
		/* The same numbers elsewhere are another pair. */
		{WEB, 4, 5, SEEN_HERE, "c", ""},
		{WEB, 5, 4, SEEN_HERE, "d", ""},
	};
	struct discovered_link *links;
	size_t n;

	(void)state;
	asked = 0;
	assert_int_equal(observed_pair(ends, 4, nsid, NULL, &links, &n), 0);
	assert_int_equal(n, 2);
	assert_pair(&links[0], "a", "b");
	assert_pair(&links[1], "c", "d");
	assert_int_equal(asked, 0);
	free(links);
}

/* The peer is in a namespace that is not in the list; one that looks like it is. */
static void test_unseen_peer(void **state)
{
	static const struct discovered_end ends[] = {
		{HOST, 2, 9, 4, "alone", ""},	    /* a namespace that HOST calls 4 */
		{WEB, 9, 2, 8, "lookalike", ""},    /* of a third one */
		{HOST, 3, 3, SEEN_HERE, "own", ""}, /* no interface is its own peer */
		{DB, 6, 77, 0, "gone", ""},
	};
	struct discovered_link *links;
	size_t n;

	(void)state;
	assert_int_equal(observed_pair(ends, 4, nsid, NULL, &links, &n), 0);
	assert_int_equal(n, 4);
	assert_pair(&links[0], "alone", NULL);
	assert_pair(&links[1], "lookalike", NULL);
	assert_pair(&links[2], "own", NULL);
	assert_pair(&links[3], "gone", NULL);
	free(links);
	assert_int_equal(observed_pair(NULL, 0, nsid, NULL, &links, &n), 0);
	assert_int_equal(n, 0);
	free(links);
}

enum { MANY = 5000 };

static int32_t nsid_of_many(unsigned in, unsigned of, void *arg)
{
	(void)arg;
	asked++;
	return in ? 0 : (int32_t)of;
}

/* A host with thousands of containers, whose ends all have ifindex 2. */
static void test_many(void **state)
{
	struct discovered_end *ends = calloc(2 * MANY, sizeof(*ends));
	struct discovered_link *links;
	size_t n;

	(void)state;
	assert_non_null(ends);
	for (unsigned i = 0; i < MANY; i++) {
		ends[i] = (struct discovered_end){HOST, i + 10, 2, (int32_t)i + 1, "", ""};
		ends[MANY + i] = (struct discovered_end){i + 1, 2, i + 10, 0, "", ""};
	}
	asked = 0;
	assert_int_equal(observed_pair(ends, 2 * MANY, nsid_of_many, NULL, &links, &n), 0);
	assert_int_equal(n, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_ptr_equal(links[i].ends[1], &ends[MANY + i]);
	assert_int_equal(asked, MANY); /* not once for each of all others */
	free(links);
	free(ends);
}

static void assert_name(const char *raw, const char *expected)
{
	char name[NODE_NAME_MAX + 1];

	observed_node_name(raw, name);
	assert_string_equal(name, expected);
}

static bool is_one_of(const char *name, void *arg)
{
	for (const char *const *taken = arg; *taken; taken++)
		if (!strcmp(*taken, name))
			return true;
	return false;
}

static void test_names(void **state)
{
	const char *taken[] = {"web", "web-2", NULL};
	char name[NODE_NAME_MAX + 1] = "web", longest[100];

	(void)state;
	assert_name("web", "web");
	assert_name("cni-3f2a_1.x", "cni-3f2a_1.x");
	assert_name("my web/\xc3\xa9: a", "my-web-----a");
	assert_name("--x", "x");
	assert_name("..", "netns");
	assert_name("", "netns");
	assert_name("\xc3\xa9", "netns");
	memset(longest, 'n', 99);
	longest[99] = '\0';
	observed_node_name(longest, name);
	assert_int_equal(strlen(name), NODE_NAME_MAX);
	taken[0] = name;
	taken[1] = NULL;
	strcpy(longest, name);
	taken[0] = longest;
	observed_distinct(name, is_one_of, taken);
	assert_int_equal(strlen(name), NODE_NAME_MAX);
	assert_string_equal(name + NODE_NAME_MAX - 2, "-2");
	taken[0] = "web";
	taken[1] = "web-2";
	strcpy(name, "web");
	observed_distinct(name, is_one_of, taken);
	assert_string_equal(name, "web-3");
	assert_null(observed_ifname_problem("eth0"));
	assert_non_null(observed_ifname_problem("${x}"));
	assert_non_null(observed_ifname_problem("\xc3\xa9"));
}

static void test_drawn_names(void **state)
{
	(void)state;
	assert_true(observed_is_drawn("cni-6f1f2f6a-3a0e-4c0f-9b5d-0e7d3f0c2b11"));
	assert_true(observed_is_drawn("netns-6F1F2F6A-3a0e-4c0f-9b5d-0e7d3f0c2b11"));
	assert_true(observed_is_drawn("6f1f2f6a-3a0e-4c0f-9b5d-0e7d3f0c2b11"));
	assert_false(observed_is_drawn("6f1f2f6a-3a0e-4c0f-9b5d-0e7d3f0c2b1"));
	assert_false(observed_is_drawn("cni-6f1f2f6a-3a0e-4c0f-9b5d-0e7d3f0c2b1g"));
	assert_false(observed_is_drawn("cni-6f1f2f6a-3a0e-4c0f-9b5d00e7d3f0c2b11"));
	assert_false(observed_is_drawn("cni6f1f2f6a-3a0e-4c0f-9b5d-0e7d3f0c2b11"));
	assert_false(observed_is_drawn("web"));
	assert_false(observed_is_drawn(""));
}

static struct discovered_address address(unsigned netns, uint32_t ifindex, const char *text)
{
	struct discovered_address address = {.netns = netns, .ifindex = ifindex};

	assert_true(ip_prefix_parse(text, &address.prefix));
	return address;
}

/* What is written is read again, whatever the names and addresses are. */
static void test_written(void **state)
{
	static const struct observed_node nodes[] = {
		{"host", NETNS_HOST, NULL, 0, 0},
		{"it-s", NETNS_PATH, "/run/netns/it's", 0, 1},
		{"nginx-12", NETNS_PID, NULL, 12, 2},
		{"unseen", NETNS_NEW, NULL, 0, UINT32_MAX},
	};
	static const struct observed_link links[] = {
		{{0, 1}, {"v'0", "eth0"}, {3, 2}},
		{{0, 2}, {"v\"1", "eth0"}, {4, 2}},
		{{2, 3}, {"#x", "if9"}, {5, 9}},
	};
	const struct discovered_address addresses[] = {
		address(0, 1, "127.0.0.1/8"),	 address(0, 7, "172.17.0.1/16"),
		address(0, 3, "10.0.0.1/24"),	 address(0, 9, "10.0.0.1/24"),
		address(1, 2, "10.0.0.2/24"),	 address(1, 2, "fe80::1/64"),
		address(1, 2, "fd00::2/64"),	 address(2, 2, "10.0.0.2/24"),
		address(2, 5, "169.254.0.1/16"), address(2, 1, "::1/128"),
	};
	const struct observed observed = {"seen", nodes, 4, links, 3, addresses, 10};
	struct diags diags = {};
	struct end *end;
	char *text = NULL;
	struct lab *lab;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	observed_write(f, &observed);
	fclose(f);
	/* Two containers with the same address are worth a warning to their maker, not to us. */
	lab = lab_read_text(text, size, "seen", &diags);
	assert_int_equal(diags.errors, 0);
	diags_free(&diags);
	assert_string_equal(lab->name, "seen");
	assert_int_equal(lab->n_nodes, 4);
	assert_int_equal(lab->n_links, 3);
	assert_int_equal(lab->nodes[0]->netns, NETNS_HOST);
	assert_int_equal(lab->nodes[0]->n_lo_addresses, 1); /* docker0's; 10.0.0.1 is an end's */
	assert_string_equal(lab->nodes[1]->netns_path, "/run/netns/it's");
	assert_int_equal(lab->nodes[2]->netns_pid, 12);
	end = lab_find_end(lab, "host:v'0");
	assert_non_null(end);
	assert_int_equal(end->n_addresses, 1);
	assert_string_equal(end->peer->name, "it-s:eth0");
	assert_int_equal(end->peer->n_addresses, 2);
	assert_non_null(lab_find_end(lab, "host:v\"1"));
	assert_string_equal(lab_find_end(lab, "nginx-12:#x")->peer->name, "unseen:if9");
	assert_int_equal(lab_find_end(lab, "nginx-12:#x")->n_addresses, 1);
	lab_free(lab);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_ifindexes), cmocka_unit_test(test_one_namespace),
		cmocka_unit_test(test_unseen_peer),    cmocka_unit_test(test_many),
		cmocka_unit_test(test_names),	       cmocka_unit_test(test_written),
		cmocka_unit_test(test_drawn_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
