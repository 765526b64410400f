#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What `make install` puts where, and that it works from there: program, bundled labs, man pages, schema,
# completion.
# shellcheck source=tests/lab/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

# Sets $to. The program is built already: nothing is compiled.
installed() {
	to=$TEST_TMP/to
	good make -s -C "$TOP" B="$BUILD" DESTDIR="$to" PREFIX=/opt/x install-built
	out=
}

test_places() {
	local to page verb
	installed
	for file in bin/vethlab share/vethlab/schema.json share/vethlab/labs/blue.yaml share/man/man1/vethlab.1 \
		share/man/man5/vethlab-lab.5 share/man/man7/vethlab-maps.7 \
		share/bash-completion/completions/vethlab share/zsh/site-functions/_vethlab \
		share/fish/vendor_completions.d/vethlab.fish; do
		[[ -s $to/opt/x/$file ]] || fail "$file is not there"
		asserted
	done
	for verb in $(vethlab completion words -- "" | cut -f1); do
		[[ $verb != help && $verb != -* ]] || continue
		page=$to/opt/x/share/man/man1/vethlab-$verb.1
		grep -qF "vethlab\-$verb \- " "$page" || fail "$verb has no page: $(head -5 "$page")"
		asserted
	done
	good make -s -C "$TOP" B="$BUILD" DESTDIR="$to" PREFIX=/opt/x uninstall
	assert_eq "$(find "$to" -type f)" "" "left by uninstall"
}

# Its labs are found from where the program is, wherever that was moved to.
test_labs_are_found() {
	local to
	installed
	mv "$to/opt/x" "$TEST_TMP/moved"
	good "$TEST_TMP/moved/bin/vethlab" check two-hosts
	good env -C / "$TEST_TMP/moved/bin/vethlab" up two-hosts
	good "$TEST_TMP/moved/bin/vethlab" down
}

# A program without its folders has the bundled labs and the schema in itself.
test_alone() {
	local name
	cp "$BUILD/vethlab" "$TEST_TMP/alone"
	good "$TEST_TMP/alone" labs -j
	assert_eq "$(jq -r '.labs[].lab' <<<"$out" | xargs)" \
		"$(basename -s .yaml "$TOP"/topology/labs/*.yaml | sort | xargs)" "bundled labs"
	for name in "$TOP"/topology/labs/*.yaml; do
		name=$(basename -s .yaml "$name")
		good "$TEST_TMP/alone" check "$name" "bundled:$name"
		assert_eq "$("$TEST_TMP/alone" labs "$name")" "$(vethlab labs "$name")" "labs $name"
	done
	good "$TEST_TMP/alone" check --schema
	assert_eq "$out" "$(cat "$TOP/topology/schema.json")" "schema"
	bad 2 "$TEST_TMP/alone" check --schema blue
	bad 3 "$TEST_TMP/alone" check bleu
	says "did you mean 'blue'"
	good "$TEST_TMP/alone" up two-hosts
	good "$TEST_TMP/alone" ping a b -c 1
	good "$TEST_TMP/alone" down
}

# What runs tells what it is: the program, its libraries, the oldest kernel.
test_version() {
	local name
	good vethlab --version
	for name in libbpf libelf zlib libmnl libfyaml jansson libpcap; do
		[[ $out =~ $name\ [0-9]+(\.[0-9]+)+ ]] || fail "no version of $name: $out"
		asserted
	done
	assert_eq "${out%%$'\n'*}" "vethlab $(sed -n 's/^#define VETHLAB_VERSION "\(.*\)"/\1/p' \
		"$BUILD/user/version.h")" "the first line"
	says "kernel: 6.1 or newer"
}

# The same commit gives the same tarball, whoever makes it and where.
test_dist() {
	local name
	git -C "$TOP" rev-parse -q --verify HEAD >/dev/null 2>&1 || skip_test "this is no tree of git"
	good make -s -C "$TOP" B="$TEST_TMP/one" dist
	good env TZ=Asia/Tokyo LC_ALL=C sh -c 'umask 077; exec make -s -C "$1" B="$2" dist' - "$TOP" "$TEST_TMP/two"
	name=$(cd "$TEST_TMP/one" && echo *)
	good cmp "$TEST_TMP/one/$name" "$TEST_TMP/two/$name"
	assert_eq "vethlab-$(tar -xzOf "$TEST_TMP/one/$name" "${name%.tar.gz}/VERSION").tar.gz" "$name" "VERSION"
}

# libpcap, with seven libraries of its own, is loaded by the verb that compiles filters, and by no other.
test_libpcap_when_needed() {
	local loaded="$TEST_TMP/loaded"
	LD_DEBUG=files LD_DEBUG_OUTPUT=$loaded good vethlab labs
	assert_eq "$(cat "$loaded".* | grep -c 'calling init: .*/libbpf\.so')" 1 "libbpf of labs"
	assert_eq "$(cat "$loaded".* | grep -c 'calling init: .*/libpcap\.so')" 0 "libpcap of labs"
	up two-hosts
	LD_DEBUG=files LD_DEBUG_OUTPUT=$loaded bad 2 vethlab capture -w "$TEST_TMP/frames" -f "icmp and"
	says "filter 'icmp and':"
	assert_eq "$(cat "$loaded".* | grep -c 'calling init: .*/libpcap\.so')" 1 "libpcap of capture"
	good vethlab down
}

