// SPDX-License-Identifier: GPL-2.0-only
/* series.c - see series.h. */
#include <errno.h>
#include <stdlib.h>

#include "user/bench/series.h"

static int measure(struct series *series, uint64_t time_ns, struct err *err)
{
	struct bench_sample *sample = &series->samples[series->n];
	struct bench_run *run;
	int ret = bench_open(&run, series->link, &series->work, err);

	if (ret)
		return ret;
	ret = bench_measure(run, time_ns, sample, err);
	bench_close(run);
	if (ret)
		return ret;
	series->values[series->n++] = sample->value;
	series->sent += sample->sent;
	series->received += sample->received;
	return 0;
}

static double median_of(const struct series *series, double (*get)(const struct bench_sample *, int),
			int which)
{
	double *values = malloc((series->n + 1) * sizeof(*values)), median;

	if (!values)
		return -1;
	for (size_t i = 0; i < series->n; i++)
		values[i] = get(&series->samples[i], which);
	stats_sort(values, series->n);
	median = stats_percentile(values, series->n, 0.5);
	free(values);
	return median;
}

static double get_percentile(const struct bench_sample *sample, int which)
{
	return sample->percentiles[which];
}

static double get_cpu(const struct bench_sample *sample, int receive)
{
	return receive ? sample->receive_cpu : sample->send_cpu;
}

static bool sum_up(struct series *series)
{
	series->send_cpu = median_of(series, get_cpu, 0);
	series->receive_cpu = median_of(series, get_cpu, 1);
	for (int i = 0; i < BENCH_PERCENTILES; i++)
		series->percentiles[i] = median_of(series, get_percentile, i);
	for (size_t i = 0; i < series->n; i++)
		if (series->samples[i].percentiles[BENCH_MAX] > series->percentiles[BENCH_MAX])
			series->percentiles[BENCH_MAX] = series->samples[i].percentiles[BENCH_MAX];
	return stats_of(&series->stats, series->values, series->n);
}

int series_run(struct series *list, size_t n, size_t rounds, uint64_t time_ns,
	       void (*tell)(const struct series *now, size_t done, size_t of, void *arg), void *arg,
	       struct err *err)
{
	bool enough = true;
	int ret = 0;

	for (size_t i = 0; i < n; i++) {
		list[i].values = calloc(rounds + 1, sizeof(*list[i].values));
		list[i].samples = calloc(rounds + 1, sizeof(*list[i].samples));
		enough = enough && list[i].values && list[i].samples;
	}
	for (size_t round = 0; enough && !ret && round < rounds; round++)
		for (size_t i = 0; !ret && i < n; i++) {
			if (tell)
				tell(&list[i], round * n + i, rounds * n, arg);
			ret = measure(&list[i], time_ns, err);
		}
	for (size_t i = 0; enough && !ret && i < n; i++)
		enough = sum_up(&list[i]);
	for (size_t i = 0; enough && !ret && i < n; i++)
		if (list[i].base)
			enough = stats_ratio(&list[i].ratio, list[i].values, list[i].base->values,
					     list[i].n);
	return enough ? ret : err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
}

void series_free(struct series *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].values);
		free(list[i].samples);
		list[i].values = NULL;
		list[i].samples = NULL;
	}
}
