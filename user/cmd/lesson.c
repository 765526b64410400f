// SPDX-License-Identifier: GPL-2.0-only
/* lesson.c - what the first comment of a bundled lab teaches: see lesson.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/cmd/lesson.h"

static const char heading[] = "# What to look at:", command[] = "vethlab ";

/* Where the part begins; NULL: there is none in the comment at the beginning. */
static const char *find_part(const char *text)
{
	for (; text && *text == '#'; text = strchr(text, '\n'), text += text ? 1 : 0)
		if (!strncmp(text, heading, sizeof(heading) - 1))
			return text;
	return NULL;
}

char *lesson_look_at(const char *text)
{
	const char *line = find_part(text);
	char *look = NULL;
	size_t size;
	FILE *f = line ? open_memstream(&look, &size) : NULL;

	if (!f)
		return NULL;
	while (*line == '#') {
		int len = strcspn(line, "\n"), marks = 1 + (line[1] == ' ');

		fprintf(f, "%.*s\n", len - marks, line + marks);
		line += len + (line[len] == '\n');
	}
	if (fclose(f)) {
		free(look);
		return NULL;
	}
	return look;
}

bool lesson_first_try(const char *text, const char *lab, char buf[LESSON_TRY_SIZE])
{
	const char *line = find_part(text), *end;

	for (; line && *line == '#'; line = strchr(line, '\n'), line += line ? 1 : 0) {
		const char *word = line + 1 + strspn(line + 1, " ");

		if (strncmp(word, command, sizeof(command) - 1) != 0)
			continue;
		word += sizeof(command) - 1;
		end = strstr(word, "  ");
		if (!end || end > word + strcspn(word, "\n"))
			end = word + strcspn(word, "\n");
		snprintf(buf, LESSON_TRY_SIZE, "%s%s%s%s%.*s", command, lab ? "-l " : "", lab ?: "",
			 lab ? " " : "", (int)(end - word), word);
		return true;
	}
	return false;
}
