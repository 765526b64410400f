/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * orphan_pins.h - a lab whose files in LAB_DIR are lost, but whose pins are there. Its map of ends
 * says which namespaces it was in, not which of these it had made: so they are named, not deleted.
 */
#ifndef VETHLAB_USER_LAB_ORPHAN_PINS_H
#define VETHLAB_USER_LAB_ORPHAN_PINS_H

#include "user/lab/lab.h"

/* Tell notes which namespaces and interfaces of a lab are left, and how to remove them. */
void orphan_pins_tell(const char *lab, const struct notes *notes);

#endif
