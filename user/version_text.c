// SPDX-License-Identifier: GPL-2.0-only
/* version_text.c - what `vethlab --version` prints: see version_text.h. */
#include <bpf/libbpf.h>
#include <jansson.h>
#include <libfyaml.h>
#define PCAP_DONT_INCLUDE_PCAP_BPF_H /* its struct bpf_insn is the kernel's, too */
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "user/base/kernel_floor.h"
#include "user/version.h" /* written by packaging/packaging.mk */
#include "user/version_text.h"

/* The number in "libpcap version 1.10.3 (with TPACKET_V3)". */
static void pcap_version(char *number, size_t size)
{
	const char *text = pcap_lib_version();
	size_t before = strcspn(text, "0123456789");

	snprintf(number, size, "%.*s", (int)strcspn(text + before, " "), text + before);
}

void version_print(FILE *f)
{
	const char *libbpf = libbpf_version_string(); /* "v1.1" */
	char pcap[32];

	pcap_version(pcap, sizeof(pcap));
	fprintf(f, "vethlab %s\n", VETHLAB_VERSION);
	fprintf(f, "libraries: libbpf %s, zlib %s, libfyaml %s, jansson %s, libpcap %s\n",
		libbpf + (*libbpf == 'v'), zlibVersion(), fy_library_version(),
		jansson_version_str(), pcap);
	/* These two do not tell at run time which they are. */
	fprintf(f, "built with: libelf %s, libmnl %s\n", VETHLAB_LIBELF, VETHLAB_LIBMNL);
	fprintf(f, "kernel: " KERNEL_FLOOR " or newer, with BTF\n");
}
