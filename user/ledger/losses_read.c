// SPDX-License-Identifier: GPL-2.0-only
/* losses_read.c - losses as the kernel counts them; all else of losses.h knows no kernel. */
#include <errno.h>

#include "user/ledger/losses.h"

int losses_read(struct losses *losses, struct watch *watch, struct err *err)
{
	int ret = watch_read_drops(watch, &losses->list, &losses->n, &losses->missed, err);

	losses->known = !ret;
	return ret == -ENOENT ? 0 : ret;
}
