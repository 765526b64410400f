#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# rpm.sh - an rpm of VERSION with what is built in $B, and the documents of the tarball of `make dist`:
# $B/vethlab-VERSION-1.ARCH.rpm. Its dependencies are the shared libraries, by rpm's own look at the program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
export SOURCE_DATE_EPOCH
maintainer="${DEBFULLNAME:-vethlab maintainers} <${DEBEMAIL:-maintainers@example.org}>"
work=$B/rpm

rm -rf "$work"
mkdir -p "$work"/{SPECS,SOURCES}
make -s --no-print-directory B="$B" DESTDIR="$work/staged" PREFIX=/usr install-built
strip --strip-unneeded "$work/staged/usr/bin/vethlab"
find "$work/staged/usr/share/man" -name '*.[157]' -exec gzip -9n {} + # rpm of Debian compresses none
cp "$B/vethlab-$VERSION.tar.gz" "$work/SOURCES"
sed "s|@VERSION@|$VERSION|; s|@MAINTAINER@|$maintainer|
	s|@DATE@|$(LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y')|" packaging/vethlab.spec.in >"$work/SPECS/vethlab.spec"
# What it is built with was looked at by deps.sh: where there is no rpm, its database knows nothing of that.
rpmbuild -bb --nodeps --quiet --define "_topdir $work" --define "vethlab_staged $work/staged" \
	--define 'use_source_date_epoch_as_buildtime 1' --define 'clamp_mtime_to_source_date_epoch 1' \
	--define '_buildhost localhost' "$work/SPECS/vethlab.spec" >"$work/log" 2>&1 </dev/null || {
	tail -20 "$work/log" >&2
	exit 1
}
find "$work/RPMS" -name '*.rpm' -exec mv {} "$B" \;
echo "$B/vethlab-$VERSION-1.$(uname -m).rpm"
