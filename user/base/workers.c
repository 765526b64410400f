// SPDX-License-Identifier: GPL-2.0-only
/* workers.c - a pool that lives as long as one call. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "user/base/workers.h"

enum { MAX_WORKERS = 16 };

struct worker_pool {
	size_t n;
	int (*fn)(size_t i, void *arg, struct err *err);
	void *arg;
	atomic_size_t next;
	atomic_int failed;
	pthread_mutex_t lock; /* of ret and err */
	int ret;
	struct err err;
};

static void *work(void *arg)
{
	struct worker_pool *pool = arg;
	struct err err = {0};
	size_t i;
	int ret;

	while (!atomic_load(&pool->failed) && (i = atomic_fetch_add(&pool->next, 1)) < pool->n) {
		ret = pool->fn(i, pool->arg, &err);
		if (ret >= 0)
			continue;
		pthread_mutex_lock(&pool->lock);
		if (!atomic_exchange(&pool->failed, 1)) {
			pool->ret = ret;
			pool->err = err;
		}
		pthread_mutex_unlock(&pool->lock);
	}
	return NULL;
}

static int run(size_t want, size_t n, int (*fn)(size_t i, void *arg, struct err *err), void *arg,
	       struct err *err)
{
	struct worker_pool pool = {.n = n, .fn = fn, .arg = arg, .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[MAX_WORKERS];
	size_t started = 0;
	int ret = 0;

	if (want > MAX_WORKERS)
		want = MAX_WORKERS;
	if (want > n)
		want = n;
	while (started < want && !ret) {
		ret = pthread_create(&threads[started], NULL, work, &pool);
		started += !ret;
	}
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&pool.lock);
	if (n && !started)
		return err_set(err, ERR_SYSTEM, ret, "cannot start a thread: %s", strerror(ret));
	if (pool.ret < 0 && err && !err->code)
		*err = pool.err;
	return pool.ret;
}

int workers_run(size_t n, int (*fn)(size_t i, void *arg, struct err *err), void *arg,
		struct err *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return run(cpus > 0 ? (size_t)cpus : 1, n, fn, arg, err);
}

int workers_wait(size_t n, int (*fn)(size_t i, void *arg, struct err *err), void *arg,
		 struct err *err)
{
	return run(MAX_WORKERS, n, fn, arg, err);
}
