// SPDX-License-Identifier: GPL-2.0-only
/*
 * record_buffers.c - see record_buffers.h. libbpf's perf_buffer has a fixed set of CPUs, so a CPU
 * that comes later gets one of its own.
 */
#include "user/watch/internal.h"
#include "user/watch/record_buffers.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	/*
	 * A wake-up costs 7 us (6.18), as much as 50 records. So the kernel wakes us when this many
	 * bytes are there (or a quarter of the buffer), and fewer wait for the session's timer.
	 */
	WATERMARK = 65536,
};

struct record_buffers {
	int map; /* our own descriptor of `tracers`: the kernel takes our buffers out when it closes
		  */
	int epoll;
	int online; /* /sys/devices/system/cpu/online; -1 where there is no /sys */
	uint32_t slot;
	unsigned kib;
	perf_buffer_event_fn fn;
	void *ctx;
	struct perf_buffer *first; /* of all CPUs that were online at the beginning */
	int n_cpus;		   /* that the machine can have */
	struct {
		bool online, buffered;
		struct perf_buffer *later;
	} * cpus;
};

/* Sets online[] of the CPUs below n. Returns false where it cannot be read: then all are. */
static bool read_online(int fd, int n, bool *online)
{
	char text[1024], *p = text;
	ssize_t size = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	int first, last, used;

	memset(online, size < 0, n * sizeof(*online));
	if (size < 0)
		return false;
	text[size] = 0;
	while (sscanf(p, "%d%n", &first, &used) == 1) {
		p += used;
		last = first;
		if (*p == '-' && sscanf(p, "-%d%n", &last, &used) == 1)
			p += used;
		for (; first <= last && first < n; first++)
			online[first] = true;
		if (*p++ != ',')
			break;
	}
	return true;
}

/* A perf_buffer for n CPUs. NULL and errno on failure. */
static struct perf_buffer *buffer_of(struct record_buffers *buffers, int n, int *cpus)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.watermark = 1,
		.wakeup_watermark = buffers->kib * 256 < WATERMARK ? buffers->kib * 256 : WATERMARK,
	};
	DECLARE_LIBBPF_OPTS(perf_buffer_raw_opts, opts);
	struct epoll_event event = {.events = EPOLLIN};
	struct perf_buffer *buffer;
	int keys[n];

	for (int i = 0; i < n; i++)
		keys[i] = buffers->slot * buffers->n_cpus + cpus[i];
	opts.cpu_cnt = n;
	opts.cpus = cpus;
	opts.map_keys = keys;
	buffer = perf_buffer__new_raw(buffers->map,
				      (size_t)buffers->kib * 1024 / sysconf(_SC_PAGESIZE), &attr,
				      buffers->fn, buffers->ctx, &opts);
	if (!buffer)
		return NULL;
	if (epoll_ctl(buffers->epoll, EPOLL_CTL_ADD, perf_buffer__epoll_fd(buffer), &event)) {
		int error = errno;

		perf_buffer__free(buffer);
		errno = error;
		return NULL;
	}
	for (int i = 0; i < n; i++)
		buffers->cpus[cpus[i]].buffered = true;
	return buffer;
}

static int open_first(struct record_buffers *buffers)
{
	bool online[buffers->n_cpus];
	int cpus[buffers->n_cpus], n = 0;

	read_online(buffers->online, buffers->n_cpus, online);
	for (int cpu = 0; cpu < buffers->n_cpus; cpu++) {
		buffers->cpus[cpu].online = online[cpu];
		if (online[cpu])
			cpus[n++] = cpu;
	}
	buffers->first = buffer_of(buffers, n, cpus);
	return buffers->first ? 0 : -errno;
}

static int open_map(struct record_buffers *buffers, const struct watch *watch, struct err *err)
{
	char path[256];

	watch_path(path, watch->lab, "tracers");
	buffers->map = bpf_obj_get(path);
	if (buffers->map < 0)
		return watch_fail(err, errno, path, "open", "CAP_BPF");
	buffers->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (buffers->epoll < 0)
		return watch_fail(err, errno, watch->lab, "wait for records", "");
	buffers->n_cpus = libbpf_num_possible_cpus();
	if (buffers->n_cpus < 1)
		return watch_fail(err, -buffers->n_cpus, watch->lab, "count the CPUs", "");
	buffers->cpus = calloc(buffers->n_cpus, sizeof(*buffers->cpus));
	if (!buffers->cpus)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", watch->lab);
	buffers->online = open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC);
	return 0;
}

