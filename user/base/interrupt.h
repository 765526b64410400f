/* SPDX-License-Identifier: GPL-2.0-only */
/* interrupt.h - whether the user wants the program to stop. */
#ifndef VETHLAB_USER_BASE_INTERRUPT_H
#define VETHLAB_USER_BASE_INTERRUPT_H

/* The number of the signal that came, 0 if none did. Long-running work looks at it between steps.
 */
extern volatile int interrupt_requested;

/*
 * From now on SIGINT, SIGTERM and SIGHUP set interrupt_requested instead of ending the process, and
 * a system call that waits returns EINTR.
 */
void interrupt_catch_signals(void);

#endif
