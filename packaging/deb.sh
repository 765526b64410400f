#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# deb.sh - a Debian package of the program that is built in $B, of VERSION: $B/vethlab_VERSION_ARCH.deb.
# It depends on the shared libraries that the program is linked with, in the versions that it needs, and recommends
# libpcap, which `capture` loads when it has a filter to compile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$B/deb/root work=$B/deb
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
export SOURCE_DATE_EPOCH
maintainer="${DEBFULLNAME:-vethlab maintainers} <${DEBEMAIL:-maintainers@example.org}>"

rm -rf "$work"
mkdir -p "$root/DEBIAN" "$work/debian"
chmod 755 "$root" "$root/DEBIAN"
umask 022
make -s --no-print-directory B="$B" DESTDIR="$root" PREFIX=/usr install-built
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/bin/vethlab"
mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions" # where Debian's zsh looks
find "$root/usr/share/man" -name '*.[157]' -exec gzip -9n {} +

doc=$root/usr/share/doc/vethlab
mkdir -p "$doc"
install -m 644 packaging/debian/copyright "$doc/copyright"
printf 'vethlab (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' "$VERSION" "$maintainer" \
	"$(date -R -u -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$doc/changelog.gz"
# As in the repository, so that links from page to page lead somewhere.
mkdir -p "$doc/docs/examples" "$doc/docs/schema"
install -m 644 README.md CHANGELOG.md SECURITY.md ARCHITECTURE.md CONTRIBUTING.md "$doc"
install -m 644 docs/*.md "$doc/docs"
install -m 644 docs/examples/* "$doc/docs/examples"
install -m 644 docs/schema/*.json "$doc/docs/schema"

# dpkg-shlibdeps wants a source package's control file.
printf 'Source: vethlab\n\nPackage: vethlab\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O --warnings=0 -e"$root/usr/bin/vethlab" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[[ -n $depends ]] || { echo "deb: dpkg-shlibdeps names no library" >&2; exit 1; }
architecture=$(dpkg --print-architecture)
sed "s|@VERSION@|$VERSION|; s|@ARCHITECTURE@|$architecture|; s|@MAINTAINER@|$maintainer|; s|@DEPENDS@|$depends|
	s|@SIZE@|$(du -k -s --apparent-size "$root/usr" | cut -f1)|" packaging/debian/control.in >"$root/DEBIAN/control"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
package=$B/vethlab_${VERSION}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$package" >/dev/null
echo "$package"
