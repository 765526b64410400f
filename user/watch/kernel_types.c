// SPDX-License-Identifier: GPL-2.0-only
/* kernel_types.c - see kernel_types.h. */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/watch/kernel_types.h"

#define TYPES_FILE "/sys/kernel/btf/vmlinux"
#define TRACEPOINT "btf_trace_"

/* The place of every so manieth type is kept: the others are found from there. */
enum { STRIDE = 16 };

struct kernel_types {
	const char *types, *types_end, *names, *names_end;
	uint32_t n;
	uint32_t *places; /* of types 1, 1 + STRIDE ..., from `types` */
	size_t n_places, places_room;
	uint32_t *tracepoints; /* ids of the typedefs that tracepoints have */
	size_t n_tracepoints, tracepoints_room;
};

/* Bytes behind a struct btf_type, by its kind. SIZE_MAX: not a kind that is known here. */
static size_t extra_size(const struct btf_type *type)
{
	size_t n = btf_vlen(type);

	switch (btf_kind(type)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	}
	return SIZE_MAX;
}

const struct btf_type *kernel_types_next(const struct kernel_types *types,
					 const struct btf_type *type)
{
	const char *next = (const char *)(type + 1) + extra_size(type);

	return next < types->types_end ? (const void *)next : NULL;
}

const char *kernel_types_name(const struct kernel_types *types, uint32_t offset)
{
	return offset < (size_t)(types->names_end - types->names) ? types->names + offset : "";
}

static int note_type(struct kernel_types *types, const struct btf_type *type)
{
	const char *at = (const char *)type;

	if (types->n++ % STRIDE == 0) {
		if (array_reserve(&types->places, &types->places_room, types->n_places + 1,
				  sizeof(*types->places)))
			return -ENOMEM;
		types->places[types->n_places++] = (uint32_t)(at - types->types);
	}
	if (btf_kind(type) != BTF_KIND_TYPEDEF ||
	    strncmp(kernel_types_name(types, type->name_off), TRACEPOINT, strlen(TRACEPOINT)))
		return 0;
	if (array_reserve(&types->tracepoints, &types->tracepoints_room, types->n_tracepoints + 1,
			  sizeof(*types->tracepoints)))
		return -ENOMEM;
	types->tracepoints[types->n_tracepoints++] = types->n;
	return 0;
}

/* Every type must be whole, and of a kind whose size is known; names end within their section. */
static int index_types(struct kernel_types *types)
{
	const char *at = types->types;

	if (types->names == types->names_end || types->names_end[-1])
		return -EINVAL;
	while (at < types->types_end) {
		const struct btf_type *type = (const void *)at;
		size_t left = types->types_end - at, extra;
		int ret;

		if (left < sizeof(*type))
			return -EINVAL;
		extra = extra_size(type);
		if (extra > left - sizeof(*type))
			return -EINVAL;
		ret = note_type(types, type);
		if (ret)
			return ret;
		at += sizeof(*type) + extra;
	}
	return 0;
}

static int take_sections(struct kernel_types *types, const void *raw, size_t size)
{
	const struct btf_header *header = raw;
	const char *sections;
	size_t left;

	if (size < sizeof(*header) || header->magic != BTF_MAGIC || header->hdr_len > size)
		return -EINVAL;
	sections = (const char *)raw + header->hdr_len;
	left = size - header->hdr_len;
	if (header->type_off > left || header->type_len > left - header->type_off ||
	    header->str_off > left || header->str_len > left - header->str_off ||
	    header->type_off % 4)
		return -EINVAL;
	types->types = sections + header->type_off;
	types->types_end = types->types + header->type_len;
	types->names = sections + header->str_off;
	types->names_end = types->names + header->str_len;
	return index_types(types);
}

/*
 * Mapped where the kernel allows that (6.16), else read; it hands out a page at a time. *error: why
 * not.
 */