# Packages recommend it: without it a filter is refused, with what to install, and all else works.
test_no_libpcap() {
	local library n=0
	for library in $(ldconfig -p | sed -n 's|.* => \(/.*/libpcap\.so\..*\)|\1|p'); do
		mount --bind /dev/null "$library" # in this test's mount namespace
		n=$((n + 1))
	done
	[[ $n -gt 0 ]] || skip_test "there is no shared libpcap"
	good vethlab --version
	says "libpcap (not installed)"
	up two-hosts
	bad 5 vethlab capture -w "$TEST_TMP/frames" -f icmp
	says "filter 'icmp': libpcap, which compiles it, cannot be loaded: " "install libpcap (Debian: libpcap0.8)"
	good vethlab capture -w "$TEST_TMP/frames" --for 10ms
	good vethlab down
}

# The static program is linked with packaging/static/libmnl.c, which has all that is used of that library.
test_static_libmnl() {
	local name n=0
	needs nm
	while read -r name; do
		grep -qE "^[^[:space:]].*\b$name\(" "$TOP/packaging/static/libmnl.c" || fail "libmnl.c has no $name"
		n=$((n + 1))
	done < <(nm -D --undefined-only "$BUILD/vethlab" | grep -oE 'mnl_[a-z0-9_]+')
	asserted
	[[ $n -gt 10 ]] || fail "the program uses only $n functions of libmnl"
}

# Sets $package to a package of the program that is built, made in a build directory of its own.
package() { # deb|rpm
	local build=$TEST_TMP/build
	mkdir "$build"
	cp "$BUILD/vethlab" "$build"
	[[ $1 == deb ]] || good make -s -C "$TOP" B="$build" VERSION=1.2.3 dist
	good env B="$build" VERSION=1.2.3 "$TOP/packaging/$1.sh"
	package=$out
	[[ -f $package ]] || fail "$1.sh says '$out', which is no file"
}

