// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel_subset.c - the kernel's types that a BPF object's relocations can ask for, as a BTF of
 * their own (kernel_subset_make of kernel_types.h).
 *
 * Relocations follow members by name from a type with the same name as the object's, and never go
 * through a pointer: so pointers lead to nothing here, and members of other names are left out.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/base/hash.h"
#include "user/watch/kernel_types.h"

/* Names, borrowed, in a table that is at most half full. */
struct names {
	const char **slots;
	size_t *lengths;
	size_t room; /* a power of two */
};

struct buffer {
	char *bytes;
	size_t n, room;
};

struct subset {
	const struct kernel_types *kernel;
	struct names types, members; /* of the object */
	uint32_t *new_id;	     /* by the kernel's id; 0: not wanted (yet) */
	uint32_t *wanted;	     /* the kernel's ids, in the order of new ones */
	size_t n_wanted, wanted_room;
	struct buffer out, text;
	bool failed; /* out of memory */
};

static size_t names_slot(const struct names *names, const char *name, size_t length)
{
	size_t i = hash_fold(hash_bytes(HASH_START, name, length), names->room);

	while (names->slots[i] &&
	       (names->lengths[i] != length || memcmp(names->slots[i], name, length)))
		i = (i + 1) & (names->room - 1);
	return i;
}

static bool names_have(const struct names *names, const char *name, size_t length)
{
	return names->slots[names_slot(names, name, length)];
}

static int names_make(struct names *names, size_t most)
{
	names->room = 16;
	while (names->room < 2 * most)
		names->room *= 2;
	names->slots = calloc(names->room, sizeof(*names->slots));
	names->lengths = calloc(names->room, sizeof(*names->lengths));
	return names->slots && names->lengths ? 0 : -ENOMEM;
}

static void names_free(struct names *names)
{
	free(names->slots);
	free(names->lengths);
}

/*
 * "name___flavor" is "name", of the object's types and the kernel's. The last three underscores
 * that stand alone count, as for bpf_core_essential_name_len() of libbpf.
 */
static size_t length_without_flavor(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = length; i >= 5; i--) {
		const char *at = name + i - 4;

		if (at[-1] != '_' && !strncmp(at, "___", 3) && at[3] != '_')
			return i - 4;
	}
	return length;
}

static void names_add(struct names *names, const char *name, size_t length)
{
	size_t i;

	if (!length)
		return;
	i = names_slot(names, name, length);
	names->slots[i] = name;
	names->lengths[i] = length;
}

static void add_type_name(struct names *names, const char *name)
{
	names_add(names, name, length_without_flavor(name));
}

/* Members have no flavors. */
static void add_member_name(struct names *names, const char *name)
{
	names_add(names, name, strlen(name));
}

/* Kinds that a relocation can begin with. */
static bool is_root(const struct btf_type *type)
{
	return btf_is_composite(type) || btf_is_any_enum(type) || btf_is_typedef(type);
}

static int take_names(struct subset *subset, const struct btf *local)
{
	size_t n = btf__type_cnt(local), members = 0;

	for (uint32_t id = 1; id < n; id++)
		members += btf_vlen(btf__type_by_id(local, id));
	if (names_make(&subset->types, n) || names_make(&subset->members, members))
		return -ENOMEM;
	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *type = btf__type_by_id(local, id);

		if (is_root(type))
			add_type_name(&subset->types, btf__name_by_offset(local, type->name_off));
		for (int i = 0; btf_is_composite(type) && i < btf_vlen(type); i++)
			add_member_name(&subset->members,
					btf__name_by_offset(local, btf_members(type)[i].name_off));
	}
	return 0;
}

static void *append(struct subset *subset, struct buffer *buffer, const void *bytes, size_t n)
{
	char *at;

	if (subset->failed || array_reserve(&buffer->bytes, &buffer->room, buffer->n + n, 1)) {
		subset->failed = true;
		return NULL;
	}
	at = buffer->bytes + buffer->n;
	memcpy(at, bytes, n);
	buffer->n += n;
	return at;
}

static uint32_t add_name(struct subset *subset, uint32_t offset)
{
	const char *name = kernel_types_name(subset->kernel, offset);
	uint32_t at = subset->text.n;

	if (!*name)
		return 0;
	append(subset, &subset->text, name, strlen(name) + 1);
	return at;
}

static bool is_part_of_layouts(const struct btf_type *type)
{
	return is_root(type) || btf_is_int(type) || btf_is_float(type) || btf_is_ptr(type) ||
	       btf_is_array(type) || btf_is_mod(type);
}

