# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# lib.sh - what the benchmarks that are scripts begin with: run again in namespaces of their own, which end
# with the script; BUILD, JSON (a file for the document, /dev/null unless the caller named one) and
# vethlab().

BENCH=$(readlink -f "$0")
TOP=$(dirname "$BENCH")/../..
BUILD=$(cd "$TOP" && readlink -f "${BUILD:-build}")

if [[ -z ${VETHLAB_BENCH_INSIDE:-} ]]; then
	[[ -z ${JSON:-} || $JSON == /* ]] || JSON=$PWD/$JSON
	export JSON=${JSON:-/dev/null} VETHLAB_BENCH_INSIDE=1
	exec unshare --net --mount --pid --fork --kill-child --mount-proc "$BENCH" "$@"
fi
mount -t tmpfs run /run
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
ip link set lo up

vethlab() {
	"$BUILD/vethlab" "$@"
}
