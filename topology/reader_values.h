/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reader_values.h - values of a lab file as texts, numbers, words and addresses. Private to
 * topology/reader*.c. What is wrong is reported; then the result stays as it was.
 */
#ifndef VETHLAB_TOPOLOGY_READER_VALUES_H
#define VETHLAB_TOPOLOGY_READER_VALUES_H

#include "topology/reader_walk.h"

/* The text of a scalar with ${variables} put in; lives as long as the reader. NULL: reported. */
const char *reader_text(struct reader *r, const struct yaml *value, const char *expected);
/* A copy that the caller owns, in place of what *text was; freed there. */
void reader_string(struct reader *r, const struct yaml *value, char **text);
void reader_number(struct reader *r, const struct yaml *value, uint32_t least, uint32_t most,
		   uint32_t *number);
void reader_bool(struct reader *r, const struct yaml *value, bool *flag);
void reader_setting(struct reader *r, const struct yaml *value, enum setting *setting);
bool reader_address(struct reader *r, const struct yaml *value, struct ip_addr *addr);
/* With its length; "default" is not taken. */
bool reader_prefix(struct reader *r, const struct yaml *value, struct ip_prefix *prefix);
bool reader_mac(struct reader *r, const struct yaml *value, uint8_t mac[6]);
bool reader_ifname(struct reader *r, const struct yaml *value, char ifname[IFNAME_MAX + 1]);
/*
 * One of the words. expected: the words as findings tell them; hint: what to do where none of them
 * is near to what was written, or NULL. Returns whether it was one.
 */
bool reader_word(struct reader *r, const struct yaml *value, const struct word *words,
		 const char *expected, const char *hint, int *number);
void reader_hooks(struct reader *r, const struct yaml *value, unsigned *hooks);

/* One address or a list of them, at the end of a list of struct address. */
struct address_list {
	struct address **list;
	size_t *n;
};
void reader_addresses(struct reader *r, const struct yaml *value, struct address_list list);

/* The form of `vars:`; variables are looked up in the tree when a text is read. */
void reader_vars(struct reader *r, const struct yaml *value, void *object);

/* ---- kinds of values in tables of keys ----------------------------------------------------- */

#define KEY_KIND(name)                                                                             \
	void name(struct reader *r, const struct yaml *value, const struct key *key, void *object)

KEY_KIND(key_string);		      /* char *, owned by the object */
KEY_KIND(key_number);		      /* uint32_t from key->least to key->most */
KEY_KIND(key_bool);		      /* bool */
KEY_KIND(key_setting);		      /* enum setting */
KEY_KIND(key_word);		      /* an enum, or int: one of key->words */
KEY_KIND(key_address);		      /* struct ip_addr */
KEY_KIND(key_addresses);	      /* struct address *, a list whose length is at key->count */
KEY_KIND(key_mac);		      /* uint8_t[6] */
KEY_KIND(key_ifname);		      /* char[IFNAME_MAX + 1] */
KEY_KIND(key_hooks);		      /* unsigned, enum hooks or-ed */
extern const struct word xdp_words[]; /* enum xdp_mode */
#define XDP_EXPECTED "native, generic or off"

#endif
