/* SPDX-License-Identifier: GPL-2.0-only */
/* container_name.h - what an engine calls the container that a process is in. */
#ifndef VETHLAB_USER_OBSERVE_CONTAINER_NAME_H
#define VETHLAB_USER_OBSERVE_CONTAINER_NAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The name by which people know the container: its monitor is an ancestor of the process. That of
 * podman and CRI-O (conmon) has the name in its command line; that of Docker (containerd-shim) has
 * the container's id, below which Docker keeps the name. False: no such monitor, no file, or a name
 * that is a pod's (of Kubernetes, or of a pod's first container), whose host name says more. name
 * is not made plain.
 */
bool container_name(int pid, char *name, size_t size);

#endif
