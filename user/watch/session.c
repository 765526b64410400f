// SPDX-License-Identifier: GPL-2.0-only
/*
 * session.c - a tracer's place in a lab: a slot, its filter, and a perf buffer a CPU. Records come
 * in batches; those that have not filled one are read where the programs gather them.
 *
 * The slot is held by a lock on a directory beside the pins, which the kernel releases with
 * the descriptor; the buffers leave the map `tracers` with the descriptor that put them there. So
 * a killed tracer leaves nothing but its byte in `control`, which the next full batch takes away.
 */
#include "user/base/clock.h"
#include "user/watch/internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	BUFFER_KIB = 1024,
	/*
	 * A wake-up costs 7 us (6.18), as much as 50 records. So the kernel wakes us when this many
	 * bytes are there (or a quarter of the buffer), and fewer wait for the timer.
	 */
	WATERMARK = 65536,
	TICK_MS = 20,
};

/* What a session has had of a CPU. */
struct cpu_records {
	uint64_t next;	       /* number of the first record that has not come yet */
	struct vl_batch batch; /* copied from `staged` before the buffers were read */
};

struct watch_session {
	struct watch *watch;
	int lock; /* holds the slot; -1 */
	uint32_t slot;
	uint8_t generation; /* 0: not in `control` */
	int tracers;	    /* the session's own descriptor of the map: buffers go when it closes */
	struct vl_control *control; /* MAP_FAILED or mapped */
	struct perf_buffer *buffers;
	int epoll, timer;
	struct vl_batch *staged; /* MAP_FAILED or mapped: all slots, n_cpus batches each */
	size_t staged_size;	 /* of the mapping, in bytes */
	int n_cpus;
	struct cpu_records *cpus;
	uint64_t lost;
	/* during a poll */
	void (*fn)(const struct vl_event *event, void *arg);
	void *arg;
	int delivered;
};

static void put_byte(__u64 *word, uint32_t slot, uint8_t byte)
{
	__u64 old = __atomic_load_n(word, __ATOMIC_RELAXED), new;

	do {
		new = (old & ~(0xffull << (8 * slot))) | (__u64)byte << (8 * slot);
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
}

static uint8_t get_byte(const __u64 *word, uint32_t slot)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST) >> (8 * slot);
}

static int take_slot(struct watch_session *session, struct err *err)
{
	const char *lab = session->watch->lab;
	char path[256];

	for (session->slot = 0; session->slot < VL_SESSIONS; session->slot++) {
		watch_path(path, lab, "locks/%u", session->slot);
		session->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (session->lock < 0)
			return watch_fail(err, errno, path, "open", "CAP_DAC_OVERRIDE");
		if (!flock(session->lock, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK)
			return watch_fail(err, errno, path, "lock", "CAP_DAC_OVERRIDE");
		close(session->lock);
		session->lock = -1;
	}
	err_set(err, ERR_FAILED, EBUSY, "%s: %d tracers watch it already", lab, VL_SESSIONS);
	err_hint(err, "end one of the running `trace` or `ping`");
	return -EBUSY;
}

/* `staged`, and the number at which each CPU is. No program writes to the slot now. */
static int map_staged(struct watch_session *session, struct err *err)
{
	size_t page = sysconf(_SC_PAGESIZE);

	session->n_cpus = libbpf_num_possible_cpus();
	if (session->n_cpus < 1)
		return watch_fail(err, -session->n_cpus, session->watch->lab, "count the CPUs", "");
	session->cpus = calloc(session->n_cpus, sizeof(*session->cpus));
	if (!session->cpus)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", session->watch->lab);
	session->staged_size = sizeof(struct vl_batch) * VL_SESSIONS * session->n_cpus;
	session->staged_size = (session->staged_size + page - 1) / page * page;
	session->staged = mmap(NULL, session->staged_size, PROT_READ, MAP_SHARED,
			       session->watch->maps[MAP_STAGED], 0);
	if (session->staged == MAP_FAILED)
		return watch_fail(err, errno, session->watch->lab, "map its map `staged`",
				  "CAP_BPF");
	for (int cpu = 0; cpu < session->n_cpus; cpu++)
		session->cpus[cpu].next =
			session->staged[session->slot * session->n_cpus + cpu].head;
	return 0;
}

/*
 * The slot's former user may have left its byte, and a program that has seen it may be running
 * still. Take the byte away and wait for such programs, then the filter can be changed.
 */
static int prepare_slot(struct watch_session *session, const struct vl_filter *filter,
			struct err *err)
{
	struct watch *watch = session->watch;

	session->control = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
				watch->maps[MAP_CONTROL], 0);
	if (session->control == MAP_FAILED)
		return watch_fail(err, errno, watch->lab, "map its map `control`", "CAP_BPF");
	put_byte(&session->control->active, session->slot, 0);
	if (get_byte(&session->control->last, session->slot))
		syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0); /* synchronize_rcu() */
	if (bpf_map_update_elem(watch->maps[MAP_SESSIONS], &session->slot, filter, BPF_ANY))
		return watch_fail(err, errno, watch->lab, "set the filter", "CAP_BPF");
	return map_staged(session, err);
}

