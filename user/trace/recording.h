/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recording.h - a run in a file: the lab file, the records, the kernel's names for drops. Any
 * machine of the same byte order can read it, without root.
 *
 * A head, the lab file's text, then chunks of a type and a length. The last chunk says how many
 * there were: a file without it was cut short, and is good up to the cut.
 */
#ifndef VETHLAB_USER_TRACE_RECORDING_H
#define VETHLAB_USER_TRACE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/vethlab.h"
#include "user/base/err.h"
#include "topology/model.h"

struct recording_totals {
	uint64_t events, drops, lost; /* lost: the kernel side could not deliver them */
	uint64_t steps;		      /* of stacks, other than drops */
};

/* ---- write ----------------------------------------------------------------------------------- */

struct recorder;

/* path "-": stdout. name: of the running lab. start_ns: CLOCK_MONOTONIC of time 0. */
int recorder_open(struct recorder **recorder, const char *path, const struct lab *lab,
		  const char *name, uint64_t start_ns, struct err *err);
/* These remember a failure to write; recorder_close() tells it. */
void recorder_event(struct recorder *recorder, const struct vl_event *event);
/* The names are written once for each reason and each location. */
void recorder_drop(struct recorder *recorder, const struct vl_drop *drop, const char *reason,
		   const char *function);
/* A drop, or another step of a stack, whose function is written once, too. */
void recorder_stack(struct recorder *recorder, const struct vl_stack *record, const char *reason,
		    const char *function);
/* How many records were lost by now: it stands among those that came, so that who reads them knows.
 */
void recorder_lost(struct recorder *recorder, uint64_t lost);
bool recorder_failed(const struct recorder *recorder);
/* Write the last chunk and close. Fills totals. NULL is allowed. */
int recorder_close(struct recorder *recorder, uint64_t lost, struct recording_totals *totals,
		   struct err *err);

/* ---- read ------------------------------------------------------------------------------------ */

struct recording;

enum recorded {
	RECORDED_END,
	RECORDED_EVENT,
	RECORDED_DROP,
	RECORDED_CUT,  /* the file ends early */
	RECORDED_STACK /* any other step of a stack */
};

/* path "-": stdin. Errors: ERR_FAILED where the file is not what it should be. */
int recording_open(struct recording **recording, const char *path, struct err *err);
/* The same from an open stream, which the recording closes; path is what errors call it. */
int recording_from(struct recording **recording, FILE *file, const char *path, struct err *err);
void recording_close(struct recording *recording); /* NULL is allowed */
/* As in cleanup.h: cleanup_recording struct recording *recording = NULL; */
static inline void cleanup_recording_fn(struct recording **recording)
{
	recording_close(*recording);
}
#define cleanup_recording __attribute__((cleanup(cleanup_recording_fn)))
const struct lab *recording_lab(const struct recording *recording);
const char *recording_name(const struct recording *recording);
uint64_t recording_start_ns(const struct recording *recording);
/*
 * The next record; an event is in record->at.packet, a drop in record->at. Or -errno: the file
 * cannot be read.
 */
int recording_next(struct recording *recording, struct vl_stack *record, struct err *err);
/* What the last chunk says; zeros before it was read, but for `lost`: those that were lost by the
 * time of the last record. */
struct recording_totals recording_totals(const struct recording *recording);
/* The kernel's names, as recorded: 48 bytes each. arg: the recording (see record_view.h's
 * drop_names). */
void recording_drop_names(const struct vl_drop *drop, char *reason, char *function, void *arg);

#endif
