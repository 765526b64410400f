// SPDX-License-Identifier: GPL-2.0-only
/* threads.c - threads that make or take packets, and waiting for them. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "user/base/clock.h"
#include "user/bench/internal.h"

static void *thread_main(void *arg)
{
	struct bench_thread *self = arg;

	if (self->netns_fd >= 0 && setns(self->netns_fd, CLONE_NEWNET))
		self->error = errno;
	else
		self->work(self);
	return NULL;
}

int bench_thread_start(struct bench_thread *thread, struct err *err)
{
	pthread_attr_t attr;
	sigset_t all, before;
	cpu_set_t cpus;
	int ret;

	atomic_store(&thread->stop, false);
	atomic_store(&thread->count, 0);
	atomic_store(&thread->bytes, 0);
	thread->error = 0;
	pthread_attr_init(&attr);
	CPU_ZERO(&cpus);
	if (thread->cpu >= 0) {
		CPU_SET(thread->cpu, &cpus);
		pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus);
	}
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	ret = pthread_create(&thread->thread, &attr, thread_main, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (ret == EINVAL && thread->cpu >= 0)
		return err_set(err, ERR_USAGE, ret, "CPU %d: this process may not run there",
			       thread->cpu);
	if (ret)
		return err_set(err, ERR_SYSTEM, ret, "cannot start a thread: %s", strerror(ret));
	thread->started = true;
	return 0;
}

void bench_thread_join(struct bench_thread *thread)
{
	if (!thread->started)
		return;
	atomic_store(&thread->stop, true);
	pthread_join(thread->thread, NULL);
	thread->started = false;
}

uint64_t bench_thread_cpu_ns(const struct bench_thread *thread)
{
	clockid_t clock;

	if (!thread->started || pthread_getcpuclockid(thread->thread, &clock))
		return 0;
	return clock_ns(clock);
}

int bench_interrupted(struct err *err)
{
	return err_set(err, ERR_FAILED, EINTR, "interrupted: what the bench made is removed");
}

bool bench_thread_counted(const void *thread)
{
	return atomic_load(&((const struct bench_thread *)thread)->count);
}

int bench_thread_run(struct bench_thread *thread, const struct bench_link *link, uint64_t ns,
		     struct err *err)
{
	int ret = bench_thread_start(thread, err);

	if (ret)
		return ret;
	ret = bench_sleep(link, ns, err);
	return ret ? ret : bench_wait_until(link, bench_thread_counted, thread, err);
}

int bench_wait_until(const struct bench_link *link, bool (*happened)(const void *arg),
		     const void *arg, struct err *err)
{
	uint64_t end = clock_monotonic_ns() + BENCH_WAIT_MAX_NS;
	int ret = 0;

	while (!ret && !happened(arg) && clock_monotonic_ns() < end)
		ret = bench_sleep(link, 10000000, err);
	return ret;
}

int bench_sleep(const struct bench_link *link, uint64_t ns, struct err *err)
{
	uint64_t end = clock_monotonic_ns() + ns, now;

	/* In short steps: a signal may be taken by another thread, or between look and sleep. */
	while ((now = clock_monotonic_ns()) < end) {
		uint64_t step = end - now < 50000000 ? end - now : 50000000;
		struct timespec left = {.tv_nsec = step};

		if (link->interrupted && *link->interrupted)
			return bench_interrupted(err);
		nanosleep(&left, NULL);
	}
	return 0;
}
