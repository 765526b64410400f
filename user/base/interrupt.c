// SPDX-License-Identifier: GPL-2.0-only
/* interrupt.c - see interrupt.h. */
#include <signal.h>

#include "user/base/interrupt.h"

volatile int interrupt_requested;

static void on_signal(int sig)
{
	interrupt_requested = sig;
}

void interrupt_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: waits end */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}
