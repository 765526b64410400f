// SPDX-License-Identifier: GPL-2.0-only
/* yaml.c - a tree of values with their places, out of libfyaml's events. */
#include <errno.h>
#include <libfyaml.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/plain.h"
#include "user/base/strmap.h"
#include "topology/yaml.h"

/* ---- text that is no text ------------------------------------------------------------------ */

/* A control character that no text has; tabs and ends of lines are in texts. */
static bool is_control(const char *p, size_t n)
{
	return plain_is_control(p, n) && !(n == 1 && (*p == '\t' || *p == '\n' || *p == '\r'));
}

/* The number of a control character: that of C1 (U+0080 to U+009F) is its second byte. */
static unsigned control_number(const char *p, size_t n)
{
	return (unsigned char)p[n - 1];
}

/* Whether the bytes are UTF-8 text without control characters; a finding names the first that is
 * not. */
static bool check_text(const char *text, size_t len, const char *path, struct diags *diags)
{
	const char *p = text, *end = p + len;
	struct where where = {path, 1, 1};
	size_t step;

	for (; p < end; p += step) {
		step = plain_character(p, end);
		if (!step) {
			diags_add(diags, SEVERITY_ERROR, where, "save the file as UTF-8",
				  "byte 0x%02x is not UTF-8 text", (unsigned char)*p);
			return false;
		}
		if (is_control(p, step)) {
			diags_add(diags, SEVERITY_ERROR, where, NULL,
				  "control character 0x%02x in a text file",
				  control_number(p, step));
			return false;
		}
		where.column++;
		if (*p == '\n' || (*p == '\r' && (p + 1 == end || p[1] != '\n'))) {
			where.line++;
			where.column = 1;
		}
	}
	return true;
}

/* ---- the tree ------------------------------------------------------------------------------ */

struct level {
	struct yaml *container;
	struct yaml *last;	/* its last entry */
	const struct yaml *key; /* the key that waits for its value */
	struct strmap keys;	/* of a map: key to its scalar */
};

struct builder {
	const char *path, *text;
	size_t size; /* of text */
	struct arena *arena;
	struct diags *diags;
	struct yaml *root;
	struct level levels[YAML_DEPTH_MAX];
	unsigned depth;
	unsigned documents;
	size_t values;
	bool failed; /* go no further */
};

static void build_error(struct builder *builder, int line, int column, const char *hint,
			const char *what)
{
	diags_add(builder->diags, SEVERITY_ERROR, (struct where){builder->path, line, column}, hint,
		  "%s", what);
	builder->failed = true;
}

/* A map's entry of the same key makes one of them dead: nearly always a mistake. */
static void take_key(struct builder *builder, struct level *level, struct yaml *value)
{
	struct where where = {builder->path, value->line, value->column};
	const struct yaml *first;

	if (value->kind != YAML_SCALAR) {
		build_error(builder, value->line, value->column, NULL,
			    "a key must be a word, not a list or a map");
		return;
	}
	level->key = value;
	first = strmap_add(&level->keys, value->text, value);
	if (!first)
		build_error(builder, 0, 0, NULL, "out of memory");
	else if (first != value)
		diags_add(builder->diags, SEVERITY_ERROR, where, "keep one of the two",
			  "key \"%.80s\" is written twice, first in line %d", value->text,
			  first->line);
}

/* Put a new value where the text has it: under the waiting key, at the end of the list. */
static void place(struct builder *builder, struct yaml *value)
{
	struct level *level = builder->depth ? &builder->levels[builder->depth - 1] : NULL;

	if (!level) {
		builder->root = value;
		return;
	}
	if (level->container->kind == YAML_MAP && !level->key) {
		take_key(builder, level, value);
		return;
	}
	value->key = level->key;
	level->key = NULL;
	if (level->last)
		level->last->next = value;
	else
		level->container->first = value;
	level->last = value;
}

