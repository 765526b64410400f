/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcap_filter.h - expressions of pcap-filter(7) as programs of socket filters (classic BPF), by
 * libpcap.
 *
 * The library is loaded when it is first asked, and stays: with it come seven others (D-Bus,
 * systemd, libgcrypt ...), which cost each start of a program as much as all its other libraries
 * together. Where everything is linked into one file (VETHLAB_STATIC), it is linked, too.
 */
#ifndef VETHLAB_USER_CAPTURE_PCAP_FILTER_H
#define VETHLAB_USER_CAPTURE_PCAP_FILTER_H

#include <stddef.h>

struct bpf_program; /* <pcap/pcap.h> */
struct err;

/*
 * Compile an expression for Ethernet frames of which at most snap bytes are kept. To be freed by
 * pcap_filter_free(). Returns 0, or -errno with err set: ERR_USAGE for an expression that is none,
 * ERR_SYSTEM if there is no libpcap.
 */
int pcap_filter_compile(struct bpf_program *program, const char *expression, int snap,
			struct err *err);
/* All zeroes are allowed: nothing was compiled. */
void pcap_filter_free(struct bpf_program *program);
/* The library's own number, "1.10.3"; or "(not installed)". */
void pcap_filter_version(char *number, size_t size);

#endif
