// SPDX-License-Identifier: GPL-2.0-only
/* privilege.c - what changing a lab needs, looked at before anything is touched. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/lab/state.h"

#ifndef CAP_BPF
#define CAP_BPF 39
#endif

static const struct {
	unsigned cap, instead; /* either of them will do */
	const char *name, *step;
} needs[] = {
	{CAP_SYS_ADMIN, CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "to make and enter namespaces"},
	{CAP_NET_ADMIN, CAP_NET_ADMIN, "CAP_NET_ADMIN", "to make links and attach programs"},
	{CAP_BPF, CAP_SYS_ADMIN, "CAP_BPF", "to load programs and maps"},
};

static bool has(const struct __user_cap_data_struct *data, unsigned cap)
{
	return data[cap / 32].effective & 1u << cap % 32;
}

int lab_privileges(struct err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	char missing[256] = "";
	size_t len = 0;

	/* If the kernel does not tell, the step that needs it will. */
	if (syscall(SYS_capget, &header, data))
		return 0;
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		if (has(data, needs[i].cap) || has(data, needs[i].instead))
			continue;
		len += snprintf(missing + len, sizeof(missing) - len, "%s%s %s", len ? ", " : "",
				needs[i].name, needs[i].step);
	}
	if (!len)
		return 0;
	err_set(err, ERR_PRIVILEGE, EPERM, "changing a lab needs %s", missing);
	err_hint(err, "run it as root: sudo vethlab ...");
	return -EPERM;
}