/* Records first, first + 1, ... of a CPU, n of them; those that have come already are passed over.
 */
static void take_records(struct watch_session *session, struct cpu_records *cpu, uint64_t first,
			 const struct vl_event *events, uint64_t n)
{
	if (first > cpu->next) {
		session->lost += first - cpu->next;
		cpu->next = first;
	}
	for (; cpu->next < first + n; cpu->next++) {
		struct vl_event event;

		memcpy(&event, (const char *)events + (cpu->next - first) * sizeof(event),
		       sizeof(event)); /* what comes by a buffer is aligned to 4 bytes only */
		session->delivered++;
		session->fn(&event, session->arg);
	}
}

static enum bpf_perf_event_ret take_batch(void *ctx, int cpu, struct perf_event_header *header)
{
	struct watch_session *session = ctx;
	struct {
		struct perf_event_header header;
		uint32_t size;
		char data[];
	} *sample = (void *)header;
	uint64_t head;

	/* PERF_RECORD_LOST comes too; the gap that it leaves is told by the numbers. */
	if (header->type != PERF_RECORD_SAMPLE || sample->size < sizeof(struct vl_batch))
		return LIBBPF_PERF_EVENT_CONT;
	memcpy(&head, sample->data + offsetof(struct vl_batch, head), sizeof(head));
	take_records(session, &session->cpus[cpu], head - head % VL_BATCH,
		     (void *)(sample->data + offsetof(struct vl_batch, events)), VL_BATCH);
	return LIBBPF_PERF_EVENT_CONT;
}

/* Copy what is staged on a CPU. If a batch was filled meanwhile, nothing is: it is in the buffer.
 */
static void copy_staged(struct watch_session *session, int cpu)
{
	const struct vl_batch *staged = &session->staged[session->slot * session->n_cpus + cpu];
	struct vl_batch *batch = &session->cpus[cpu].batch;

	batch->head = __atomic_load_n(&staged->head, __ATOMIC_ACQUIRE);
	memcpy(batch->events, staged->events, batch->head % VL_BATCH * sizeof(*batch->events));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&staged->head, __ATOMIC_RELAXED) / VL_BATCH != batch->head / VL_BATCH)
		batch->head -= batch->head % VL_BATCH;
}

/*
 * Deliver what is there. A batch that was full before its CPU's stage was copied is in the buffer
 * by then, or lost: so a number that is not reached is a gap.
 */
static int take_all(struct watch_session *session)
{
	int ret;

	for (int cpu = 0; cpu < session->n_cpus; cpu++)
		copy_staged(session, cpu);
	ret = perf_buffer__consume(session->buffers);
	for (int cpu = 0; cpu < session->n_cpus && ret >= 0; cpu++) {
		const struct vl_batch *batch = &session->cpus[cpu].batch;

		take_records(session, &session->cpus[cpu], batch->head - batch->head % VL_BATCH,
			     batch->events, batch->head % VL_BATCH);
	}
	return ret;
}

/* CPUs that are online, of n possible: a perf event cannot be opened on others. */
static int online_cpus(int n, int *cpus)
{
	char text[1024] = "", *p = text;
	FILE *file = fopen("/sys/devices/system/cpu/online", "re");
	int count = 0, first, last, used;

	if (file) {
		if (!fgets(text, sizeof(text), file))
			text[0] = 0;
		fclose(file);
	}
	while (sscanf(p, "%d%n", &first, &used) == 1) {
		p += used;
		last = first;
		if (*p == '-' && sscanf(p, "-%d%n", &last, &used) == 1)
			p += used;
		for (; first <= last && first < n; first++)
			cpus[count++] = first;
		if (*p++ != ',')
			break;
	}
	for (; !file && count < n; count++) /* no /sys here: all of them, and let the kernel say */
		cpus[count] = count;
	return count;
}

static int open_buffers(struct watch_session *session, unsigned kib, struct err *err)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.watermark = 1,
		.wakeup_watermark = kib * 256 < WATERMARK ? kib * 256 : WATERMARK,
	};
	DECLARE_LIBBPF_OPTS(perf_buffer_raw_opts, opts);
	int n = libbpf_num_possible_cpus(), cpus[n > 0 ? n : 1], keys[n > 0 ? n : 1], error;
	const char *lab = session->watch->lab;
	char path[256];

	watch_path(path, lab, "tracers");
	session->tracers = bpf_obj_get(path);
	if (session->tracers < 0)
		return watch_fail(err, errno, path, "open", "CAP_BPF");
	opts.cpu_cnt = n > 0 ? online_cpus(n, cpus) : 0;
	for (int i = 0; i < opts.cpu_cnt; i++)
		keys[i] = session->slot * n + cpus[i];
	opts.cpus = cpus;
	opts.map_keys = keys;
	session->buffers =
		perf_buffer__new_raw(session->tracers, (size_t)kib * 1024 / sysconf(_SC_PAGESIZE),
				     &attr, take_batch, session, &opts);
	if (session->buffers)
		return 0;
	error = errno;
	watch_fail(err, error, lab, "open perf buffers for the trace", "CAP_PERFMON");
	if (error == EMFILE)
		err_hint(err, "raise the limit of open files (ulimit -n)");
	return -error;
}