/* The character that an event starts with and that libfyaml's mark is behind; 0: none. */
static char opening(struct fy_event *event)
{
	if (event->type == FYET_ALIAS)
		return '*';
	if (event->type != FYET_SCALAR || !event->scalar.value)
		return 0;
	switch (fy_token_scalar_style(event->scalar.value)) {
	case FYSS_SINGLE_QUOTED:
		return '\'';
	case FYSS_DOUBLE_QUOTED:
		return '"';
	default:
		return 0;
	}
}

/* Where an event starts; false: it is not written at all. */
static bool event_place(const struct builder *builder, struct fy_event *event, int *line,
			int *column)
{
	const struct fy_mark *mark = fy_event_start_mark(event);
	char first = opening(event);

	if (!mark)
		return false;
	*line = mark->line + 1;
	*column = mark->column + 1;
	/* Looked up, since that the mark is behind it is nowhere promised. */
	if (first && mark->column && mark->input_pos && builder->text[mark->input_pos - 1] == first)
		--*column;
	return true;
}

static struct yaml *new_value(struct builder *builder, struct fy_event *event, enum yaml_kind kind)
{
	const struct yaml *key = builder->depth ? builder->levels[builder->depth - 1].key : NULL;
	struct yaml *value = arena_alloc(builder->arena, sizeof(*value));

	if (!value) {
		build_error(builder, 0, 0, NULL, "out of memory");
		return NULL;
	}
	value->kind = kind;
	/* A value that is not written at all has no place of its own. */
	if (!event_place(builder, event, &value->line, &value->column)) {
		value->line = key ? key->line : 1;
		value->column = key ? key->column : 1;
	}
	if (fy_event_get_anchor_token(event))
		build_error(builder, value->line, value->column,
			    "write the values out, or put them under `defaults:`",
			    "anchors (&name) are not used in lab files");
	else if (fy_event_get_tag_token(event))
		build_error(builder, value->line, value->column, "take the tag away",
			    "tags (!name) are not used in lab files");
	else if (++builder->values > YAML_VALUES_MAX)
		build_error(builder, value->line, value->column, NULL,
			    "the file has more than 1000000 values");
	return value;
}

/*
 * The text of a single-quoted scalar. libfyaml 0.7.12 takes two escaped quotes in a row for three,
 * cuts as many characters off the end, and loses memory on the way; so this style is read here. raw
 * stands behind the opening quote, limit at the end of the file, which has no zero. NULL: out of
 * memory.
 */
static char *single_quoted(struct arena *arena, const char *raw, const char *limit, size_t *len)
{
	const char *end = raw, *p = raw;
	char *text;
	size_t n = 0;

	while (end < limit && (*end != '\'' || (end + 1 < limit && end[1] == '\'')))
		end += *end == '\'' ? 2 : 1;
	text = arena_alloc(arena, end - raw + 1);
	while (text && p < end) {
		size_t breaks = 0;

		if (*p != '\n' && *p != '\r') {
			text[n++] = *p;
			p += *p == '\'' ? 2 : 1;
			continue;
		}
		/* Lines fold to a blank; empty lines between them stay. Blanks around go. */
		while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
			n--;
		for (; p < end && strchr(" \t\r\n", *p); p++)
			breaks += *p == '\n' || (*p == '\r' && p[1] != '\n');
		if (breaks == 1)
			text[n++] = ' ';
		while (breaks-- > 1)
			text[n++] = '\n';
	}
	*len = n;
	return text;
}

/*
 * "\e" in double quotes is a control character as well, and "\0" would end our strings before their
 * end.
 */
static void check_decoded(struct builder *builder, const struct yaml *value, const char *text,
			  size_t len)
{
	const char *end = text + len;
	char what[64];
	size_t n;

	for (const char *p = text; p < end; p += n) {
		n = plain_character(p, end);
		if (n && !is_control(p, n))
			continue;
		if (!n)
			snprintf(what, sizeof(what), "an escape that is no character, in a text");
		else if (!*p)
			snprintf(what, sizeof(what), "a zero byte in a text");
		else
			snprintf(what, sizeof(what), "control character 0x%02x in a text",
				 control_number(p, n));
		build_error(builder, value->line, value->column, NULL, what);
		return;
	}
}

