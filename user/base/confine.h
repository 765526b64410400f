/* SPDX-License-Identifier: GPL-2.0-only */
/* confine.h - a process that reads what others wrote gives up what it does not need for that. */
#ifndef VETHLAB_USER_BASE_CONFINE_H
#define VETHLAB_USER_BASE_CONFINE_H

/*
 * From now on this process reads files, and writes to descriptors that are open already. It keeps
 * of its capabilities CAP_DAC_READ_SEARCH and CAP_DAC_OVERRIDE, by which root reads the files of
 * others, and a system-call filter (seccomp(2)) fails all else with EPERM: files opened for
 * writing, sockets, programs, signals to others, orders to the terminal, memory that can be
 * executed. It is for a process of one thread, and cannot be undone.
 *
 * A kernel without seccomp, processors other than x86-64 and arm64, and builds with sanitizers,
 * which need more system calls, have no filter.
 */
void confine_to_reading(void);

#endif
