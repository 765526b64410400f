// SPDX-License-Identifier: GPL-2.0-only
/* series.c - see series.h. */
#include <errno.h>
#include <stdlib.h>

#include "user/bench/kinds.h"
#include "user/bench/series.h"

static int measure(struct series *series, uint64_t time_ns, struct err *err)
{
	struct bench_sample *sample = &series->samples[series->n];
	struct bench_run *run;
	int ret = bench_open(&run, series->link, &series->work, err);

	if (ret)
		return ret;
	sample->trips = series->trips;
	sample->kernel_trips = series->kernel_trips;
	ret = bench_measure(run, time_ns, sample, err);
	bench_close(run);
	if (ret)
		return ret;
	series->values[series->n++] = sample->value;
	series->sent += sample->sent;
	series->received += sample->received;
	return 0;
}

static double median_of(const struct series *series,
			double (*get)(const struct bench_sample *, int), int which)
{
	double *values = malloc((series->n + 1) * sizeof(*values)), median;

	if (!values)
		return -1;
	for (size_t i = 0; i < series->n; i++)
		values[i] = get(&series->samples[i], which);
	statistics_sort(values, series->n);
	median = statistics_percentile(values, series->n, 0.5);
	free(values);
	return median;
}

static double get_cpu(const struct bench_sample *sample, int receive)
{
	return receive ? sample->receive_cpu : sample->send_cpu;
}

/* Ticks are coarse beside one round: all rounds together. */
static void sum_busy(struct series *series)
{
	double units = 0, span = 0, send = 0, receive = 0;

	series->send_busy = series->receive_busy = -1;
	for (size_t i = 0; i < series->n; i++) {
		const struct bench_sample *sample = &series->samples[i];

		if (sample->send_busy < 0)
			return;
		units += sample->units;
		span += sample->span;
		send += sample->send_busy;
		receive += sample->receive_busy;
	}
	if (units <= 0)
		return;
	series->rate = units * 1e9 / span;
	series->send_busy = send / units;
	if (receive >= 0)
		series->receive_busy = receive / units;
}

static bool sum_up(struct series *series)
{
	series->send_cpu = median_of(series, get_cpu, 0);
	series->receive_cpu = median_of(series, get_cpu, 1);
	sum_busy(series);
	return statistics_of(&series->stats, series->values, series->n);
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
		list[i].trips = calloc(1, sizeof(*list[i].trips));
		list[i].kernel_trips = calloc(1, sizeof(*list[i].kernel_trips));
		enough = enough && list[i].values && list[i].samples && list[i].trips &&
			 list[i].kernel_trips;
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
			enough = statistics_ratio(&list[i].ratio, list[i].values,
						  list[i].base->values, list[i].n);
	return enough ? ret : err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
}

void series_free(struct series *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].values);
		free(list[i].samples);
		free(list[i].trips);
		free(list[i].kernel_trips);
		list[i].values = NULL;
		list[i].samples = NULL;
		list[i].trips = NULL;
		list[i].kernel_trips = NULL;
	}
}