/* One descriptor for poll(2): the buffers, and the timer for what is below the watermark. */
static int open_epoll(struct watch_session *session, struct err *err)
{
	const struct itimerspec tick = {
		.it_interval.tv_nsec = TICK_MS * 1000000,
		.it_value.tv_nsec = TICK_MS * 1000000,
	};
	struct epoll_event buffers = {.events = EPOLLIN, .data.u32 = 0};
	struct epoll_event timer = {.events = EPOLLIN, .data.u32 = 1};

	session->epoll = epoll_create1(EPOLL_CLOEXEC);
	session->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (session->epoll < 0 || session->timer < 0 ||
	    timerfd_settime(session->timer, 0, &tick, NULL) ||
	    epoll_ctl(session->epoll, EPOLL_CTL_ADD, perf_buffer__epoll_fd(session->buffers),
		      &buffers) ||
	    epoll_ctl(session->epoll, EPOLL_CTL_ADD, session->timer, &timer))
		return err_set(err, ERR_SYSTEM, errno, "%s: cannot wait for records (kernel: %s)",
			       session->watch->lab, strerror(errno));
	return 0;
}

static int open_parts(struct watch_session *session, const struct vl_filter *filter,
		      unsigned buffer_kib, struct err *err)
{
	int ret = take_slot(session, err);

	if (ret)
		return ret;
	ret = prepare_slot(session, filter, err);
	if (ret)
		return ret;
	ret = open_buffers(session, buffer_kib, err);
	return ret ? ret : open_epoll(session, err);
}

int watch_session_open(struct watch_session **out, struct watch *watch,
		       const struct vl_filter *filter, unsigned buffer_kib, struct err *err)
{
	struct watch_session *session = calloc(1, sizeof(*session));
	int ret;

	if (!session)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", watch->lab);
	watch_log_start();
	session->watch = watch;
	session->lock = session->tracers = session->epoll = session->timer = -1;
	session->control = MAP_FAILED;
	session->staged = MAP_FAILED;
	ret = open_parts(session, filter, buffer_kib ? buffer_kib : BUFFER_KIB, err);
	if (ret) {
		watch_session_close(session);
		return ret;
	}
	session->generation = get_byte(&session->control->last, session->slot) + 1;
	if (!session->generation)
		session->generation = 1;
	put_byte(&session->control->last, session->slot, session->generation);
	put_byte(&session->control->active, session->slot, session->generation);
	*out = session;
	return 0;
}

int watch_session_poll(struct watch_session *session, int timeout_ms,
		       void (*fn)(const struct vl_event *event, void *arg), void *arg,
		       struct err *err)
{
	int64_t until = clock_monotonic_ms() + timeout_ms;
	struct epoll_event events[2];
	uint64_t ticks;
	int ret;

	session->fn = fn;
	session->arg = arg;
	session->delivered = 0;
	for (;;) {
		int64_t left = timeout_ms < 0 ? -1 : until - clock_monotonic_ms();

		ret = take_all(session);
		if (ret < 0)
			return err_set(err, ERR_SYSTEM, -ret,
				       "%s: cannot read records (kernel: %s)", session->watch->lab,
				       strerror(-ret));
		if (session->delivered || (timeout_ms >= 0 && left <= 0))
			return session->delivered;
		if (epoll_wait(session->epoll, events, 2, left > 1000 ? 1000 : (int)left) < 0)
			return -errno;
		(void)!read(session->timer, &ticks, sizeof(ticks));
	}
}

int watch_session_fd(const struct watch_session *session)
{
	return session->epoll;
}

uint64_t watch_session_lost(const struct watch_session *session)
{
	return session->lost;
}

void watch_session_close(struct watch_session *session)
{
	if (!session)
		return;
	if (session->control != MAP_FAILED) {
		if (session->generation)
			put_byte(&session->control->active, session->slot, 0);
		munmap(session->control, sysconf(_SC_PAGESIZE));
	}
	if (session->staged != MAP_FAILED)
		munmap(session->staged, session->staged_size);
	free(session->cpus);
	perf_buffer__free(session->buffers);
	if (session->tracers >= 0)
		close(session->tracers);
	if (session->timer >= 0)
		close(session->timer);
	if (session->epoll >= 0)
		close(session->epoll);
	if (session->lock >= 0)
		close(session->lock);
	free(session);
}