/* The new id of a type of the kernel; 0 (void) for what is no part of any layout. */
static uint32_t want(struct subset *subset, uint32_t id)
{
	const struct btf_type *type = kernel_types_get(subset->kernel, id);

	if (!type || !is_part_of_layouts(type))
		return 0;
	if (subset->new_id[id])
		return subset->new_id[id];
	if (array_reserve(&subset->wanted, &subset->wanted_room, subset->n_wanted + 1,
			  sizeof(*subset->wanted))) {
		subset->failed = true;
		return 0;
	}
	subset->wanted[subset->n_wanted++] = id;
	return subset->new_id[id] = subset->n_wanted;
}

static void add_members(struct subset *subset, const struct btf_type *type, size_t at)
{
	const struct btf_member *members = btf_members(type);
	uint32_t n = 0, others = type->info & ~0xffffu;

	for (int i = 0; i < btf_vlen(type); i++) {
		const char *name = kernel_types_name(subset->kernel, members[i].name_off);
		struct btf_member member = members[i];

		/* What an unnamed member has is found as if it were the struct's own. */
		if (*name && !names_have(&subset->members, name, strlen(name)))
			continue;
		member.name_off = add_name(subset, member.name_off);
		member.type = want(subset, member.type);
		if (!append(subset, &subset->out, &member, sizeof(member)))
			return;
		n++;
	}
	((struct btf_type *)(subset->out.bytes + at))->info = others | n;
}

/* All values of an enum. Both kinds of them begin with the name. */
static void add_values(struct subset *subset, const struct btf_type *type, size_t size)
{
	const char *value = (const char *)(type + 1);

	for (int i = 0; i < btf_vlen(type); i++, value += size) {
		uint32_t name = add_name(subset, *(const uint32_t *)value);
		char *at = append(subset, &subset->out, value, size);

		if (at)
			memcpy(at, &name, sizeof(name));
	}
}

static void add_type(struct subset *subset, uint32_t id)
{
	const struct btf_type *type = kernel_types_get(subset->kernel, id);
	struct btf_type copy = *type;
	size_t at = subset->out.n;
	struct btf_array array;

	copy.name_off = add_name(subset, type->name_off);
	if (btf_is_ptr(type))
		copy.type = 0;
	else if (btf_is_typedef(type) || btf_is_mod(type))
		copy.type = want(subset, type->type);
	if (!append(subset, &subset->out, &copy, sizeof(copy)))
		return;
	if (btf_is_int(type)) {
		append(subset, &subset->out, type + 1, sizeof(uint32_t));
	} else if (btf_is_array(type)) {
		array = *btf_array(type);
		array.type = want(subset, array.type);
		array.index_type = want(subset, array.index_type);
		append(subset, &subset->out, &array, sizeof(array));
	} else if (btf_is_composite(type)) {
		add_members(subset, type, at);
	} else if (btf_is_enum(type)) {
		add_values(subset, type, sizeof(struct btf_enum));
	} else if (btf_is_enum64(type)) {
		add_values(subset, type, sizeof(struct btf_enum64));
	}
}

static int collect(struct subset *subset, const struct btf *local)
{
	const struct btf_type *type = kernel_types_get(subset->kernel, 1);
	const char *name;

	subset->new_id = calloc(kernel_types_n(subset->kernel) + 1, sizeof(*subset->new_id));
	if (!subset->new_id || take_names(subset, local))
		return -ENOMEM;
	append(subset, &subset->text, "", 1);
	for (uint32_t id = 1; type; id++, type = kernel_types_next(subset->kernel, type)) {
		if (!type->name_off || !is_root(type))
			continue;
		name = kernel_types_name(subset->kernel, type->name_off);
		if (names_have(&subset->types, name, length_without_flavor(name)))
			want(subset, id);
	}
	for (size_t i = 0; i < subset->n_wanted && !subset->failed; i++)
		add_type(subset, subset->wanted[i]);
	return subset->failed ? -ENOMEM : 0;
}

static void *join(const struct subset *subset, size_t *size)
{
	const struct btf_header header = {.magic = BTF_MAGIC,
					  .version = BTF_VERSION,
					  .hdr_len = sizeof(header),
					  .type_len = subset->out.n,
					  .str_off = subset->out.n,
					  .str_len = subset->text.n};
	char *btf = malloc(sizeof(header) + subset->out.n + subset->text.n);

	if (!btf)
		return NULL;
	memcpy(btf, &header, sizeof(header));
	memcpy(btf + sizeof(header), subset->out.bytes, subset->out.n);
	memcpy(btf + sizeof(header) + subset->out.n, subset->text.bytes, subset->text.n);
	*size = sizeof(header) + subset->out.n + subset->text.n;
	return btf;
}

void *kernel_subset_make(const struct kernel_types *types, const struct btf *local, size_t *size)
{
	struct subset subset = {.kernel = types};
	void *btf = collect(&subset, local) ? NULL : join(&subset, size);

	names_free(&subset.types);
	names_free(&subset.members);
	free(subset.new_id);
	free(subset.wanted);
	free(subset.out.bytes);
	free(subset.text.bytes);
	return btf;
}