static void take_scalar(struct builder *builder, struct fy_event *event)
{
	struct yaml *value = new_value(builder, event, YAML_SCALAR);
	struct fy_token *token = event->scalar.value;
	const char *text = "";
	size_t len = 0;

	if (!value)
		return;
	value->plain = true;
	if (token && fy_token_scalar_style(token) == FYSS_SINGLE_QUOTED) {
		const char *raw = builder->text + fy_event_start_mark(event)->input_pos;

		value->plain = false;
		/* As in event_place(): behind the quote, unless a library says otherwise. */
		text = single_quoted(builder->arena,
				     raw == builder->text || raw[-1] != '\'' ? raw + 1 : raw,
				     builder->text + builder->size, &len);
	} else if (token) {
		value->plain = fy_token_scalar_style(token) == FYSS_PLAIN;
		text = fy_token_get_text(token, &len);
	}
	if (text && !builder->failed)
		check_decoded(builder, value, text, len);
	value->text = text ? arena_strndup(builder->arena, text, len) : NULL;
	if (!value->text)
		build_error(builder, 0, 0, NULL, "out of memory");
	if (!builder->failed)
		place(builder, value);
}

static void open_container(struct builder *builder, struct fy_event *event, enum yaml_kind kind)
{
	struct yaml *value = new_value(builder, event, kind);

	if (!value || builder->failed)
		return;
	place(builder, value);
	if (builder->depth == YAML_DEPTH_MAX) {
		build_error(builder, value->line, value->column, NULL,
			    "lists and maps are more than 16 deep");
		return;
	}
	if (!builder->failed)
		builder->levels[builder->depth++] = (struct level){.container = value};
}

static void take_event(struct builder *builder, struct fy_event *event)
{
	int line = 1, column = 1;

	event_place(builder, event, &line, &column);
	switch (event->type) {
	case FYET_DOCUMENT_START:
		if (builder->documents++)
			build_error(builder, line, column, "put the second lab into its own file",
				    "a lab file has one document");
		break;
	case FYET_ALIAS:
		build_error(builder, line, column,
			    "write the values out, or put them under `defaults:`",
			    "aliases (*name) are not used in lab files");
		break;
	case FYET_SCALAR:
		take_scalar(builder, event);
		break;
	case FYET_MAPPING_START:
		open_container(builder, event, YAML_MAP);
		break;
	case FYET_SEQUENCE_START:
		open_container(builder, event, YAML_LIST);
		break;
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		strmap_free(&builder->levels[--builder->depth].keys);
		break;
	default:
		break;
	}
}

/* ---- what is wrong with text that is no YAML --------------------------------------------------
 */

/* A place in the text, while its flow maps and lists ({ } and [ ]) are followed. */
struct flow_scan {
	int line, column, depth;
	int open_line[YAML_DEPTH_MAX], open_column[YAML_DEPTH_MAX];
	char open[YAML_DEPTH_MAX];
	int variable_line; /* where an unquoted ${ stands in a flow map or list; 0: none does */
	char before;	   /* the last character of the line that is no blank; 0: none */
	char quote;	   /* inside quotes: which; 0: outside */
};

static void scan_character(struct flow_scan *scan, const char *at)
{
	char c = *at;

	if (scan->quote) {
		if (c == scan->quote)
			scan->quote = 0;
	} else if ((c == '"' || c == '\'') && (!scan->before || strchr("[{,:-", scan->before))) {
		scan->quote = c;
	} else if (c == '{' && scan->before == '$') {
		if (scan->depth && !scan->variable_line)
			scan->variable_line = scan->line;
	} else if (c == '{' || c == '[') {
		bool opens = scan->depth ? !scan->before || strchr("[{,:", scan->before)
					 : scan->before == ':' || scan->before == '-';

		if (opens && scan->depth < YAML_DEPTH_MAX) {
			scan->open[scan->depth] = c;
			scan->open_line[scan->depth] = scan->line;
			scan->open_column[scan->depth++] = scan->column;
		}
	} else if (scan->depth && c == scan->open[scan->depth - 1] + 2) { /* { and }, [ and ] */
		scan->depth--;
	}
	if (c != ' ' && c != '\t')
		scan->before = c;
}

