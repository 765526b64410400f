// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_kernel_types.c - types of a kernel (made here by libbpf) searched, and the part of them that
 * an object's relocations can ask for (user/watch/kernel_types.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "user/watch/kernel_types.h"

static struct btf *kernel, *object;
static struct kernel_types *types;
static int id_int, id_inner, id_device, id_packet, id_reason;

/* "device", which is large, "packet", which points to one, an enum, three tracepoints' typedefs. */
static int make_kernel(void **state)
{
	int id, args;

	(void)state;
	kernel = btf__new_empty();
	id_int = btf__add_int(kernel, "int", 4, BTF_INT_SIGNED);
	id_inner = btf__add_struct(kernel, "", 8);
	btf__add_field(kernel, "length", id_int, 0, 0);
	btf__add_field(kernel, "secret", id_int, 32, 0);
	id_device = btf__add_struct(kernel, "device", 64);
	btf__add_field(kernel, "other", id_int, 0, 0);
	btf__add_field(kernel, "ifindex", id_int, 256, 0);
	id = btf__add_ptr(kernel, id_device);
	id_packet = btf__add_struct(kernel, "packet", 32);
	btf__add_field(kernel, "", id_inner, 64, 0);
	btf__add_field(kernel, "device", id, 128, 0);
	id = btf__add_array(kernel, id_int, id_int, 2);
	btf__add_field(kernel, "places", id, 192, 0);
	btf__add_struct(kernel, "unasked", 4);
	btf__add_field(kernel, "ifindex", id_int, 0, 0);
	id_reason = btf__add_enum(kernel, "reason", 4);
	btf__add_enum_value(kernel, "REASON_A", 3);
	btf__add_enum_value(kernel, "REASON_B", 7);
	for (args = 1; args <= 3; args++) {
		char name[32];

		snprintf(name, sizeof(name), "btf_trace_point%d", args);
		id = btf__add_func_proto(kernel, 0);
		for (int i = 0; i < args; i++)
			btf__add_func_param(kernel, "", id_int);
		id = btf__add_ptr(kernel, id);
		btf__add_typedef(kernel, name, id);
	}
	btf__add_struct(kernel, "odd____name", 4);
	btf__add_field(kernel, "part___of_it", id_int, 0, 0);
	btf__add_struct(kernel, "twice___one", 4);
	btf__add_field(kernel, "ifindex", id_int, 0, 0);
	btf__add_struct(kernel, "___lead", 4);
	btf__add_field(kernel, "ifindex", id_int, 0, 0);
	btf__add_struct(kernel, "other___kernels", 4);
	btf__add_field(kernel, "ifindex", id_int, 0, 0);
	/* More than one stride of types. */
	for (int i = 0; i < 40; i++)
		btf__add_ptr(kernel, id_int);
	return 0;
}

/* What a program knows of them: another layout, a flavor, no array. */
static void make_object(void)
{
	int number;

	object = btf__new_empty();
	number = btf__add_int(object, "int", 4, BTF_INT_SIGNED);
	btf__add_struct(object, "device___old", 4);
	btf__add_field(object, "ifindex", number, 0, 0);
	btf__add_struct(object, "packet", 4);
	btf__add_field(object, "length", number, 0, 0);
	btf__add_field(object, "device", number, 0, 0);
	btf__add_enum(object, "reason", 4);
	btf__add_enum_value(object, "REASON_B", 1);
	btf__add_struct(object, "nowhere", 4);
	btf__add_struct(object, "odd____name", 4);
	btf__add_field(object, "part___of_it", number, 0, 0);
	btf__add_struct(object, "twice___one___two", 4);
	btf__add_struct(object, "___lead", 4);
	btf__add_struct(object, "other", 4);
}

static int open_kernel(void **state)
{
	uint32_t size;
	const void *raw;

	make_kernel(state);
	make_object();
	raw = btf__raw_data(kernel, &size);
	return kernel_types_parse(&types, raw, size);
}

static int close_kernel(void **state)
{
	(void)state;
	kernel_types_free(types);
	btf__free(kernel);
	btf__free(object);
	return 0;
}

