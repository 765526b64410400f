/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plain.h - texts from outside, character by character: what may go to a terminal, and into JSON.
 * Pure: nothing is allocated.
 */
#ifndef VETHLAB_USER_BASE_PLAIN_H
#define VETHLAB_USER_BASE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Bytes of the first character of a text that ends before end: 1 to 4; 0: it is not UTF-8 (RFC
 * 3629), or the text is empty. */
size_t plain_character(const char *text, const char *end);
/* Whether a character of n bytes is a control character: C0, DEL, C1. */
bool plain_is_control(const char *character, size_t n);
/*
 * Print a text from outside (names, what somebody typed): with ? for what is not UTF-8 and for
 * characters that a terminal takes as orders, which are control characters and those that change
 * the direction of writing. The end of a line stays, a tab becomes a blank.
 */
void plain_print(const char *text, FILE *f);
/* The same with the first n bytes of text. */
void plain_write(const char *text, size_t n, FILE *f);
/* Make a name from outside plain in its place, byte by byte; the end of a line becomes ?, too. */
void plain_name(char *name);

#endif
