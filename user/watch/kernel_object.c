// SPDX-License-Identifier: GPL-2.0-only
/* kernel_object.c - see kernel_object.h. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/base/memory_file.h"
#include "user/watch/kernel_object.h"
#include "user/watch/kernel_types.h"

#define SECTION "tp_btf/"

/*
 * Just before libbpf loads a program. As long as it is called a raw tracepoint's, libbpf does not
 * want the kernel's types to look for the tracepoint: that has been done.
 */
static int name_tracepoint(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	const struct kernel_types *types = kernel_types();
	const char *section = bpf_program__section_name(prog);

	(void)cookie;
	if (!types || strncmp(section, SECTION, strlen(SECTION)))
		return -EINVAL;
	opts->attach_btf_id = kernel_types_tracepoint(types, section + strlen(SECTION), NULL);
	if (!opts->attach_btf_id)
		return -ESRCH;
	opts->expected_attach_type = BPF_TRACE_RAW_TP;
	return bpf_program__set_type(prog, BPF_PROG_TYPE_TRACING);
}

static int register_sections(void)
{
	static int handler = -1;
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = name_tracepoint);

	if (handler < 0)
		handler = libbpf_register_prog_handler("tp_btf+", BPF_PROG_TYPE_RAW_TRACEPOINT,
						       BPF_TRACE_RAW_TP, &opts);
	return handler < 0 ? handler : 0;
}

int kernel_object_start(struct kernel_object *object)
{
	int ret;

	if (!kernel_types())
		return -errno;
	ret = register_sections();
	if (ret)
		return ret;
	object->fd = memory_file("kernel-types");
	if (object->fd < 0)
		return -errno;
	snprintf(object->path, sizeof(object->path), "/proc/self/fd/%d", object->fd);
	object->opts = (struct bpf_object_open_opts){.sz = sizeof(object->opts),
						     .btf_custom_path = object->path};
	return 0;
}

static int write_types(const struct kernel_object *object, const struct btf *local)
{
	size_t size, n = 0;
	cleanup_free char *types = kernel_subset_make(kernel_types(), local, &size);

	if (!types)
		return -ENOMEM;
	while (n < size) {
		ssize_t ret = write(object->fd, types + n, size - n);

		if (ret < 0 && errno != EINTR)
			return -errno;
		n += ret > 0 ? ret : 0;
	}
	return 0;
}

int kernel_object_load(const struct kernel_object *object, struct bpf_object_skeleton *skeleton)
{
	int ret = write_types(object, bpf_object__btf(*skeleton->obj));

	return ret ? ret : bpf_object__load_skeleton(skeleton);
}

int kernel_object_attach(struct bpf_object_skeleton *skeleton)
{
	for (int i = 0; i < skeleton->prog_cnt; i++) {
		struct bpf_prog_skeleton *prog =
			(void *)((char *)skeleton->progs + i * skeleton->prog_skel_sz);

		if (bpf_program__fd(*prog->prog) < 0)
			continue;
		*prog->link = bpf_program__attach_trace(*prog->prog);
		if (!*prog->link)
			return -errno;
	}
	return 0;
}
