// SPDX-License-Identifier: GPL-2.0-only
/* screen.c - a frame of text, drawn over the last one. */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "user/output/output.h"

enum { HEIGHT_DEFAULT = 24 };

static unsigned height_of(FILE *f)
{
	struct winsize size;

	if (ioctl(fileno(f), TIOCGWINSZ, &size) || !size.ws_row)
		return HEIGHT_DEFAULT;
	return size.ws_row;
}

void screen_open(struct screen *screen, FILE *f)
{
	*screen = (struct screen){.f = f, .terminal = fileno(f) >= 0 && isatty(fileno(f))};
}

unsigned screen_room(const struct screen *screen)
{
	return screen->terminal ? height_of(screen->f) - 1 : 0;
}

void screen_resized(struct screen *screen)
{
	screen->cleared = screen->frames > 0;
}

static void print_plain(struct screen *screen, const char *text)
{
	if (screen->frames)
		fputc('\n', screen->f);
	fputs(text, screen->f);
}

static void print_over(struct screen *screen, const char *text)
{
	size_t width = (size_t)output_width(screen->f);
	unsigned room = screen_room(screen), lines = 0;

	if (screen->cleared)
		fputs("\033[H\033[J", screen->f);
	else if (screen->lines)
		fprintf(screen->f, "\033[%uA\r", screen->lines);
	for (; *text && lines < room; lines++) {
		size_t len = strcspn(text, "\n"), fits = output_fit(text, width);

		fprintf(screen->f, "%.*s\033[0m\033[K\n", (int)(fits < len ? fits : len), text);
		text += text[len] ? len + 1 : len;
	}
	fputs("\033[J", screen->f);
	screen->lines = lines;
	screen->cleared = false;
}

void screen_draw(struct screen *screen, const char *text)
{
	if (screen->terminal)
		print_over(screen, text);
	else
		print_plain(screen, text);
	screen->frames++;
	output_flush(screen->f);
}
