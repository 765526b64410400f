#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_podman.sh - containers of a real podman are observed under their names (case 18). Skipped where there is no podman.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# podman with all that it writes in this sandbox: images, networks, locks. Of the machine it reads programs alone; it
# makes no cgroup, and has no network but the sandbox's.
podman_here() {
	needs podman crun busybox
	! ldd "$(command -v busybox)" >/dev/null 2>&1 || skip_test "busybox is not static: an image of it alone does not run"
	mount -t cgroup2 none /sys/fs/cgroup || skip_test "cgroup2 cannot be mounted"
	for dir in /var/lib /var/tmp /etc/containers /dev/shm; do
		[[ ! -d $dir ]] || mount -t tmpfs none "$dir"
	done
	export HOME=$TEST_TMP TMPDIR=$TEST_TMP
	cat >/etc/containers/containers.conf <<-END
		[containers]
		cgroups = "disabled"
		default_sysctls = []
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "none"
		runtime = "crun"
		[network]
		network_config_dir = "$TEST_TMP/networks"
	END
	cat >/etc/containers/storage.conf <<-END
		[storage]
		driver = "vfs"
		graphroot = "/var/lib/containers/storage"
		runroot = "/run/containers/storage"
	END
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' >/etc/containers/policy.json
	mkdir -p "$TEST_TMP/image/bin"
	cp "$(command -v busybox)" "$TEST_TMP/image/bin/"
	ln -s busybox "$TEST_TMP/image/bin/sleep"
	tar -C "$TEST_TMP/image" -cf "$TEST_TMP/image.tar" .
	good podman import -q "$TEST_TMP/image.tar" localhost/box
	good podman network create --subnet 10.77.0.0/24 --disable-dns lan
}

container() { # NAME [OPTION...]
	good podman run -d --name "$1" "${@:2}" localhost/box sleep 1000
}

# The other ends of the links of this namespace.
observed_ends() {
	jq -r '[.links[].ends[].end | select(startswith("host:") | not)] | sort | join(" ")' <<<"$(vethlab show -j)"
}

# Settings of this namespace, but for those of interfaces that come and go with containers.
settings() {
	sysctl -a 2>/dev/null | grep '^net\.' | grep -vE '\.(veth|cni-)|conntrack_count|stable_secret' | sort
}

test_names() {
	podman_here
	container web --network lan
	container db --network lan
	good podman pod create --name shop --network lan --infra-image localhost/box --infra-command "sleep 1000"
	container till --pod shop
	container a.b-2_c --network lan
	settings >"$TEST_TMP/settings"
	good vethlab observe
	remember_objects
	assert_eq "$(observed_ends)" "a.b-2_c:eth0 db:eth0 shop:eth0 web:eth0" "ends of containers and of a pod"
	good vethlab ping web db -W 5 -j
	answered 1
	passed_on host
	good vethlab why web db -j
	assert_eq "$(jq -r .verdict <<<"$out")" arrives "web to db"
	# One more, and one less: its name and its namespace are of now.
	good podman rm -f -t 0 db
	container cache --network lan
	good vethlab observe
	remember_objects
	assert_eq "$(observed_ends)" "a.b-2_c:eth0 cache:eth0 shop:eth0 web:eth0" "ends"
	good vethlab ping cache web -W 5 -j
	answered 1
	good vethlab down
	assert_eq "$(settings | diff "$TEST_TMP/settings" -)" "" "settings of this namespace"
	good podman pod rm -f -t 0 shop
	good podman rm -f -t 0 web cache a.b-2_c
	good podman network rm lan
}

run_tests