static void *read_file(size_t *size, int *error)
{
	cleanup_close int fd = open(TYPES_FILE, O_RDONLY | O_CLOEXEC);
	cleanup_free char *bytes = NULL;
	struct stat st;
	void *mapped;
	size_t n = 0;
	ssize_t ret;

	if (fd < 0 || fstat(fd, &st)) {
		*error = errno;
		return NULL;
	}
	*size = st.st_size;
	mapped = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped != MAP_FAILED)
		return mapped;
	bytes = malloc(*size ? *size : 1);
	while (bytes && n < *size) {
		ret = read(fd, bytes + n, *size - n);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0) {
			*error = errno;
			return NULL;
		}
		if (!ret)
			break;
		n += ret;
	}
	*error = ENOMEM; /* unless there are bytes */
	*size = n;
	return cleanup_take(bytes);
}

int kernel_types_parse(struct kernel_types **out, const void *raw, size_t size)
{
	struct kernel_types *types = calloc(1, sizeof(*types));
	int ret = types ? take_sections(types, raw, size) : -ENOMEM;

	if (ret)
		kernel_types_free(types);
	else
		*out = types;
	return ret;
}

void kernel_types_free(struct kernel_types *types)
{
	if (!types)
		return;
	free(types->places);
	free(types->tracepoints);
	free(types);
}

/* For the life of the process, as is what they point into. */
static struct kernel_types *found;
static int found_error;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find_types(void)
{
	const void *raw = NULL;
	struct btf *elsewhere;
	size_t size = 0;
	__u32 length;

	raw = read_file(&size, &found_error);
	if (!raw) { /* there are other places, which libbpf knows */
		elsewhere = btf__load_vmlinux_btf();
		raw = elsewhere ? btf__raw_data(elsewhere, &length) : NULL;
		size = raw ? length : 0;
	}
	if (raw)
		found_error = -kernel_types_parse(&found, raw, size);
	else if (found_error == ENOENT)
		found_error = EOPNOTSUPP;
}

const struct kernel_types *kernel_types(void)
{
	pthread_once(&once, find_types);
	if (!found)
		errno = found_error;
	return found;
}

uint32_t kernel_types_n(const struct kernel_types *types)
{
	return types->n;
}

const struct btf_type *kernel_types_get(const struct kernel_types *types, uint32_t id)
{
	const struct btf_type *type;

	if (!id || id > types->n)
		return NULL;
	type = (const void *)(types->types + types->places[(id - 1) / STRIDE]);
	for (uint32_t i = (id - 1) % STRIDE; i; i--)
		type = kernel_types_next(types, type);
	return type;
}

uint32_t kernel_types_find(const struct kernel_types *types, uint32_t kind, const char *name)
{
	const struct btf_type *type = kernel_types_get(types, 1);

	for (uint32_t id = 1; type; id++, type = kernel_types_next(types, type))
		if (btf_kind(type) == kind &&
		    !strcmp(kernel_types_name(types, type->name_off), name))
			return id;
	return 0;
}

/* A tracepoint's type is a pointer to a function of the program's context and the arguments. */
static unsigned count_args(const struct kernel_types *types, const struct btf_type *type)
{
	for (int i = 0; i < 4 && type && (btf_is_typedef(type) || btf_is_ptr(type)); i++)
		type = kernel_types_get(types, type->type);
	return type && btf_is_func_proto(type) && btf_vlen(type) ? btf_vlen(type) - 1 : 0;
}

uint32_t kernel_types_tracepoint(const struct kernel_types *types, const char *name,
				 unsigned *n_args)
{
	for (size_t i = 0; i < types->n_tracepoints; i++) {
		uint32_t id = types->tracepoints[i];
		const struct btf_type *type = kernel_types_get(types, id);

		if (strcmp(kernel_types_name(types, type->name_off) + strlen(TRACEPOINT), name))
			continue;
		if (n_args)
			*n_args = count_args(types, type);
		return id;
	}
	return 0;
}
