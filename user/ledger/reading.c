// SPDX-License-Identifier: GPL-2.0-only
/* reading.c - the counters of a running lab, counted since it was built, reset, or saved. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/lab/end_gaps.h"
#include "user/lab/end_state.h"
#include "user/ledger/ledger.h"
#include "user/ledger/reading_exact.h"
#include "user/output/output.h"

static void file_path(const struct reading *reading, const char *file, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, LAB_DIR "/%s/%s", reading->run->name, file);
}

int reading_open(struct reading *reading, const char *lab, struct err *err)
{
	int rc;

	*reading = (struct reading){0};
	rc = lab_open(&reading->run, lab, err);
	if (rc)
		return rc;
	rc = running_open_watch(&reading->watch, reading->run, err);
	if (rc == -ENOENT && (!err || !err->code))
		return running_not_pinned(reading->run, err);
	if (!rc)
		reading->built_ns = watch_started_ns(reading->watch);
	return rc;
}

void reading_pause(struct reading *reading)
{
	watch_close(reading->watch);
	reading->watch = NULL;
}

int reading_resume(struct reading *reading, struct err *err)
{
	struct err cause = {0};
	int rc = running_open_watch(&reading->watch, reading->run, &cause);

	if (!rc && watch_started_ns(reading->watch) == reading->built_ns)
		return 0;
	if (rc && rc != -ENOENT) {
		if (err)
			*err = cause;
		return rc;
	}
	return running_taken_down(reading->run, err);
}

void reading_close(struct reading *reading)
{
	snapshot_free(&reading->base);
	watch_close(reading->watch);
	running_free(reading->run);
	*reading = (struct reading){0};
}

static uint8_t attached_bits(const struct reading *reading, const struct end *end)
{
	uint8_t bits = running_hook_bits(reading->run, end);

	for (int hook = 0; hook < VL_HOOKS; hook++)
		if (!watch_has_hook(reading->watch, hook))
			bits &= ~(1 << hook);
	return bits;
}

/* Hooks that count now, but did not all the time since the count began. */
static void note_gaps(struct blind_end *blind, const struct end_gaps *gaps)
{
	for (int hook = 0; hook < VL_HOOKS; hook++) {
		if (gaps->until_ns[hook] <= blind->attached_ns || blind->hooks.missing & 1 << hook)
			continue;
		blind->hooks.missing |= 1 << hook;
		blind->again_ns[hook] = gaps->until_ns[hook];
	}
}

/*
 * Which ends are blind. It is looked at after the counters: what is attached now was attached while
 * they were read.
 */
static int read_blind(struct snapshot *snapshot, const struct reading *reading, struct err *err)
{
	const struct lab *lab = reading->run->lab;
	cleanup_free struct end_hooks *hooks = NULL;
	cleanup_free struct end_gaps *gaps = NULL;
	int rc = end_hooks_read(&hooks, reading->run, reading->watch, err);

	if (!rc)
		rc = end_gaps_read(&gaps, reading->run, err);
	for (size_t i = 0; !rc && i < lab_n_ends(lab); i++) {
		uint32_t number = lab_end(lab, i)->number;

		if (number >= snapshot->n_ends)
			continue;
		snapshot->blind[number] = (struct blind_end){
			.hooks = hooks[i],
			.attached_ns =
				reading->base.n_ends ? reading->base.read_ns : snapshot->built_ns,
		};
		note_gaps(&snapshot->blind[number], &gaps[number]);
	}
	return rc;
}

/* Senders before receivers: a packet that crosses meanwhile is not lost. */
static int read_hooks(struct snapshot *snapshot, const struct reading *reading, struct err *err)
{
	static const enum vl_hook order[] = {VL_HOOK_OUT, VL_HOOK_XDP, VL_HOOK_IN};

	for (int i = 0; i < VL_HOOKS; i++) {
		int rc = watch_read(reading->watch, order[i], snapshot->hooks[order[i]], err);

		if (rc && rc != -ENOENT)
			return rc;
	}
	return 0;
}

