# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# lib.sh - sourced by what fuzzes, in the top folder: how each target is built, with ASan and UBSan,
# and what it starts from.

FUZZ=${BUILD:-build}/fuzz
CLANG=${CLANG:-clang}
# shellcheck disable=SC2034 # for those who source this
TARGETS=(reader escapes story names filter state journal)
export UBSAN_OPTIONS=print_stacktrace=1

# Whether clang can link a libFuzzer target; what it says otherwise is on stdout.
can_fuzz() {
	echo 'int LLVMFuzzerTestOneInput(const void *p, unsigned long n) { return !p && n; }' |
		"$CLANG" -x c -fsanitize=fuzzer,address,undefined - -o /dev/null 2>&1
}

# The machine has other things to do. Where sessions are scheduled as groups (sched_autogroup_enabled), the nice
# value of a process counts within its session alone: root gives the session one, and gives it back at the end.
be_nice() {
	local group=/proc/$$/autogroup value
	renice -n 19 -p $$ >/dev/null
	[[ $EUID -eq 0 && -w $group ]] || return 0
	value=$(<"$group") # "/autogroup-88 nice 0"
	value=${value##* }
	echo 19 >"$group"
	# shellcheck disable=SC2064 # what it is now
	trap "echo $value >$group" EXIT
}

# Links a target from its own file, topology and the arguments: sources, and what the linker takes. A
# source is compiled once for all targets: call forget_objects before the first one.
compile() { # TARGET SOURCE|ARGUMENT OF CLANG...
	local target=$1 argument object
	local -a sources=("tests/fuzz/fuzz_$1.c" topology/*.c "$FUZZ/objects/bundled_labs.c") missing=() objects=() rest=()
	local -a flags=(-std=gnu11 -D_GNU_SOURCE -gline-tables-only -O1 -fno-omit-frame-pointer "-I$PWD"
		-fno-sanitize-recover=undefined)
	shift
	mkdir -p "$FUZZ/objects"
	awk -f topology/bundled_labs.awk topology/labs/*.yaml topology/schema.json >"$FUZZ/objects/bundled_labs.c"
	for argument; do
		case $argument in
		*.c) sources+=("$argument") ;;
		*) rest+=("$argument") ;;
		esac
	done
	for argument in "${sources[@]}"; do
		object=$FUZZ/objects/$(basename "$argument" .c).o
		objects+=("$object")
		[[ -e $object ]] || missing+=("$(realpath "$argument")")
	done
	# shellcheck disable=SC2046 # lists of flags
	(cd "$FUZZ/objects" && "$CLANG" "${flags[@]}" $(pkg-config --cflags libfyaml jansson libmnl libbpf) \
		-fsanitize=fuzzer-no-link,address,undefined -c "${missing[@]}") &&
		"$CLANG" -fsanitize=fuzzer,address,undefined "${objects[@]}" "${rest[@]}" -o "$FUZZ/fuzz_$target"
}

forget_objects() {
	rm -rf "$FUZZ/objects"
}

build_reader() {
	# shellcheck disable=SC2046 # lists of flags
	compile reader user/base/*.c $(pkg-config --libs libfyaml) -lm \
		$(printf -- '-Wl,--wrap=%s ' malloc calloc realloc reallocarray strdup strndup)
}

build_escapes() {
	# shellcheck disable=SC2046
	compile escapes user/base/*.c user/output/*.c $(pkg-config --libs libfyaml jansson) -lm
}

# What is linked is what the stories need: rooms that know no kernel, and recordings.
with_stories() { # TARGET
	# shellcheck disable=SC2046
	compile "$1" user/story/*.c user/flow/*.c user/output/*.c user/base/*.c \
		$(printf 'user/trace/%s.c ' recording flow_source) \
		$(printf 'user/render/%s.c ' act_text drop_text event_text fate_text flow_json \
			flow_story_text flow_text itinerary_text run_diff) \
		$(printf 'user/ledger/%s.c ' ledger losses counter_fields) user/watch/drop_list.c \
		$(pkg-config --libs libfyaml jansson) -lm
}

build_story() { with_stories story; }
build_names() { with_stories names; }

build_filter() {
	# shellcheck disable=SC2046
	compile filter user/trace/filter.c user/story/*.c user/base/*.c $(pkg-config --libs libfyaml) -lm
}

build_state() {
	# shellcheck disable=SC2046
	compile state user/lab/state.c user/base/*.c \
		$(pkg-config --libs libfyaml jansson libmnl libbpf) -lm
}

build_journal() {
	# shellcheck disable=SC2046
	compile journal user/lab/journal.c user/base/*.c \
		$(pkg-config --libs libfyaml jansson libmnl libbpf) -lm
}

# The bundled labs, the files of tests/unit/data/bad, and what was found once.
seeds_reader() {
	mkdir -p "$FUZZ/seeds/reader"
	cp topology/labs/*.yaml tests/unit/data/bad/*.yaml tests/fuzz/seeds/*.yaml "$FUZZ/seeds/reader"
}

# The golden recordings, and records without a head.
seeds_story() {
	mkdir -p "$FUZZ/seeds/story"
	cp tests/unit/data/stories/*.rec tests/fuzz/stories/* "$FUZZ/seeds/story"
}

seeds_escapes() {
	mkdir -p "$FUZZ/seeds/escapes"
	printf '%s' 'a lab \t\x41 \u00e9' >"$FUZZ/seeds/escapes/text"
}

seeds_names() {
	mkdir -p "$FUZZ/seeds/names"
	printf 'NETFILTER_DROP\0nft_do_chain\0socat\0town' >"$FUZZ/seeds/names/names"
}

seeds_filter() {
	mkdir -p "$FUZZ/seeds/filter"
	printf 'tcp port 80 flags syn,ack vlan 5\0\x45\0\0\x28' >"$FUZZ/seeds/filter/tcp"
	printf 'node a addr 10.0.0.0/8 proto 17 slower-than 5us' >"$FUZZ/seeds/filter/words"
}

seeds_state() {
	mkdir -p "$FUZZ/seeds/state"
	cp tests/fuzz/states/* "$FUZZ/seeds/state"
}

seeds_journal() {
	mkdir -p "$FUZZ/seeds/journal"
	cp tests/fuzz/journals/* "$FUZZ/seeds/journal"
}

# Run a target; what it says goes to LOG. Options after the corpus are libFuzzer's.
fuzz() { # TARGET LOG CORPUS OPTION...
	local target=$1 log=$2 corpus=$3
	local -A len=([escapes]=512 [names]=256 [filter]=512 [reader]=8192 [story]=16384 [state]=8192 [journal]=4096)
	local -A dict=([escapes]=escapes [names]=escapes [filter]=filter [state]=state [journal]=journal)
	shift 3
	mkdir -p "$corpus"
	"$FUZZ/fuzz_$target" -max_len="${len[$target]}" -timeout=20 -rss_limit_mb=1024 \
		-dict="tests/fuzz/${dict[$target]:-lab}.dict" -artifact_prefix="$FUZZ/" -print_final_stats=1 "$@" \
		"$corpus" "$FUZZ/seeds/$target" >"$log" 2>&1
}
