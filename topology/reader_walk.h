/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reader_walk.h - the lowest part of the lab-file reader: the context of one reading, findings, and
 * the walk over a map by a table of its keys. Private to topology/reader*.c.
 *
 * A function that reads a value reports what is wrong with it and leaves its result as it was, so
 * that reading goes on and all errors of a file are found at once.
 */
#ifndef VETHLAB_TOPOLOGY_READER_WALK_H
#define VETHLAB_TOPOLOGY_READER_WALK_H

#include "topology/model.h"
#include "user/base/strmap.h"
#include "topology/autoaddr.h"
#include "topology/yaml.h"

enum {
	READER_NODES_MAX = 100 * 1000,
	READER_LINKS_MAX = 100 * 1000,
};

/* The context of one reading. */
struct reader {
	struct lab *lab;
	struct diags *diags;
	struct arena arena;	   /* the tree, and texts with their variables put in */
	struct strmap nodes, ends; /* by name, to what is in lab */
	const struct yaml **trees; /* of each node: what its own vars and the like are in */
	struct autoaddr plan;	   /* pools, and which links take from them */
	size_t n_automatic;	   /* entries of plan.automatic: one a link */
	bool routing;		   /* `routing: static` */
	struct where routing_where;
	const struct yaml *vars;			  /* of the lab; NULL: none */
	const struct yaml *allow;			  /* `allow:`, a map; NULL: none */
	const struct yaml *node_defaults, *link_defaults; /* maps under `defaults:`; NULL: none */
	const struct node *node;		   /* the node that is being read; NULL: none */
	size_t expanded;			   /* bytes of texts that variables made so far */
	size_t errors;				   /* so far, in this file */
	bool quiet;				   /* findings are counted, not reported (again) */
	bool node_defaults_bad, link_defaults_bad; /* and that was reported once */
	bool no_memory;
	unsigned guesses; /* "did you mean" searches done */
};

/* A word that a value may be, and what it stands for. */
struct word {
	const char *word;
	int value;
};

/*
 * A key that a map may have: a row of the map's table. The object is of the type that goes with the
 * table. A row has a kind of value (key_number and the like, reader_values.h), whose result goes to
 * one field of the object, or a function `read` where more is to be done. A row with neither is
 * allowed and not read by the walk.
 */
struct key {
	const char *name;
	void (*kind)(struct reader *r, const struct yaml *value, const struct key *key,
		     void *object);
	size_t offset;	      /* of the field in the object */
	size_t count;	      /* kind key_addresses: offset of the list's size_t number of items */
	size_t written;	      /* offset of a bool that is set when the key is written; 0: none */
	uint32_t least, most; /* kind key_number */
	const struct word *words; /* kind key_word: ended by a row with no word */
	const char *expected;	  /* kind key_word: the words, as findings tell them */
	const char *hint;	  /* kind key_word: what to do where no word is near; or NULL */
	void (*read)(struct reader *r, const struct yaml *value, void *object);
};

/* ---- findings ------------------------------------------------------------------------------ */

struct where reader_where(const struct reader *r, const struct yaml *value);
void reader_error(struct reader *r, const struct yaml *value, const char *hint, const char *fmt,
		  ...) __attribute__((format(printf, 4, 5)));
void reader_warning(struct reader *r, const struct yaml *value, const char *hint, const char *fmt,
		    ...) __attribute__((format(printf, 4, 5)));
/* `mtu: "abc" is not a number from 68 to 65535` */
void reader_bad(struct reader *r, const struct yaml *value, const char *expected, const char *hint);
void reader_no_memory(struct reader *r);
/* "did you mean ...?" in buf, or NULL when nothing is near. */
const char *reader_guess(struct reader *r, const char *typed, const char *const *names, size_t n,
			 char *buf, size_t size);
/* The same among the nodes of the lab. */
const char *reader_guess_node(struct reader *r, const char *typed, char *buf, size_t size);

/* ---- walks --------------------------------------------------------------------------------- */

/* Read one value by its row. */
void reader_key(struct reader *r, const struct yaml *value, const struct key *key, void *object);
/* The field of the object that a row is about. */
static inline void *key_field(const struct key *key, void *object)
{
	return (char *)object + key->offset;
}

/*
 * Read a map's entries by a table of keys; a key that is not in it is an error. what: "a node".
 * Nothing written counts as an empty map. Returns whether value was a map.
 */
bool reader_map(struct reader *r, const struct yaml *value, const struct key *keys, size_t n,
		void *object, const char *what);
/*
 * The entries of `defaults` whose keys the map `own` does not write itself. bad: whether the
 * defaults are known to have errors, which are reported only once.
 */
void reader_defaults(struct reader *r, const struct yaml *defaults, const struct yaml *own,
		     const struct key *keys, size_t n, void *object, bool *bad);
/* Call read with each item of a list, or with the value itself when it is no list. */
void reader_each(struct reader *r, const struct yaml *value,
		 void (*read)(struct reader *r, const struct yaml *value, void *object),
		 void *object);
/* Room for one more zeroed item at the end of a list of n; NULL: out of memory (reported). */
void *reader_append(struct reader *r, void *list_pointer, size_t *n, size_t item_size);

#endif
