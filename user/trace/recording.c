// SPDX-License-Identifier: GPL-2.0-only
/* recording.c - a run in a file. */
#include "user/trace/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/new_file.h"
#include "user/base/plain.h"
#include "user/output/output.h"

enum { NAME_SIZE = 48, LAB_TEXT_MAX = 16 << 20, CHUNK_MAX = 4096 };
/* The last chunk of files from before there were steps of stacks. */
enum { TOTALS_MIN = 3 * sizeof(uint64_t) };
static const char magic[8] = "VETHLAB\1";
/* 2: packets that are no ICMP. Those of version 1 are read as well. */
enum { FORMAT_FIRST = 1, FORMAT_VERSION = 2 };

/* CHUNK_LOST: how many records were lost by then. Older readers pass it over. */
enum chunk { CHUNK_EVENT = 1, CHUNK_DROP, CHUNK_NAME, CHUNK_END, CHUNK_STACK, CHUNK_LOST };

/* At the start of the file, in host byte order; version tells a file of the other order. */
struct head {
	char magic[8];
	uint32_t version, event_size, drop_size, lab_bytes;
	uint64_t start_ns;
	char name[VL_LAB_SIZE];
};

struct chunk_head {
	uint32_t type, len;
};

/* The word for a reason (kind 0) or an address in the kernel (kind 1). */
struct name_chunk {
	uint64_t kind, value;
	char name[NAME_SIZE];
};

struct recorded_names {
	struct name_chunk *list;
	size_t n, room;
};

static const char *recorded_names_find(const struct recorded_names *names, uint64_t kind,
				       uint64_t value)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->list[i].kind == kind && names->list[i].value == value)
			return names->list[i].name;
	return NULL;
}

static int recorded_names_add(struct recorded_names *names, const struct name_chunk *name)
{
	int ret = array_reserve(&names->list, &names->room, names->n + 1, sizeof(*names->list));

	if (ret)
		return ret;
	names->list[names->n++] = *name;
	return 0;
}

/* ---- write ----------------------------------------------------------------------------------- */

struct recorder {
	FILE *file;
	char *path;
	int error; /* positive errno of the first failure; 0 */
	struct recording_totals totals;
	struct recorded_names names; /* those written */
};

static void put(struct recorder *recorder, const void *bytes, size_t len)
{
	if (!recorder->error && len && fwrite(bytes, len, 1, recorder->file) != 1)
		recorder->error = errno ? errno : EIO;
}

static void put_chunk(struct recorder *recorder, enum chunk type, const void *bytes, size_t len)
{
	struct chunk_head head = {.type = type, .len = len};

	put(recorder, &head, sizeof(head));
	put(recorder, bytes, len);
}

int recorder_open(struct recorder **out, const char *path, const struct lab *lab, const char *name,
		  uint64_t start_ns, struct err *err)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	struct head head = {.version = FORMAT_VERSION,
			    .event_size = sizeof(struct vl_event),
			    .drop_size = sizeof(struct vl_drop),
			    .lab_bytes = strlen(lab->text),
			    .start_ns = start_ns};
	int ret;

	if (!recorder || !(recorder->path = strdup(path))) {
		free(recorder);
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", path);
	}
	recorder->file = stdout;
	ret = strcmp(path, "-") ? new_file_open(&recorder->file, path, err) : 0;
	if (ret) {
		free(recorder->path);
		free(recorder);
		return ret;
	}
	memcpy(head.magic, magic, sizeof(magic));
	snprintf(head.name, sizeof(head.name), "%s", name);
	put(recorder, &head, sizeof(head));
	put(recorder, lab->text, head.lab_bytes);
	*out = recorder;
	return 0;
}

void recorder_event(struct recorder *recorder, const struct vl_event *event)
{
	put_chunk(recorder, CHUNK_EVENT, event, sizeof(*event));
	recorder->totals.events++;
}

static void put_name(struct recorder *recorder, uint64_t kind, uint64_t value, const char *text)
{
	struct name_chunk name = {.kind = kind, .value = value};

	if (recorded_names_find(&recorder->names, kind, value))
		return;
	snprintf(name.name, sizeof(name.name), "%s", text);
	if (recorded_names_add(&recorder->names, &name) && !recorder->error)
		recorder->error = ENOMEM;
	put_chunk(recorder, CHUNK_NAME, &name, sizeof(name));
}

void recorder_drop(struct recorder *recorder, const struct vl_drop *drop, const char *reason,
		   const char *function)
{
	put_name(recorder, 0, drop->reason, reason);
	put_name(recorder, 1, drop->location, function);
	put_chunk(recorder, CHUNK_DROP, drop, sizeof(*drop));
	recorder->totals.drops++;
}

