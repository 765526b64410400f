// SPDX-License-Identifier: GPL-2.0-only
/* terminal.c - what is behind a stream: its width, its colours, whether it took everything. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "user/output/output.h"

enum { WIDTH_DEFAULT = 80, WIDTH_MAX = 10000 };

int output_width(FILE *f)
{
	int fd = fileno(f);
	const char *columns;
	struct winsize size;
	long width;
	char *end;

	if (fd < 0 || !isatty(fd))
		return WIDTH_DEFAULT;
	if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	columns = getenv("COLUMNS");
	if (!columns || !*columns)
		return WIDTH_DEFAULT;
	width = strtol(columns, &end, 10);
	return *end || width < 1 || width > WIDTH_MAX ? WIDTH_DEFAULT : (int)width;
}

bool output_colour(FILE *f)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	int fd = fileno(f);

	if (no_color && *no_color)
		return false;
	return fd >= 0 && isatty(fd) && term && *term && strcmp(term, "dumb");
}

/* The first failure since the last output_finish(): errno of a stream is gone soon after. */
static int first_failure;

void output_fail(int error)
{
	if (!first_failure)
		first_failure = error;
}

void output_flush(FILE *f)
{
	errno = 0;
	if (fflush(f))
		output_fail(errno);
}

bool output_reader_left(FILE *f)
{
	struct pollfd pollfd = {.fd = fileno(f)};

	return pollfd.fd >= 0 && poll(&pollfd, 1, 0) == 1 && pollfd.revents & POLLERR;
}

int output_finish(FILE *f, struct err *err)
{
	int error;

	output_flush(f);
	if (ferror(f))
		output_fail(output_reader_left(f) ? EPIPE : EIO);
	error = first_failure;
	first_failure = 0;
	if (!error)
		return 0;
	return err_set(err, ERR_SYSTEM, error, "the output was cut short: %s",
		       error == EPIPE ? "its reader went away" : strerror(error));
}