/* Times and fates of echoes. A lab may keep none. */
static int read_timing(struct snapshot *snapshot, const struct reading *reading, struct err *err)
{
	struct timing *timing = timing_new(snapshot->n_ends);
	int rc = timing ? watch_read_echo(reading->watch, timing->echo, err) : -ENOMEM;

	for (int kind = 0; kind < WATCH_TIMES && !rc; kind++)
		rc = watch_read_times(reading->watch, kind, timing->times[kind], err);
	if (!rc) {
		snapshot->timing = timing;
		return 0;
	}
	timing_free(timing);
	if (rc == -ENOMEM)
		err_set(err, ERR_SYSTEM, ENOMEM, "cannot read the times: %s", strerror(ENOMEM));
	return rc;
}

/* The hooks once more, for what has moved since; then to one moment. */
static int make_exact(struct snapshot *snapshot, const struct reading *reading, struct err *err)
{
	struct snapshot then;
	int rc = snapshot_init(&then, snapshot->n_ends);

	if (rc)
		return err_set(err, ERR_SYSTEM, -rc, "cannot read the counters: %s", strerror(-rc));
	rc = read_hooks(&then, reading, err);
	if (!rc)
		rc = reading_make_exact(reading, snapshot, &then, err);
	snapshot_free(&then);
	return rc;
}

/* All counters since the lab was built. */
static int read_all(struct snapshot *snapshot, const struct reading *reading, struct err *err)
{
	const struct lab *lab = reading->run->lab;
	int rc = snapshot_init(snapshot, watch_n_ends(reading->watch));

	if (rc)
		return err_set(err, ERR_SYSTEM, -rc, "cannot read the counters: %s", strerror(-rc));
	snapshot->time_ns = clock_ns(CLOCK_REALTIME);
	snapshot->read_ns = clock_ns(CLOCK_MONOTONIC);
	snapshot->built_ns = reading->built_ns;
	snapshot->since_ns = snapshot->built_ns;
	snapshot->tc = reading->run->tc;
	snapshot->observed = reading->run->observed;
	for (size_t i = 0; i < lab_n_ends(lab); i++) {
		const struct end *end = lab_end(lab, i);

		if (end->number < snapshot->n_ends)
			snapshot->attached[end->number] = attached_bits(reading, end);
	}
	rc = read_hooks(snapshot, reading, err);
	if (!rc)
		rc = losses_read(&snapshot->losses, reading->watch, err);
	if (!rc)
		rc = make_exact(snapshot, reading, err);
	if (!rc)
		rc = read_blind(snapshot, reading, err);
	if (!rc && reading->with_times) {
		rc = read_timing(snapshot, reading, err);
		if (rc == -ENOENT)
			rc = 0;
	}
	if (rc)
		snapshot_free(snapshot);
	return rc;
}

static int load(struct snapshot *snapshot, const struct reading *reading, const char *path,
		struct err *err)
{
	return snapshot_load(snapshot, path, reading->run->name, reading->run->lab,
			     watch_n_ends(reading->watch), err);
}

/* What `stats --reset` saved, if that was in this life of the lab. */
static int load_reset(struct reading *reading, struct err *err)
{
	struct snapshot reset;
	char path[PATH_MAX];
	int rc;

	file_path(reading, "reset.json", path);
	if (access(path, F_OK))
		return 0;
	rc = load(&reset, reading, path, err);
	if (rc)
		return rc;
	if (reset.built_ns == reading->built_ns && reset.since_ns == reset.built_ns)
		reading->base = reset;
	else
		snapshot_free(&reset);
	return 0;
}

/* A document of some links does not say of the others that they counted nothing. */
static bool missing_link(const struct snapshot *since, const struct reading *reading,
			 const char *path, struct err *err)
{
	const struct lab *lab = reading->run->lab;

	for (size_t i = 0; since->partial && i < lab_n_ends(lab); i++) {
		const struct end *end = lab_end(lab, i);

		if (!ledger_shows(reading->shown, end->link) ||
		    (end->number < since->n_ends && since->attached[end->number] & SNAPSHOT_KNOWN))
			continue;
		err_set(err, ERR_INPUT, EINVAL,
			"%s: it is of some links only, and the one of %s is not among them", path,
			end->name);
		err_hint(err,
			 "save one of all links, without --link and --node: those pick from it as "
			 "well");
		return true;
	}
	return false;
}

/* A document counts from the building of the lab, or from the reset: then that is added. */
static int fit_since(struct snapshot *since, const struct reading *reading, const char *path,
		     struct err *err)
{
	const struct snapshot *reset = &reading->base;