void recorder_stack(struct recorder *recorder, const struct vl_stack *record, const char *reason,
		    const char *function)
{
	if (record->at.kind == VL_STACK_DROP) {
		recorder_drop(recorder, &record->at, reason, function);
		return;
	}
	if (record->at.kind == VL_STACK_QUESTION)
		put_name(recorder, 0, record->at.reason, reason);
	if (record->at.location)
		put_name(recorder, 1, record->at.location, function);
	put_chunk(recorder, CHUNK_STACK, record, sizeof(*record));
	recorder->totals.steps++;
}

void recorder_lost(struct recorder *recorder, uint64_t lost)
{
	if (lost == recorder->totals.lost)
		return;
	put_chunk(recorder, CHUNK_LOST, &lost, sizeof(lost));
	recorder->totals.lost = lost;
}

bool recorder_failed(const struct recorder *recorder)
{
	return recorder->error;
}

int recorder_close(struct recorder *recorder, uint64_t lost, struct recording_totals *totals,
		   struct err *err)
{
	int ret = 0;

	if (!recorder)
		return 0;
	recorder->totals.lost = lost;
	*totals = recorder->totals;
	put_chunk(recorder, CHUNK_END, &recorder->totals, sizeof(recorder->totals));
	if ((recorder->file == stdout ? fflush(stdout) : fclose(recorder->file)) &&
	    !recorder->error)
		recorder->error = errno;
	/* main tells of stdout, and a reader that left (head) is no failure. */
	if (recorder->error && recorder->file == stdout)
		output_fail(recorder->error);
	else if (recorder->error)
		ret = err_set(err, ERR_SYSTEM, recorder->error, "%s: cannot write it (kernel: %s)",
			      recorder->path, strerror(recorder->error));
	free(recorder->names.list);
	free(recorder->path);
	free(recorder);
	return ret;
}

/* ---- read ------------------------------------------------------------------------------------ */

struct recording {
	FILE *file;
	char *path;
	struct lab *lab;
	struct head head;
	struct recorded_names names;
	struct recording_totals totals;
};

static int bad_file(const struct recording *recording, struct err *err, const char *what,
		    const char *hint)
{
	err_set(err, ERR_INPUT, EINVAL, "%s: %s", recording->path, what);
	err_hint(err, "%s", hint);
	return -EINVAL;
}

static const char copy_again[] = "it is damaged: copy it once more, or record anew";

static int read_lab(struct recording *recording, struct err *err)
{
	size_t len = recording->head.lab_bytes;
	struct diags diags = {0};
	char *text;

	if (len > LAB_TEXT_MAX)
		return bad_file(recording, err, "its lab file is impossibly long", copy_again);
	text = malloc(len + 1);
	if (!text)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", recording->path);
	if (len && fread(text, len, 1, recording->file) != 1) {
		free(text);
		return bad_file(recording, err, "it ends before its first record", copy_again);
	}
	text[len] = 0;
	recording->lab = lab_read_text(text, len, recording->path, &diags);
	free(text);
	if (!recording->lab)
		bad_file(recording, err, "the lab file inside it cannot be read", copy_again);
	diags_free(&diags);
	return recording->lab ? 0 : -EINVAL;
}

static int read_head(struct recording *recording, struct err *err)
{
	struct head *head = &recording->head;

	if (fread(head, sizeof(*head), 1, recording->file) != 1 ||
	    memcmp(head->magic, magic, sizeof(magic)))
		return bad_file(recording, err, "it is no recording of vethlab",
				"recordings are what `vethlab record FILE` writes");
	if (head->version > 0xffff)
		return bad_file(recording, err,
				"it was recorded on a machine of another byte order",
				"read it on such a machine");
	if (head->version < FORMAT_FIRST || head->version > FORMAT_VERSION ||
	    head->event_size != sizeof(struct vl_event) ||
	    head->drop_size != sizeof(struct vl_drop))
		return bad_file(recording, err, "it was recorded by another version of vethlab",
				"read it with that version, or record anew");
	head->name[sizeof(head->name) - 1] = 0;
	plain_name(head->name);
	return read_lab(recording, err);
}

int recording_from(struct recording **out, FILE *file, const char *path, struct err *err)
{
	struct recording *recording = calloc(1, sizeof(*recording));
	int ret;

	if (!recording || !(recording->path = strdup(path))) {
		free(recording);
		fclose(file);
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", path);
	}
	recording->file = file;
	ret = read_head(recording, err);
	if (ret) {
		recording_close(recording);
		return ret;
	}
	*out = recording;
	return 0;
}

int recording_open(struct recording **out, const char *path, struct err *err)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;

	if (!file)
		return err_set(err, ERR_INPUT, errno, "%s: cannot open it (kernel: %s)", path,
			       strerror(errno));
	return recording_from(out, file, path, err);
}

void recording_close(struct recording *recording)
{
	if (!recording)
		return;
	fclose(recording->file);
	lab_free(recording->lab);
	free(recording->names.list);
	free(recording->path);
	free(recording);
}

const struct lab *recording_lab(const struct recording *recording)
{
	return recording->lab;
}

const char *recording_name(const struct recording *recording)
{
	return recording->head.name;
}

