/* SPDX-License-Identifier: GPL-2.0-only */
/* memory_file.h - files in memory that are data, and never run. */
#ifndef VETHLAB_USER_BASE_MEMORY_FILE_H
#define VETHLAB_USER_BASE_MEMORY_FILE_H

/*
 * memfd_create(2), close-on-exec, with seals allowed. It can never be made executable where the
 * kernel knows MFD_NOEXEC_SEAL (6.3), which it demands where vm.memfd_noexec is 2. A descriptor, or
 * -1 with errno set.
 */
int memory_file(const char *name);

#endif
