// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - check OBJECT: hold the types of an object's variables against the running kernel's
 * BTF. A variable api_X has a type of the user API: fields at the same offsets. A variable
 * kernel_X has a relocated one: each of its fields exists, with the same size. Enumerators have
 * the same values, whatever the enum is called there. Speaks TAP.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tests, failed;

static void result(bool good, const char *name, const char *fmt, ...)
{
	va_list args;

	printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, name);
	if (good)
		return;
	failed++;
	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

static const struct btf_type *resolve(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (btf_is_mod(t) || btf_is_typedef(t))
		t = btf__type_by_id(btf, t->type);
	return t;
}

/* Bits of a member that starts at bit *offset of t: of a bit field, its own. */
static __u32 member_bits(const struct btf *btf, const struct btf_type *t, int i)
{
	__u32 bits = btf_member_bitfield_size(t, i);

	return bits ? bits : 8 * (__u32)btf__resolve_size(btf, btf_members(t)[i].type);
}

/* A member of t, or of the structs and unions without a name in it. */
static bool find_member(const struct btf *btf, const struct btf_type *t, const char *name,
			__u32 *offset, __u32 *bits)
{
	for (int i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *its = btf__name_by_offset(btf, m->name_off);
		__u32 start = btf_member_bit_offset(t, i);

		if (!strcmp(its, name)) {
			*offset = start;
			*bits = member_bits(btf, t, i);
			return true;
		}
		if (!*its && btf_is_composite(resolve(btf, m->type)) &&
		    find_member(btf, resolve(btf, m->type), name, offset, bits)) {
			*offset += start;
			return true;
		}
	}
	return false;
}

static void check_struct(const struct btf *ours, const struct btf *kernel,
			 const struct btf_type *t, bool api)
{
	const char *name = btf__name_by_offset(ours, t->name_off);
	int id = btf__find_by_name_kind(kernel, name, BTF_KIND_STRUCT);
	char title[128];

	snprintf(title, sizeof(title), "struct %s", name);
	if (id < 0) {
		result(false, title, "the kernel has no such struct");
		return;
	}
	for (int i = 0; i < btf_vlen(t); i++) {
		const char *field = btf__name_by_offset(ours, btf_members(t)[i].name_off);
		__u32 offset, bits, mine = member_bits(ours, t, i);

		/* A struct inside a relocated one lists what is in use, and is checked itself. */
		if (!api && btf_is_composite(resolve(ours, btf_members(t)[i].type)))
			mine = 0;
		if (!find_member(kernel, btf__type_by_id(kernel, id), field, &offset, &bits)) {
			result(false, title, "the kernel has no field %s", field);
			return;
		}
		/* A flexible array has no size. */
		if (bits != mine && mine) {
			result(false, title, "%s has %u bits in the kernel, %u here", field, bits,
			       mine);
			return;
		}
		if (api && offset != btf_member_bit_offset(t, i)) {
			result(false, title, "%s is at byte %u in the kernel, %u here", field,
			       offset / 8, btf_member_bit_offset(t, i) / 8);
			return;
		}
	}
	result(true, title, NULL);
}

/* Value of an enumerator, in whatever enum it is. */
static bool find_enumerator(const struct btf *btf, const char *name, __s64 *value)
{
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		for (int i = 0; btf_is_enum(t) && i < btf_vlen(t); i++) {
			if (!strcmp(btf__name_by_offset(btf, btf_enum(t)[i].name_off), name)) {
				*value = btf_enum(t)[i].val;
				return true;
			}
		}
		for (int i = 0; btf_is_enum64(t) && i < btf_vlen(t); i++) {
			if (!strcmp(btf__name_by_offset(btf, btf_enum64(t)[i].name_off), name)) {
				*value = (__s64)btf_enum64_value(&btf_enum64(t)[i]);
				return true;
			}
		}
	}
	return false;
}

/* api: the values are promised; else they are relocated, and have to exist only. */
static void check_enum(const struct btf *ours, const struct btf *kernel, const struct btf_type *t,
		       bool api)
{
	char title[128];

	snprintf(title, sizeof(title), "enum %s", btf__name_by_offset(ours, t->name_off));
	for (int i = 0; i < btf_vlen(t); i++) {
		const struct btf_enum *e = &btf_enum(t)[i];
		const char *name = btf__name_by_offset(ours, e->name_off);
		__s64 value;

		if (!find_enumerator(kernel, name, &value)) {
			result(false, title, "the kernel has no %s", name);
			return;
		}
		if (api && (__u32)value != (__u32)e->val) {
			result(false, title, "%s is %lld in the kernel, %d here", name,
			       (long long)value, e->val);
			return;
		}
	}
	result(true, title, NULL);
}

int main(int argc, char **argv)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	struct btf *ours = argc == 2 ? btf__parse(argv[1], NULL) : NULL;

	if (!kernel) {
		printf("1..1\nok 1 # SKIP vmlinux: this kernel shows no BTF: %s\n",
		       strerror(errno));
		return 0;
	}
	if (!ours) {
		printf("Bail out! no BTF in %s\n", argc == 2 ? argv[1] : "nothing");
		return 1;
	}
	for (__u32 id = 1; id < btf__type_cnt(ours); id++) {
		const struct btf_type *var = btf__type_by_id(ours, id), *t;
		const char *name = btf__name_by_offset(ours, var->name_off);

		if (!btf_is_var(var))
			continue;
		t = resolve(ours, var->type);
		if (btf_is_struct(t))
			check_struct(ours, kernel, t, !strncmp(name, "api_", 4));
		else
			check_enum(ours, kernel, t, !strncmp(name, "api_", 4));
	}
	printf("1..%d\n", tests);
	btf__free(ours);
	btf__free(kernel);
	return failed != 0;
}
