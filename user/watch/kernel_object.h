/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel_object.h - BPF objects whose programs are attached to the kernel's own tracepoints
 * (SEC "tp_btf/...") and read its structs: loaded by libbpf with the types that we found, so that
 * it does not read and search all of the kernel's by itself (kernel_types.h says why).
 *
 * 	cleanup_kernel_object struct kernel_object object = KERNEL_OBJECT_NONE;
 *
 * 	ret = kernel_object_start(&object);
 * 	skel = NAME__open_opts(&object.opts);       ... configure ...
 * 	ret = kernel_object_load(&object, skel->skeleton);
 * 	ret = kernel_object_attach(skel->skeleton);
 *
 * Functions return 0 or -errno; -EOPNOTSUPP: the kernel has no types (BTF). While
 * kernel_object_start() runs for the first time, no other thread may open a BPF object
 * (libbpf_register_prog_handler).
 */
#ifndef VETHLAB_USER_WATCH_KERNEL_OBJECT_H
#define VETHLAB_USER_WATCH_KERNEL_OBJECT_H

#include <bpf/libbpf.h>

#include "user/base/cleanup.h"

struct kernel_object {
	struct bpf_object_open_opts opts;
	int fd; /* of the file in memory that opts names */
	char path[32];
};

#define KERNEL_OBJECT_NONE                                                                         \
	{                                                                                          \
		.fd = -1                                                                           \
	}

static inline void kernel_object_cleanup(const struct kernel_object *object)
{
	cleanup_close_fn(&object->fd);
}

#define cleanup_kernel_object __attribute__((cleanup(kernel_object_cleanup)))

int kernel_object_start(struct kernel_object *object);
int kernel_object_load(const struct kernel_object *object, struct bpf_object_skeleton *skeleton);
/* All programs that are loaded, to the tracepoints in their sections' names. */
int kernel_object_attach(struct bpf_object_skeleton *skeleton);

#endif