static void test_find(void **state)
{
	unsigned n_args = 0;

	(void)state;
	assert_int_equal(kernel_types_n(types), btf__type_cnt(kernel) - 1);
	for (uint32_t id = 1; id < btf__type_cnt(kernel); id++)
		assert_memory_equal(kernel_types_get(types, id), btf__type_by_id(kernel, id),
				    sizeof(struct btf_type));
	assert_null(kernel_types_get(types, 0));
	assert_null(kernel_types_get(types, btf__type_cnt(kernel)));
	assert_int_equal(kernel_types_find(types, BTF_KIND_ENUM, "reason"), id_reason);
	assert_int_equal(kernel_types_find(types, BTF_KIND_STRUCT, "reason"), 0);
	assert_int_equal(kernel_types_tracepoint(types, "point3", &n_args),
			 btf__find_by_name_kind(kernel, "btf_trace_point3", BTF_KIND_TYPEDEF));
	assert_int_equal(n_args, 2); /* the first is the program's context */
	assert_int_equal(kernel_types_tracepoint(types, "point", NULL), 0);
}

static const struct btf_member *member(const struct btf *btf, const char *type, const char *name)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	const struct btf_type *t;

	assert_true(id > 0);
	t = btf__type_by_id(btf, id);
	for (int i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), name))
			return &btf_members(t)[i];
	return NULL;
}

/* To be freed by btf__free(). */
static struct btf *make_subset(void)
{
	struct btf *subset;
	size_t size;
	void *raw = kernel_subset_make(types, object, &size);

	assert_non_null(raw);
	subset = btf__new(raw, size);
	free(raw);
	assert_non_null(subset);
	return subset;
}

/* What libbpf takes for a flavor, and what it does not: of the object and of the kernel. */
static void test_flavors(void **state)
{
	struct btf *subset = make_subset();

	(void)state;
	assert_non_null(member(subset, "odd____name", "part___of_it"));
	assert_true(btf__find_by_name(subset, "twice___one") < 0); /* of "twice", not of this */
	assert_true(btf__find_by_name(subset, "___lead") > 0);
	assert_true(btf__find_by_name(subset, "other___kernels") > 0);
	btf__free(subset);
}

static void test_subset(void **state)
{
	const struct btf_member *found;
	const struct btf_type *type;
	struct btf *subset = make_subset();

	(void)state;
	assert_int_equal(btf__find_by_name(subset, "unasked"), -ENOENT);
	assert_int_equal(btf__find_by_name(subset, "nowhere"), -ENOENT);

	/* Sizes and places are the kernel's. */
	type = btf__type_by_id(subset, btf__find_by_name(subset, "device"));
	assert_int_equal(type->size, 64);
	assert_int_equal(member(subset, "device", "ifindex")->offset, 256);
	assert_null(member(subset, "device", "other"));
	assert_null(member(subset, "packet", "places"));

	/* A pointer stays one, and leads to nothing. */
	found = member(subset, "packet", "device");
	assert_int_equal(found->offset, 128);
	type = btf__type_by_id(subset, found->type);
	assert_true(btf_is_ptr(type));
	assert_int_equal(type->type, 0);

	/* Members of an unnamed struct are looked for in it. */
	found = member(subset, "packet", "");
	assert_int_equal(found->offset, 64);
	type = btf__type_by_id(subset, found->type);
	assert_int_equal(btf_vlen(type), 1);
	assert_string_equal(btf__name_by_offset(subset, btf_members(type)[0].name_off), "length");

	type = btf__type_by_id(subset, btf__find_by_name(subset, "reason"));
	assert_int_equal(btf_vlen(type), 2);
	assert_int_equal(btf_enum(type)[1].val, 7);
	btf__free(subset);
}

/* Cut anywhere, or with another kind or length in it: an error, or types that end in time. */
static void test_malformed(void **state)
{
	struct kernel_types *cut = NULL;
	uint32_t size;
	const void *raw = btf__raw_data(kernel, &size);
	char *copy = malloc(size);

	(void)state;
	for (uint32_t n = 0; n < size; n++) {
		memcpy(copy, raw, n);
		assert_int_equal(kernel_types_parse(&cut, copy, n), -EINVAL);
		assert_null(cut);
	}
	for (uint32_t n = 0; n < size; n++) {
		memcpy(copy, raw, size);
		copy[n] ^= 0x5f;
		if (kernel_types_parse(&cut, copy, size))
			continue;
		kernel_types_find(cut, BTF_KIND_STRUCT, "none");
		kernel_types_tracepoint(cut, "none", NULL);
		free(kernel_subset_make(cut, object, &(size_t){0}));
		kernel_types_free(cut);
		cut = NULL;
	}
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_subset),
		cmocka_unit_test(test_flavors),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, open_kernel, close_kernel);
}