static int open_map_and_first(struct record_buffers *buffers, const struct watch *watch,
			      struct err *err)
{
	int ret = open_map(buffers, watch, err);

	if (ret)
		return ret;
	ret = open_first(buffers);
	if (ret)
		watch_fail(err, -ret, watch->lab, "open perf buffers for the trace",
			   "CAP_PERFMON and CAP_IPC_LOCK");
	if (ret == -EMFILE)
		err_hint(err, "raise the limit of open files (ulimit -n)");
	return ret;
}

int record_buffers_open(struct record_buffers **out, const struct watch *watch, uint32_t slot,
			unsigned kib, perf_buffer_event_fn fn, void *ctx, struct err *err)
{
	struct record_buffers *buffers = calloc(1, sizeof(*buffers));
	int ret;

	if (!buffers)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", watch->lab);
	buffers->map = buffers->epoll = buffers->online = -1;
	buffers->slot = slot;
	buffers->kib = kib;
	buffers->fn = fn;
	buffers->ctx = ctx;
	ret = open_map_and_first(buffers, watch, err);
	if (ret) {
		record_buffers_close(buffers);
		return ret;
	}
	*out = buffers;
	return 0;
}

bool record_buffers_have(const struct record_buffers *buffers, int cpu)
{
	return cpu < buffers->n_cpus && buffers->cpus[cpu].buffered;
}

int record_buffers_read(struct record_buffers *buffers)
{
	int ret = perf_buffer__consume(buffers->first);

	for (int cpu = 0; cpu < buffers->n_cpus && ret >= 0; cpu++) {
		if (buffers->cpus[cpu].later)
			ret = perf_buffer__consume(buffers->cpus[cpu].later);
	}
	return ret < 0 ? ret : 0;
}

int record_buffers_renew(struct record_buffers *buffers, int cpu)
{
	int error;

	/* libbpf takes the one that it frees out of the map: so it goes before the new one comes.
	 */
	perf_buffer__free(buffers->cpus[cpu].later);
	buffers->cpus[cpu].buffered = false;
	buffers->cpus[cpu].later = buffer_of(buffers, 1, &cpu);
	if (buffers->cpus[cpu].later)
		return 0;
	error = errno;
	if (error != ENODEV)
		return -error;
	buffers->cpus[cpu].online = false; /* it went offline again */
	return 0;
}

int record_buffers_follow_cpus(struct record_buffers *buffers, void (*opened)(int cpu, void *ctx))
{
	bool online[buffers->n_cpus];
	int ret = 0;

	if (!read_online(buffers->online, buffers->n_cpus, online))
		return 0;
	for (int cpu = 0; cpu < buffers->n_cpus && !ret; cpu++) {
		bool came = online[cpu] && !buffers->cpus[cpu].online;

		buffers->cpus[cpu].online = online[cpu];
		if (!came)
			continue;
		ret = record_buffers_renew(buffers, cpu);
		if (!ret && buffers->cpus[cpu].buffered)
			opened(cpu, buffers->ctx);
	}
	return ret;
}

int record_buffers_fd(const struct record_buffers *buffers)
{
	return buffers->epoll;
}

void record_buffers_close(struct record_buffers *buffers)
{
	if (!buffers)
		return;
	for (int cpu = 0; buffers->cpus && cpu < buffers->n_cpus; cpu++)
		perf_buffer__free(buffers->cpus[cpu].later);
	perf_buffer__free(buffers->first);
	free(buffers->cpus);
	if (buffers->online >= 0)
		close(buffers->online);
	if (buffers->epoll >= 0)
		close(buffers->epoll);
	if (buffers->map >= 0)
		close(buffers->map);
	free(buffers);
}
