/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * output.h - the forms of output that all verbs share: tables, numbers with units, names of links
 * and directions, a screen that is redrawn, JSON documents, errors. What is written goes to a FILE
 * that the caller names; failures of writing are remembered and told by output_finish().
 */
#ifndef VETHLAB_USER_OUTPUT_OUTPUT_H
#define VETHLAB_USER_OUTPUT_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "user/base/err.h"
#include "topology/model.h"

/* ---- terminal ------------------------------------------------------------------------------ */

/* Columns of the terminal behind f (TIOCGWINSZ, then COLUMNS); 80 if it is none. */
int output_width(FILE *f);
/* Whether colour may be used: f is a terminal, NO_COLOR is unset, TERM is not dumb. */
bool output_colour(FILE *f);

/* ---- text ---------------------------------------------------------------------------------- */

enum { OUTPUT_NUMBER_SIZE = 32 };
/* "870 ns", "12.4 us", "3.07 ms", "1.50 s": three digits, the unit that fits. */
const char *output_duration(uint64_t ns, char buf[OUTPUT_NUMBER_SIZE]);
/* A longer one: "12.0 s", "3 min 12 s", "2 h 5 min", "4 d 3 h". */
const char *output_age(uint64_t ns, char buf[OUTPUT_NUMBER_SIZE]);
/*
 * A rate with its SI prefix: output_rate(15.2e9, "bit/s") is "15.2 Gbit/s", output_rate(870, "pps")
 * is "870 pps". Three digits; 0 and below (and no number) is "0 pps".
 */
const char *output_rate(double per_second, const char *unit, char buf[OUTPUT_NUMBER_SIZE]);
/* Columns that text takes on a terminal: UTF-8, wide and combining characters, no SGR escapes. */
size_t output_columns(const char *text);
/* How many bytes at the start of text fit into so many columns; no character is cut. */
size_t output_fit(const char *text, size_t columns);
/* "a:x -- b:y" */
const char *output_link(const struct link *link, char *buf, size_t size);
/* "a:x -> b:y": the direction whose sender is the end from. */
const char *output_direction(const struct end *from, char *buf, size_t size);

/*
 * Print a text that may hold something from outside, made plain (plain_print() of
 * user/base/plain.h), as output_wrap(), output_fold() and tables do with theirs.
 */
