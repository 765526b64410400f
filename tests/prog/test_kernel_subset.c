// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_kernel_subset.c - of the running kernel's types, what the programs at its tracepoints get
 * (user/watch/kernel_types.h) says the same of each member, and of each tracepoint, as all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf/vethlab.h"

#include "bpf/drops.skel.h"
#include "bpf/node_trace.skel.h"
#include "user/watch/kernel_types.h"

struct place {
	unsigned bit;
	long long size; /* of the member, in bytes */
};

static struct btf *all;

/* A member of a type, or of an unnamed one in it. */
static bool find_member(const struct btf *btf, int id, const char *name, unsigned base,
			struct place *place)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = btf_members(type) + i;
		const char *its = btf__name_by_offset(btf, member->name_off);
		unsigned bit = base + btf_member_bit_offset(type, i);

		if (*its && !strcmp(its, name)) {
			*place = (struct place){bit, btf__resolve_size(btf, member->type)};
			return true;
		}
		if (!*its && btf_is_composite(btf__type_by_id(btf, member->type)) &&
		    find_member(btf, member->type, name, bit, place))
			return true;
	}
	return false;
}

/* How many members of one type of the object the kernel has: found alike in both. */
static int compare_type(const struct btf *object, const struct btf_type *type,
			const struct btf *subset)
{
	const char *name = btf__name_by_offset(object, type->name_off);
	int here = btf__find_by_name_kind(all, name, btf_kind(type)), n = 0;
	int there = btf__find_by_name_kind(subset, name, btf_kind(type));

	assert_int_equal(here > 0, there > 0);
	for (int i = 0; here > 0 && i < btf_vlen(type); i++) {
		const char *member = btf__name_by_offset(object, btf_members(type)[i].name_off);
		struct place a = {}, b = {};

		if (!*member)
			continue;
		assert_int_equal(find_member(all, here, member, 0, &a),
				 find_member(subset, there, member, 0, &b));
		assert_int_equal(a.bit, b.bit);
		assert_int_equal(a.size, b.size);
		n += a.size > 0;
	}
	return n;
}

static void compare(const void *elf, size_t elf_size, int least)
{
	struct bpf_object *opened = bpf_object__open_mem(elf, elf_size, NULL);
	const struct btf *object = bpf_object__btf(opened);
	size_t size;
	void *raw = kernel_subset_make(kernel_types(), object, &size);
	struct btf *subset = btf__new(raw, size);
	struct bpf_program *program;
	int n = 0;

	assert_non_null(subset);
	for (uint32_t id = 1; id < btf__type_cnt(object); id++) {
		const struct btf_type *type = btf__type_by_id(object, id);

		if (btf_is_composite(type) && type->name_off)
			n += compare_type(object, type, subset);
	}
	assert_true(n >= least);
	bpf_object__for_each_program(program, opened) {
		const char *point = strchr(bpf_program__section_name(program), '/') + 1;
		char name[64];
		int id;

		snprintf(name, sizeof(name), "btf_trace_%s", point);
		id = btf__find_by_name_kind(all, name, BTF_KIND_TYPEDEF);
		assert_int_equal(kernel_types_tracepoint(kernel_types(), point, NULL),
				 id > 0 ? id : 0);
	}
	btf__free(subset);
	free(raw);
	bpf_object__close(opened);
}

static void test_drops(void **state)
{
	size_t size;
	const void *elf = drops__elf_bytes(&size);

	(void)state;
	compare(elf, size, 10);
}

static void test_node_trace(void **state)
{
	size_t size;
	const void *elf = node_trace__elf_bytes(&size);

	(void)state;
	compare(elf, size, 30);
}

static int load_all(void **state)
{
	(void)state;
	all = btf__load_vmlinux_btf();
	return all && kernel_types() ? 0 : -1;
}

static int free_all(void **state)
{
	(void)state;
	btf__free(all);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_node_trace),
	};

	return cmocka_run_group_tests(tests, load_all, free_all);
}