/* Follow the text up to a line and column, both from 1. */
static void scan_flow(struct flow_scan *scan, const struct builder *builder, int line, int column)
{
	const char *at = builder->text, *end = at + builder->size;

	*scan = (struct flow_scan){.line = 1, .column = 1};
	for (; at < end && (scan->line < line || (scan->line == line && scan->column <= column));
	     at++) {
		if (*at == '#' && !scan->quote && (!scan->before || at[-1] == ' '))
			at = memchr(at, '\n', end - at) ?: end; /* a comment */
		if (at >= end)
			return;
		if (*at == '\n') {
			scan->line++;
			scan->column = 1;
			scan->before = 0;
			continue;
		}
		scan_character(scan, at);
		scan->column++;
	}
}

/* What to do about it, where the text tells. The buffer holds what is returned. */
static const char *syntax_hint(const struct builder *builder, int line, int column, char *buf,
			       size_t size)
{
	struct flow_scan scan;

	scan_flow(&scan, builder, line, column);
	if (scan.variable_line == line)
		return "between { } and [ ] a text with ${ in it needs quotes: \"${net}.1/24\"";
	if (!scan.depth)
		return NULL;
	snprintf(buf, size, "the %c of line %d, column %d is not closed there",
		 scan.open[scan.depth - 1], scan.open_line[scan.depth - 1],
		 scan.open_column[scan.depth - 1]);
	return buf;
}

/* What libfyaml says of text that is no YAML. Its later findings follow from the first. */
static void take_library_error(struct builder *builder, struct fy_diag *diag)
{
	void *iter = NULL;
	struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iter);
	int line, column;
	char hint[96];

	if (!error || !error->msg) {
		build_error(builder, 1, 1, NULL, "this is not YAML");
		return;
	}
	line = error->line > 0 ? error->line : 1;
	column = error->column > 0 ? error->column : 1;
	build_error(builder, line, column, syntax_hint(builder, line, column, hint, sizeof(hint)),
		    error->msg);
}

static void build(struct builder *builder, const char *text, size_t len)
{
	struct fy_diag_cfg diag_cfg;
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE |
					    FYPCF_DEFAULT_VERSION_1_2};
	struct fy_parser *parser = NULL;
	struct fy_event *event;

	builder->text = text;
	builder->size = len;
	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	cfg.diag = fy_diag_create(&diag_cfg);
	if (cfg.diag) {
		fy_diag_set_collect_errors(cfg.diag, true);
		parser = fy_parser_create(&cfg);
	}
	if (!parser || fy_parser_set_string(parser, text, len)) {
		build_error(builder, 0, 0, NULL, "out of memory");
	} else {
		while (!builder->failed && (event = fy_parser_parse(parser))) {
			take_event(builder, event);
			fy_parser_event_free(parser, event);
		}
		if (!builder->failed && fy_parser_get_stream_error(parser))
			take_library_error(builder, cfg.diag);
	}
	fy_parser_destroy(parser);
	fy_diag_destroy(cfg.diag);
	while (builder->depth)
		strmap_free(&builder->levels[--builder->depth].keys);
}

const struct yaml *yaml_parse(const char *text, size_t len, const char *path, struct arena *arena,
			      struct diags *diags)
{
	struct builder builder = {.path = path, .arena = arena, .diags = diags};

	if (len > YAML_SIZE_MAX) {
		build_error(&builder, 1, 1, NULL, "a lab file has at most 16 MiB");
		return NULL;
	}
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3; /* a byte order mark */
		len -= 3;
	}
	if (!check_text(text, len, path, diags))
		return NULL;
	build(&builder, text, len);
	if (builder.failed)
		return NULL;
	if (!builder.root) {
		builder.root = arena_alloc(arena, sizeof(*builder.root));
		if (!builder.root) {
			build_error(&builder, 0, 0, NULL, "out of memory");
			return NULL;
		}
		*builder.root = (struct yaml){.plain = true, .line = 1, .column = 1, .text = ""};
	}
	return builder.root;
}