uint64_t recording_start_ns(const struct recording *recording)
{
	return recording->head.start_ns;
}

struct recording_totals recording_totals(const struct recording *recording)
{
	return recording->totals;
}

/* The chunk's bytes into buf. False: the file ends in it. */
static bool get_chunk(struct recording *recording, struct chunk_head *head, void *buf)
{
	return fread(head, sizeof(*head), 1, recording->file) == 1 && head->len <= CHUNK_MAX &&
	       (!head->len || fread(buf, head->len, 1, recording->file) == 1);
}

enum { PACKET_BYTES_MAX = 1 << 24 }; /* far more than a packet of any kernel has */

/* Whether what tells packets that are no ICMP is there alone, and possible. */
static bool is_sane_other(const struct vl_event *packet)
{
	return !(packet->flags & VL_EV_OTHER) ||
	       (!(packet->flags & (VL_EV_QUOTED | VL_EV_FLOW | VL_EV_LOOSE)) &&
		packet->other.bytes <= PACKET_BYTES_MAX);
}

/* Whether a record is one that the lab can have: what reads it may trust its numbers. */
static bool is_sane(const struct recording *recording, const struct vl_stack *record,
		    enum recorded what)
{
	const struct vl_event *packet = &record->at.packet;
	size_t n_ends = lab_n_ends(recording->lab);

	if (!is_sane_other(packet))
		return false;
	if (packet->family != 4 && packet->family != 6 &&
	    !(packet->family == 0 && packet->flags & VL_EV_OTHER) &&
	    !(what == RECORDED_STACK && packet->flags & VL_EV_LOOSE))
		return false;
	if (what == RECORDED_EVENT)
		return packet->end < n_ends && packet->hook < VL_HOOKS;
	return record->at.node < recording->lab->n_nodes &&
	       (what == RECORDED_DROP ||
		(record->at.kind > VL_STACK_DROP && record->at.kind < VL_STACK_KINDS));
}

/* A record out of its chunk; RECORDED_END if it is none, or a senseless one. */
static enum recorded chunk_record(const struct recording *recording, const struct chunk_head *head,
				  const void *bytes, struct vl_stack *record)
{
	enum recorded what;

	*record = (struct vl_stack){0};
	if (head->type == CHUNK_EVENT && head->len == sizeof(struct vl_event))
		what = RECORDED_EVENT;
	else if (head->type == CHUNK_DROP && head->len == sizeof(struct vl_drop))
		what = RECORDED_DROP;
	else if (head->type == CHUNK_STACK && head->len == sizeof(struct vl_stack))
		what = RECORDED_STACK;
	else
		return RECORDED_END;
	memcpy(record, bytes, head->len);
	record->name[sizeof(record->name) - 1] = 0;
	plain_name(record->name);
	if (what == RECORDED_DROP)
		record->at.kind = VL_STACK_DROP;
	if (what != RECORDED_EVENT)
		record->at.packet.hook = VL_HOOKS;
	return is_sane(recording, record, what) ? what : RECORDED_END;
}

int recording_next(struct recording *recording, struct vl_stack *record, struct err *err)
{
	struct chunk_head head;
	enum recorded what;
	union {
		struct name_chunk name;
		struct recording_totals totals;
		char bytes[CHUNK_MAX];
	} chunk;

	for (;;) {
		if (!get_chunk(recording, &head, &chunk)) {
			if (ferror(recording->file))
				return err_set(err, ERR_INPUT, EIO, "%s: cannot read it",
					       recording->path);
			return RECORDED_CUT;
		}
		what = chunk_record(recording, &head, &chunk, record);
		if (what != RECORDED_END)
			return what;
		if (head.type == CHUNK_NAME && head.len == sizeof(chunk.name)) {
			chunk.name.name[NAME_SIZE - 1] = 0;
			plain_name(chunk.name.name);
			if (recorded_names_add(&recording->names, &chunk.name))
				return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory",
					       recording->path);
		} else if (head.type == CHUNK_END && head.len >= TOTALS_MIN &&
			   head.len <= sizeof(chunk.totals)) {
			memcpy(&recording->totals, &chunk, head.len);
			return RECORDED_END;
		} else if (head.type == CHUNK_LOST && head.len == sizeof(recording->totals.lost)) {
			memcpy(&recording->totals.lost, &chunk, head.len);
		}
		/* Chunks of other types and senseless records are passed over. */
	}
}

void recording_drop_names(const struct vl_drop *drop, char *reason, char *function, void *arg)
{
	const struct recording *recording = arg;
	const char *name = recorded_names_find(&recording->names, 0, drop->reason);
	const char *where = recorded_names_find(&recording->names, 1, drop->location);

	if (name)
		snprintf(reason, NAME_SIZE, "%s", name);
	else
		snprintf(reason, NAME_SIZE, "reason %" PRIu32, drop->reason);
	snprintf(function, NAME_SIZE, "%s", where ? where : "");
}