	if (reading->with_times && !since->timing) {
		err_set(err, ERR_INPUT, EINVAL, "%s: it has no times", path);
		err_hint(err, "save one with `vethlab stats --json --time`");
		return -EINVAL;
	}
	if (missing_link(since, reading, path, err))
		return -EINVAL;
	if (since->built_ns == reading->built_ns && since->since_ns == since->built_ns)
		return 0;
	if (since->built_ns == reading->built_ns && since->since_ns == reset->read_ns) {
		if (!snapshot_add(since, reset))
			return 0;
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: %s", path, strerror(ENOMEM));
	}
	err_set(err, ERR_INPUT, EINVAL,
		"%s: it counts neither from when lab %s was built nor from its last reset", path,
		reading->run->name);
	err_hint(err, "save one with `vethlab stats --json`, without --since");
	return -EINVAL;
}

static int load_since(struct reading *reading, const char *path, struct err *err)
{
	struct snapshot since;
	int rc = load(&since, reading, path, err);

	if (rc)
		return rc;
	rc = fit_since(&since, reading, path, err);
	if (rc) {
		snapshot_free(&since);
		return rc;
	}
	snapshot_free(&reading->base);
	reading->base = since;
	return 0;
}

/* What is missing where the counting begins may be under way, and arrive later. */
static int note_passing(struct reading *reading, struct err *err)
{
	struct snapshot *base = &reading->base;
	struct ledger ledger;
	int rc;

	if (!base->n_ends)
		return 0;
	rc = ledger_make(&ledger, reading->run->name, reading->run->lab, base);
	if (rc)
		return err_set(err, ERR_SYSTEM, -rc, "cannot read the counters: %s", strerror(-rc));
	for (size_t i = 0; i < ledger.n_entries; i++) {
		uint32_t number = ledger.entries[i].from->number;

		if (number < base->n_ends && !base->passing[number])
			base->passing[number] = ledger.entries[i].unexplained;
	}
	ledger_free(&ledger);
	return 0;
}

int reading_set_base(struct reading *reading, bool all, const char *since, struct err *err)
{
	int rc = all ? 0 : load_reset(reading, err);

	if (!rc && since)
		rc = load_since(reading, since, err);
	return rc ? rc : note_passing(reading, err);
}

/* The whole document under its name, or none. */
static int save(const struct ledger *ledger, const char *path, const char *temporary,
		struct err *err)
{
	FILE *f = fopen(temporary, "we");
	int rc;

	if (!f)
		return err_set(err, ERR_SYSTEM, errno, "cannot write %s: %s", temporary,
			       strerror(errno));
	output_json_print(ledger_to_json(ledger, NULL), f);
	rc = output_finish(f, err);
	fclose(f);
	if (!rc && rename(temporary, path))
		rc = err_set(err, ERR_SYSTEM, errno, "cannot write %s: %s", path, strerror(errno));
	if (rc)
		unlink(temporary);
	return rc;
}

int reading_reset(struct reading *reading, uint64_t *read_ns, uint64_t *time_ns, struct err *err)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	cleanup_close int lock = lab_lock_running(reading->run, err);
	struct snapshot now;
	struct ledger ledger;
	int rc;

	if (lock < 0)
		return lock;
	reading->with_times = true;
	rc = read_all(&now, reading, err);
	if (rc)
		return rc;
	file_path(reading, "reset.json", path);
	file_path(reading, "reset.json.new", temporary);
	rc = ledger_make(&ledger, reading->run->name, reading->run->lab, &now);
	if (rc) {
		err_set(err, ERR_SYSTEM, -rc, "cannot write %s: %s", path, strerror(-rc));
	} else {
		rc = save(&ledger, path, temporary, err);
		ledger_free(&ledger);
	}
	*read_ns = now.read_ns;
	*time_ns = now.time_ns;
	snapshot_free(&now);
	return rc;
}

int reading_take(const struct reading *reading, struct ledger *ledger, struct snapshot *snapshot,
		 struct err *err)
{
	int rc = read_all(snapshot, reading, err);

	if (rc)
		return rc;
	if (reading->base.n_ends)
		snapshot_subtract(snapshot, &reading->base);
	rc = ledger_make(ledger, reading->run->name, reading->run->lab, snapshot);
	if (rc) {
		snapshot_free(snapshot);
		err_set(err, ERR_SYSTEM, -rc, "cannot read the counters: %s", strerror(-rc));
	}
	return rc;
}
