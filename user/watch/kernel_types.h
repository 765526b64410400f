/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_types.h - the running kernel's own types (BTF, Documentation/bpf/btf.rst): mapped, or read
 * where they cannot be mapped, once in a process, and searched by name.
 *
 * libbpf 1.1 reads the 5 MB page by page, copies them and looks at each type, for every object that
 * it loads: some 20 ms of CPU each time. From 6.16 on they can be mapped.
 */
#ifndef VETHLAB_USER_WATCH_KERNEL_TYPES_H
#define VETHLAB_USER_WATCH_KERNEL_TYPES_H

#include <linux/btf.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_types;

/*
 * They live as long as the process. NULL: this kernel has none, or in a form that is not known here
 * (errno: why).
 */
const struct kernel_types *kernel_types(void);

/*
 * size bytes of BTF, borrowed. -EINVAL: they are cut short, or have a kind of type whose size is
 * not known here; -ENOMEM. *out is untouched then, else for the caller to free.
 */
int kernel_types_parse(struct kernel_types **out, const void *raw, size_t size);
void kernel_types_free(struct kernel_types *types); /* NULL is allowed */

/* How many there are; ids are 1 to that. */
uint32_t kernel_types_n(const struct kernel_types *types);
/* A type, followed by what its kind has (btf.rst); NULL if there is none with that id. */
const struct btf_type *kernel_types_get(const struct kernel_types *types, uint32_t id);
/* The type behind another, or NULL at the end: for going through all of them in order of ids. */
const struct btf_type *kernel_types_next(const struct kernel_types *types,
					 const struct btf_type *type);
/* The name at an offset that a type has; "" if it has none. */
const char *kernel_types_name(const struct kernel_types *types, uint32_t offset);

/* The first type of a kind (BTF_KIND_*) and name; 0: none. */
uint32_t kernel_types_find(const struct kernel_types *types, uint32_t kind, const char *name);
/*
 * The type of a tracepoint ("kfree_skb"), which programs name to be attached there; 0: the kernel
 * has no such tracepoint. n_args: how many arguments it hands to programs; NULL is allowed.
 */
uint32_t kernel_types_tracepoint(const struct kernel_types *types, const char *name,
				 unsigned *n_args);

struct btf;
/*
 * Those types in the kernel that have a name of local's types (those of a BPF object), with the
 * members whose names are local's, and what they are made of: what relocations (CO-RE) of members
 * and of values of enums ask for. Those of whole types (bpf_core_type_exists() of a function's
 * type, type ids, type_matches) are not served: functions are left out, and ids are the subset's. A
 * BTF of *size bytes for the caller to free; NULL: out of memory.
 */
void *kernel_subset_make(const struct kernel_types *types, const struct btf *local, size_t *size);

#endif
