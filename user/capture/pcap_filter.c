// SPDX-License-Identifier: GPL-2.0-only
/* pcap_filter.c - expressions of pcap-filter(7), by libpcap: see pcap_filter.h. */
#include "user/capture/pcap_filter.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#ifndef VETHLAB_STATIC
#include <dlfcn.h>
#endif

#include "user/base/err.h"

/* What is used of the library. */
struct pcap_library {
	typeof(pcap_open_dead) *open_dead;
	typeof(pcap_compile) *compile;
	typeof(pcap_freecode) *freecode;
	typeof(pcap_geterr) *geterr;
	typeof(pcap_close) *close;
	typeof(pcap_lib_version) *version;
};

#ifdef VETHLAB_STATIC
static const struct pcap_library *load(const char **why)
{
	static const struct pcap_library library = {pcap_open_dead, pcap_compile, pcap_freecode,
						    pcap_geterr,    pcap_close,	  pcap_lib_version};

	(void)why;
	return &library;
}
#else
/* NULL, and why, if there is none, or one that lacks a function. */
static const struct pcap_library *load(const char **why)
{
	/* As libpcap itself calls it, and as Debian does. */
	static const char *const names[] = {"libpcap.so.1", "libpcap.so.0.8"};
	static struct pcap_library library;
	static bool loaded;
	void *handle = NULL;

	if (loaded)
		return &library;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !handle; i++)
		handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		*why = dlerror();
		return NULL;
	}
	library = (struct pcap_library){
		dlsym(handle, "pcap_open_dead"), dlsym(handle, "pcap_compile"),
		dlsym(handle, "pcap_freecode"),	 dlsym(handle, "pcap_geterr"),
		dlsym(handle, "pcap_close"),	 dlsym(handle, "pcap_lib_version"),
	};
	loaded = library.open_dead && library.compile && library.freecode && library.geterr &&
		 library.close && library.version;
	*why = loaded ? NULL : dlerror();
	return loaded ? &library : NULL;
}
#endif

int pcap_filter_compile(struct bpf_program *program, const char *expression, int snap,
			struct err *err)
{
	const char *why = NULL;
	const struct pcap_library *library = load(&why);
	pcap_t *dead;
	int ret = 0;

	if (!library) {
		ret = err_set(err, ERR_SYSTEM, ENOENT,
			      "filter '%s': libpcap, which compiles it, cannot be loaded: %s",
			      expression, why);
		err_hint(err, "install libpcap (Debian: libpcap0.8)");
		return ret;
	}
	dead = library->open_dead(DLT_EN10MB, snap);
	if (!dead)
		return err_set(err, ERR_SYSTEM, ENOMEM, "capture: out of memory");
	if (library->compile(dead, program, expression, 1, PCAP_NETMASK_UNKNOWN))
		ret = err_set(err, ERR_USAGE, EINVAL, "filter '%s': %s", expression,
			      library->geterr(dead));
	library->close(dead);
	return ret;
}

void pcap_filter_free(struct bpf_program *program)
{
	const char *why;

	if (program->bf_insns)
		load(&why)->freecode(program); /* it was loaded when this was compiled */
}

/* Of "libpcap version 1.10.3 (with TPACKET_V3)". */
void pcap_filter_version(char *number, size_t size)
{
	const char *why, *text;
	const struct pcap_library *library = load(&why);
	size_t before;

	if (!library) {
		snprintf(number, size, "(not installed)");
		return;
	}
	text = library->version();
	before = strcspn(text, "0123456789");
	snprintf(number, size, "%.*s", (int)strcspn(text + before, " "), text + before);
}