# stdin: the files of a package. It has all that `make install` puts below /usr.
is_complete() {
	local file files
	files=$(cat)
	good make -s -C "$TOP" B="$BUILD" DESTDIR="$TEST_TMP/installed" PREFIX=/usr install-built
	while read -r file; do
		[[ $file != */site-functions/* ]] || file="*/${file##*/}" # Debian's zsh has another directory
		[[ $file != */man/* ]] || file+=.gz
		# shellcheck disable=SC2053 # a pattern
		[[ $'\n'$files$'\n' == *$'\n'$file$'\n'* ]] || fail "$file is not in the package: $files"
		asserted
	done < <(cd "$TEST_TMP/installed" && find . -type f | sed 's|^\.||')
}

# It depends on libraries alone, and on none that is loaded only when it is needed.
test_deb() {
	local package
	needs dpkg-deb dpkg-shlibdeps
	package deb
	out=$(dpkg-deb --field "$package" Depends)
	says libbpf libmnl libfyaml libjansson libc6
	says_not pcap
	asserted
	[[ ! $out =~ (^|, )[^lz] && ! $out =~ -dev ]] || fail "it depends on more than libraries: $out"
	out=$(dpkg-deb --field "$package" Recommends)
	says libpcap0.8
	is_complete < <(dpkg-deb --fsys-tarfile "$package" | tar -t | sed 's|^\.||')
	if is_sanitized || ! command -v lintian >/dev/null; then
		skip_part "there is no lintian, or the program is built with sanitizers"
		return
	fi
	good lintian --allow-root --fail-on error,warning,info "$package"
	assert_eq "$out" "" "lintian"
}

test_rpm() {
	local package
	needs rpmbuild git
	git -C "$TOP" rev-parse -q --verify HEAD >/dev/null 2>&1 || skip_test "this is no tree of git"
	package rpm
	good rpm -qp --requires "$package"
	says libbpf.so libmnl.so libfyaml.so libjansson.so libc.so
	says_not pcap
	asserted
	! grep -vE '^(lib|rtld|rpmlib)[^ ]*\(|^lib[a-z0-9]*\.so' <<<"$out" || fail "it requires more than libraries: $out"
	good rpm -qp --recommends "$package"
	says libpcap
	is_complete < <(rpm -qlp "$package")
	if is_sanitized || ! command -v rpmlint >/dev/null; then
		skip_part "there is no rpmlint, or the program is built with sanitizers"
		return
	fi
	good rpmlint -c "$TOP/packaging/rpmlint.toml" "$package" "$TEST_TMP/build/rpm/SPECS/vethlab.spec"
	says "0 errors, 0 warnings"
}

# As readline calls it: the line, the point, and the words split at colons.
completed() { # LINE: sets $out to what is offered, sorted
	out=$(
		PATH=$BUILD:$PATH
		eval "$(vethlab completion bash)"
		COMP_LINE=$1 COMP_POINT=${#1}
		compopt() { :; } # there is no completion under way
		_vethlab
		printf '%s\n' "${COMPREPLY[@]}" | sort | xargs
	)
}

test_bash() {
	cat >"$TEST_TMP/lab.yaml" <<-'END'
		lab: pair
		nodes: {left: {}, right: {}}
		links: [{endpoints: ["left:eth0", "right:eth0"]}]
	END
	good vethlab up "$TEST_TMP/lab.yaml"
	completed "vethlab tracer"
	assert_eq "$out" traceroute "a verb"
	completed "vethlab exec "
	assert_eq "$out" "left right" "nodes"
	completed "vethlab ping left r"
	assert_eq "$out" "right right:eth0" "a node, and its end"
	completed "vethlab stats -l "
	assert_eq "$out" pair "labs"
	completed "vethlab link le"
	assert_eq "$out" left:eth0 "an end"
	completed "vethlab link left:e"
	assert_eq "$out" eth0 "behind a colon"
	completed "vethlab up --tc=c"
	assert_eq "$out" clsact "behind ="
	completed "vethlab check $TEST_TMP/la"
	assert_eq "$out" "$TEST_TMP/lab.yaml" "a file"
	good vethlab down
	completed "vethlab exec "
	assert_eq "$out" "" "nodes without a lab"
}

# What a shell offers for a line, in $out: words, sorted. Its own files and settings are not read.
fish_offers() { # LINE
	out=$(
		export HOME=$TEST_TMP PATH=$BUILD:$PATH
		fish --no-config -c "vethlab completion fish | source; complete -C '$1'" </dev/null | cut -f1 | sort | xargs
	)
}

# An interactive zsh in a terminal of its own: Tab, then a key that tells that Tab's work is done.
zsh_offers() { # LINE
	vethlab completion zsh >"$TEST_TMP/_vethlab"
	cat >"$TEST_TMP/offers.zsh" <<-'END'
		zmodload zsh/zpty
		zpty shell zsh -f -i
		zpty -w shell "fpath=($TEST_TMP \$fpath); autoload -Uz compinit; compinit -u -d $TEST_TMP/dump"
		zpty -w shell 'compadd() {
			local -a words
			case "$*" in
			(*-[ADO]\ *) ;;
			(*) builtin compadd -A words "$@"; printf "OFFER:%s\n" $words >/dev/tty ;;
			esac
			builtin compadd "$@"
		}'
		zpty -w shell 'offered() { print END: >/dev/tty; exit }; zle -N offered'
		zpty -w shell 'bindkey "^I" complete-word; bindkey "^G" offered; print READ''Y'
		while zpty -r shell line && [[ $line != *READY* ]]; do :; done
		zpty -w -n shell "$1"$'\t\a'
		while zpty -r shell line && [[ $line != *END:* ]]; do print -r -- "$line"; done
	END
	out=$(PATH=$BUILD:$PATH zsh -f "$TEST_TMP/offers.zsh" "$1" </dev/null | tr -d '\r' |
		sed -n 's/.*OFFER://p' | sort -u | xargs)
}

# Each shell that is installed offers verbs, labs, nodes, ends, options and their values.
test_zsh_and_fish() {
	local shell
	type -P zsh fish >/dev/null || skip_test "neither zsh nor fish is installed"
	good vethlab up two-hosts
	for shell in zsh fish; do
		type -P "$shell" >/dev/null || continue
		"${shell}_offers" "vethlab tracer"
		assert_eq "$out" traceroute "$shell: a verb"
		"${shell}_offers" "vethlab exec "
		assert_eq "$out" "a b" "$shell: nodes"
		"${shell}_offers" "vethlab stats -l "
		assert_eq "$out" two-hosts "$shell: labs"
		"${shell}_offers" "vethlab link b:"
		assert_eq "$out" b:eth0 "$shell: an end"
		"${shell}_offers" "vethlab up --tc="
		assert_eq "$out" "--tc=auto --tc=clsact --tc=tcx" "$shell: values"
		"${shell}_offers" "vethlab up two-h"
		assert_eq "$out" two-hosts "$shell: a bundled lab"
	done
	good vethlab down
}

run_tests
