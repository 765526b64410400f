/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record_buffers.h - the perf buffers of a session, one a CPU, in the lab's map `tracers`. CPUs
 * come and go: one that comes online gets a buffer, also one whose buffer died when it went
 * offline.
 */
#ifndef VETHLAB_USER_WATCH_RECORD_BUFFERS_H
#define VETHLAB_USER_WATCH_RECORD_BUFFERS_H

#include "user/watch/watch.h"

#include <bpf/libbpf.h>

struct record_buffers;

/*
 * Buffers of kib KiB (a power of two) for session slot on each CPU that is online. fn gets what is
 * read, with ctx, which outlives *buffers. Returns 0 and *buffers, or -errno and err.
 */
int record_buffers_open(struct record_buffers **buffers, const struct watch *watch, uint32_t slot,
			unsigned kib, perf_buffer_event_fn fn, void *ctx, struct err *err);
/* Whether the CPU has a buffer. */
bool record_buffers_have(const struct record_buffers *buffers, int cpu);
/* Call fn with all that is there. Returns 0 or -errno. */
int record_buffers_read(struct record_buffers *buffers);
/*
 * Look which CPUs are online, and open buffers for those that have come. opened is called with
 * each, and with ctx. Returns 0 or -errno, when a buffer could not be opened.
 */
int record_buffers_follow_cpus(struct record_buffers *buffers, void (*opened)(int cpu, void *ctx));
/* The CPU's buffer is dead: give it another one, if it is online. Returns 0 or -errno. */
int record_buffers_renew(struct record_buffers *buffers, int cpu);
/* A descriptor that becomes readable when a buffer has much to read; owned by *buffers. */
int record_buffers_fd(const struct record_buffers *buffers);
void record_buffers_close(struct record_buffers *buffers); /* NULL is allowed */

#endif