void output_print(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Print lead ("  why: ") and a sentence, in lines of output_width() columns; all lines but the
 * first are indented by the width of lead. Words, a number with its unit, and what is in brackets
 * ("[-c N]") are not broken; where one has no room beside the lead, the sentence stands below it.
 */
void output_wrap(const char *lead, const char *text, FILE *f);
/* The same if f is a terminal; else all on one line, so that it can be searched for. */
void output_fold(const char *lead, const char *text, FILE *f);

/*
 * A table: each column is as wide as its widest cell, columns are two blanks apart. There is no
 * header if no column has a title. A NULL table, or one that ran out of memory, takes all calls and
 * prints nothing; output_finish() fails then.
 */
struct table;
enum table_align { TABLE_LEFT, TABLE_RIGHT };
struct table_column {
	const char *title;
	enum table_align align;
};
struct table *table_new(const struct table_column *columns, size_t n);
/* Append a cell: row by row, from left to right. The text is copied. */
void table_cell(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same in red, for what was lost or failed. Only where output_colour() says so. */
void table_red_cell(struct table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Append a line of text between two rows. It may be longer than the table is wide. */
void table_line(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Append a sentence between two rows, to be printed behind lead by output_wrap(). */
void table_sentence(struct table *table, const char *lead, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Print the table, without blanks at the ends of lines. It may be printed again. */
void table_print(const struct table *table, FILE *f);
void table_free(struct table *table);

/* ---- screen ---------------------------------------------------------------------------------- */

/* A text that is drawn again in the same place of the terminal: each version is a frame. */
struct screen {
	FILE *f;
	bool terminal;	/* false: each frame is printed below the last, after an empty line */
	unsigned lines; /* of the frame that is shown */
	unsigned frames;
	bool cleared; /* the terminal was resized: the next frame starts at its top */
};

void screen_open(struct screen *screen, FILE *f);
/* To be called after SIGWINCH: lines of the frame may be wrapped, so the terminal is cleared. */
void screen_resized(struct screen *screen);
/* The most lines of a frame that the terminal shows; 0: no limit, f is no terminal. */
unsigned screen_room(const struct screen *screen);
/* Draw a frame. On a terminal its lines are cut to the width, its end to the height. */
void screen_draw(struct screen *screen, const char *text);

/* ---- JSON ---------------------------------------------------------------------------------- */

/* An object that starts with its schema tag: {"schema": "vethlab.stats/1"}. */
json_t *output_json_document(const char *schema);
/*
 * Print one document, indented on a terminal; takes the reference. NULL, or a document to which one
 * of the functions below could not add a part, is not printed: output_finish() fails.
 */
void output_json_print(json_t *document, FILE *f);
/* One object a line (streams), likewise. */
void output_json_line(json_t *object, FILE *f);
/*
 * Build documents: the functions of jansson that set, append, update and pack, whose failures are
 * remembered until the document is printed, so that there is one check at its end. All take the
 * reference to value and other, NULL too. What output_json_pack() gets as s is UTF-8, or the
 * document is not printed: texts from outside are o, by output_json_text().
 */
void output_json_set(json_t *object, const char *key, json_t *value);
void output_json_append(json_t *array, json_t *value);
void output_json_merge(json_t *object, json_t *other);
json_t *output_json_pack(const char *format, ...);
/* A string from outside, such as a process's name, with ? for each byte that is not UTF-8. */
json_t *output_json_text(const char *text);
/* A string of JSON (RFC 8259, 7), with its quotes: names come from lab files and may hold anything;
 * each byte that is not UTF-8 becomes ?. */
void output_json_string(const char *text, FILE *f);
/* {"end": "blue:veth1", "node": "blue", "interface": "veth1"} */
json_t *output_json_end(const struct end *end);

/* jansson's own, which fail without a word, or for a byte that is not UTF-8. */
#ifndef OUTPUT_JSON_OWN
#pragma GCC poison json_string json_pack
#pragma GCC poison json_object_set_new json_array_append_new json_object_update
#endif

/*
 * An object that is put together field by field. What puts the fields in does not know whether
 * they are written to a FILE at once, as for a flood of records (a tree costs several times as
 * much), or become a tree that stands in a document.
 */
struct json_writer {
	FILE *f;       /* NULL: a tree is made */
	json_t *tree;  /* the object that fields are put into */
	json_t *outer; /* the one around it; NULL: none */
	bool any;      /* the object in f has a field */
	size_t used;
	char bytes[512]; /* not written to f yet */
};

/* Begin an object. Nothing else is written to f before json_writer_finish(). */
void json_writer_line(struct json_writer *writer, FILE *f);
void json_writer_tree(struct json_writer *writer);
/* End it. Returns the tree, which the caller owns; of a line: NULL, and no line's end is written.
 */
json_t *json_writer_finish(struct json_writer *writer);
/* One field each; key: a literal that needs no escapes. Failures are remembered as above. */
void json_put_text(struct json_writer *writer, const char *key, const char *text);
void json_put_number(struct json_writer *writer, const char *key, uint64_t value);
void json_put_signed(struct json_writer *writer, const char *key, int64_t value);
void json_put_bool(struct json_writer *writer, const char *key, bool value);
/* What is put in between goes into an object in the object; in that one there is none. */
void json_put_begin(struct json_writer *writer, const char *key);
void json_put_end(struct json_writer *writer);

/* ---- the end of a stream ------------------------------------------------------------------- */

/*
 * Flush f and tell whether everything that was written to it has arrived (a full disk, a reader
 * that went away): 0, or -errno with *err set (ERR_SYSTEM). main calls it once for stdout.
 */
int output_finish(FILE *f, struct err *err);
/* Write out what f holds now; a failure is remembered for output_finish(). */
void output_flush(FILE *f);
/* Whether f is a pipe or socket whose reader has closed it, so that a write would fail. */
bool output_reader_left(FILE *f);
/* Remember a failure for output_finish(); error is a positive errno. The first one is kept. */
void output_fail(int error);

/* ---- errors -------------------------------------------------------------------------------- */

/* "vethlab: blue.yaml:14:9: ...\n  hint" to f. */
void output_error(const struct err *err, FILE *f);
/* Every finding as "blue.yaml:14:9: error: ...", then a count; without allowed ones. */
void output_diags(const struct diags *diags, FILE *f);
/* The allowed ones, with their reasons: "blue.yaml:14:9: allowed (shared-subnet): ..." */
void output_allowed(const struct diags *diags, FILE *f);

#endif
