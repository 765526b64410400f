// SPDX-License-Identifier: GPL-2.0-only
/* names.c - see names.h. */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "topology/names.h"

/* ---- what may be a name -------------------------------------------------------------------- */

const char *lab_name_problem(const char *name)
{
	size_t len = strlen(name);

	if (!len)
		return "a lab name cannot be empty";
	if (len > LAB_NAME_MAX)
		return "a lab name has at most 31 characters";
	if (name[0] == '-')
		return "a lab name cannot start with '-', since it would look like an option";
	for (; *name; name++)
		if (!isascii((unsigned char)*name) ||
		    (!isalnum((unsigned char)*name) && !strchr("_-", *name)))
			return "a lab name is made of the letters A-Z and a-z, digits, '_' and '-'";
	return NULL;
}

const char *node_name_problem(const char *name)
{
	if (!name[0])
		return "a node name cannot be empty";
	if (name[0] == '-' || name[0] == '.')
		return "a node name starts with a letter, a digit or '_'";
	for (const char *p = name; *p; p++)
		if (!isascii((unsigned char)*p) ||
		    (!isalnum((unsigned char)*p) && !strchr("._-", *p)))
			return "a node name is made of the letters A-Z and a-z, digits, '.', '_' "
			       "and '-'";
	if (strlen(name) > NODE_NAME_MAX)
		return "a node name has at most 63 characters";
	return NULL;
}

const char *ifname_problem(const char *name)
{
	static const char *const taken[] = {".", "..", "lo", "all", "default"};

	if (!name[0])
		return "an interface name cannot be empty";
	if (strlen(name) > IFNAME_MAX)
		return "the kernel takes interface names of at most 15 characters";
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (!strcmp(name, taken[i]))
			return "the kernel keeps this name for itself";
	if (name[0] == '-')
		return "an interface name cannot start with '-', since it would look like an "
		       "option";
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' || strchr("/:%", *name))
			return "an interface name is made of printable ASCII characters "
			       "without blank, '/', ':' and '%'";
	return NULL;
}

/* ---- the nearest name ---------------------------------------------------------------------- */

/*
 * Edits (insert, delete, replace, swap of neighbours) from a to b, or most + 1 if they are more.
 * Both at most 63 characters.
 */
static unsigned edit_distance(const char *a, const char *b, unsigned most)
{
	size_t len_a = strlen(a), len_b = strlen(b);
	uint8_t rows[3][64 + 1];

	if (len_a > 63 || len_b > 63 || len_a > len_b + most || len_b > len_a + most)
		return most + 1;
	for (size_t j = 0; j <= len_b; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= len_a; i++) {
		uint8_t *row = rows[i % 3], *up = rows[(i - 1) % 3], *up2 = rows[(i + 1) % 3];
		unsigned best = row[0] = i;

		for (size_t j = 1; j <= len_b; j++) {
			unsigned edits = up[j - 1] + (tolower((unsigned char)a[i - 1]) !=
						      tolower((unsigned char)b[j - 1]));

			if (up[j] + 1u < edits)
				edits = up[j] + 1;
			if (row[j - 1] + 1u < edits)
				edits = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1u < edits)
				edits = up2[j - 2] + 1;
			row[j] = edits;
			if (edits < best)
				best = edits;
		}
		if (best > most + 1)
			return most + 1;
	}
	return rows[len_a % 3][len_b];
}

/* The one name that was begun, and not ended; NULL: none or several, or hardly begun. */
static const char *only_longer(const char *typed, const char *const *names, size_t n)
{
	size_t len = strlen(typed);
	const char *found = NULL;

	if (len < 3)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(names[i], typed, len))
			continue;
		if (found && strcmp(found, names[i]))
			return NULL;
		found = names[i];
	}
	return found;
}

const char *nearest_name(const char *typed, const char *const *names, size_t n)
{
	/* A third of the letters wrong is a typo; more is another word. */
	unsigned most = strlen(typed) / 3;
	const char *nearest = NULL;

	if (most > 4)
		most = 4;
	for (size_t i = 0; i < n; i++) {
		unsigned edits = edit_distance(typed, names[i], most);

		if (edits > most)
			continue;
		nearest = names[i];
		if (!edits)
			break;
		most = edits - 1; /* only a nearer one replaces it */
	}
	return nearest ? nearest : only_longer(typed, names, n);
}
