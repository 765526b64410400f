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
#include "user/watch/record_buffers.h"

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
	TICK_MS = 20,
};

/* What a session has had of a CPU. */
struct cpu_records {
	uint64_t next;	       /* number of the first record that has not come yet */
	struct vl_batch batch; /* copied from `staged` before the buffers were read */
	size_t read;	       /* bytes of its buffer that this poll has read */
	bool gap;	       /* records of it were missed in this poll */
};

struct watch_session {
	struct watch *watch;
	int lock; /* holds the slot; -1 */
	uint32_t slot;
	uint8_t generation;	    /* 0: not in `control` */
	struct vl_control *control; /* MAP_FAILED or mapped */
	struct record_buffers *buffers;
	unsigned buffer_kib; /* of each CPU */
	int64_t looked_ms;   /* when it was looked which CPUs are online */
	int epoll, timer;
	struct vl_batch *staged; /* MAP_FAILED or mapped: all slots, n_cpus batches each */
	size_t staged_size;	 /* of the mapping, in bytes */
	int n_cpus;
	struct cpu_records *cpus;
	uint64_t lost;
	uint64_t start_ns;
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

static struct vl_batch *staged_of(struct watch_session *session, int cpu)
{
	return &session->staged[session->slot * session->n_cpus + cpu];
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
	session->staged = mmap(NULL, session->staged_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			       session->watch->maps[MAP_STAGED], 0);
	if (session->staged == MAP_FAILED)
		return watch_fail(err, errno, session->watch->lab, "map its map `staged`",
				  "CAP_BPF");
	for (int cpu = 0; cpu < session->n_cpus; cpu++)
		session->cpus[cpu].next = staged_of(session, cpu)->head;
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
		cpu->gap = true;
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
	struct cpu_records *records = &session->cpus[cpu];
	struct {
		struct perf_event_header header;
		uint32_t size;
		char data[];
	} *sample = (void *)header;
	uint64_t head;

	/* PERF_RECORD_LOST comes too; the gap that it leaves is told by the numbers. */
	if (header->type != PERF_RECORD_SAMPLE || sample->size < sizeof(struct vl_batch))
		return LIBBPF_PERF_EVENT_CONT;
	records->read += header->size;
	memcpy(&head, sample->data + offsetof(struct vl_batch, head), sizeof(head));
	take_records(session, records, head - head % VL_BATCH,
		     (void *)(sample->data + offsetof(struct vl_batch, events)), VL_BATCH);
	return LIBBPF_PERF_EVENT_CONT;
}

/* Copy what is staged on a CPU. If a batch was filled meanwhile, nothing is: it is in the buffer.
 */
static void copy_staged(struct watch_session *session, int cpu)
{
	const struct vl_batch *staged = staged_of(session, cpu);
	struct vl_batch *batch = &session->cpus[cpu].batch;

	batch->head = __atomic_load_n(&staged->head, __ATOMIC_ACQUIRE);
	memcpy(batch->events, staged->events, batch->head % VL_BATCH * sizeof(*batch->events));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&staged->head, __ATOMIC_RELAXED) / VL_BATCH != batch->head / VL_BATCH)
		batch->head -= batch->head % VL_BATCH;
}

/* Tell the programs that the session has a buffer on this CPU. */
static void buffer_is_there(int cpu, void *ctx)
{
	struct watch_session *session = ctx;

	__atomic_store_n(&staged_of(session, cpu)->buffered, session->generation, __ATOMIC_SEQ_CST);
}

/*
 * Records are missing although their buffer had room: its CPU was offline in the meantime, which
 * ends a perf event, and is online again.
 */
static int renew_if_dead(struct watch_session *session, int cpu)
{
	struct cpu_records *records = &session->cpus[cpu];
	bool dead = records->gap && records->read < (size_t)session->buffer_kib * 512;
	int ret = 0;

	if (dead && record_buffers_have(session->buffers, cpu))
		ret = record_buffers_renew(session->buffers, cpu);
	records->gap = false;
	records->read = 0;
	return ret;
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
	ret = record_buffers_read(session->buffers);
	for (int cpu = 0; cpu < session->n_cpus && !ret; cpu++) {
		const struct vl_batch *batch = &session->cpus[cpu].batch;

		take_records(session, &session->cpus[cpu], batch->head - batch->head % VL_BATCH,
			     batch->events, batch->head % VL_BATCH);
		ret = renew_if_dead(session, cpu);
	}
	return ret;
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
	    epoll_ctl(session->epoll, EPOLL_CTL_ADD, record_buffers_fd(session->buffers),
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
	session->buffer_kib = buffer_kib;
	ret = record_buffers_open(&session->buffers, session->watch, session->slot, buffer_kib,
				  take_batch, session, err);
	return ret ? ret : open_epoll(session, err);
}

int watch_session_open(struct watch_session **out, struct watch *watch,
		       const struct vl_filter *filter, unsigned buffer_kib, struct err *err)
{
	struct watch_session *session = calloc(1, sizeof(*session));
	bool any = filter->fields & VL_F_ANY;
	int ret;

	if (!session)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", watch->lab);
	watch_log_start();
	session->watch = watch;
	session->lock = session->epoll = session->timer = -1;
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
	for (int cpu = 0; cpu < session->n_cpus; cpu++) {
		staged_of(session, cpu)->buffered = 0;
		if (record_buffers_have(session->buffers, cpu))
			buffer_is_there(cpu, session);
	}
	put_byte(&session->control->last, session->slot, session->generation);
	put_byte(&session->control->any, session->slot, any ? session->generation : 0);
	session->start_ns = clock_monotonic_ns();
	put_byte(&session->control->active, session->slot, session->generation);
	*out = session;
	return 0;
}

uint64_t watch_session_start_ns(const struct watch_session *session)
{
	return session->start_ns;
}

/* Looked at no more often than the timer ticks. */
static int follow_cpus(struct watch_session *session)
{
	int64_t now = clock_monotonic_ms();

	if (now < session->looked_ms + TICK_MS)
		return 0;
	session->looked_ms = now;
	return record_buffers_follow_cpus(session->buffers, buffer_is_there);
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

		ret = follow_cpus(session);
		if (!ret)
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
	record_buffers_close(session->buffers);
	if (session->timer >= 0)
		close(session->timer);
	if (session->epoll >= 0)
		close(session->epoll);
	if (session->lock >= 0)
		close(session->lock);
	free(session);
}
