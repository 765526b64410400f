/* SPDX-License-Identifier: GPL-2.0-only */
/* kernel_floor.h - the oldest kernel that vethlab is tested on. */
#ifndef VETHLAB_USER_BASE_KERNEL_FLOOR_H
#define VETHLAB_USER_BASE_KERNEL_FLOOR_H

#define KERNEL_FLOOR "6.1"
enum { KERNEL_FLOOR_MAJOR = 6, KERNEL_FLOOR_MINOR = 1 };

#endif
