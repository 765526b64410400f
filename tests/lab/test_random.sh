#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# test_random.sh - random labs with one to three random faults each: what `why` says and what `ping` finds
# never contradict each other. `why` says that the echo arrives, and it is answered; or where it is
# stopped, and ping's story ends there; or that it cannot know.
#
# RANDOM_LABS: how many labs (6; 200 take some 10 minutes or more). RANDOM_SEED: of the first one (1); each
# lab has a seed of its own, which a failure names: RANDOM_SEED=N RANDOM_LABS=1 makes it again.
# RANDOM_GO_ON=1: list all contradictions, instead of stopping at the first. RANDOM_SAY=1: name each lab.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/agreement.sh
. "$(dirname "$0")/agreement.sh"

LABS=${RANDOM_LABS:-6}
FIRST=${RANDOM_SEED:-1}

# A number below N, into $drawn. RANDOM is none for this: bash begins another sequence in each $(...).
draw() { # N
	local -i state
	read -r state <"$TEST_TMP/random"
	state=$(((state * 1103515245 + 12345) & 0x7fffffff))
	echo $state >"$TEST_TMP/random"
	drawn=$(((state >> 8) % $1))
}

pick() { # WORD...
	local -i n
	draw $#
	n=$((drawn + 1))
	echo "${!n}"
}

# Labs of all shapes that have more than one way to be wrong; routers, switches, both families.
random_lab() {
	local shape
	shape=$(pick "chain 3" "chain 4" "chain 6" "ring 4" "ring 5" "star 3" "grid 2 3" "tree 2 2" \
		"mesh 4" switched)
	if [[ $shape != switched ]]; then
		# shellcheck disable=SC2086 # two words and more
		vethlab generate $shape | sed 's/^lab: .*/lab: random/' >"$TEST_TMP/lab.yaml"
		echo "$shape"
		return
	fi
	cat >"$TEST_TMP/lab.yaml" <<-'YAML'
		lab: random
		nodes:
		  a: {routes: [default via 10.0.1.254, "::/0 via fd01::fe"]}
		  b: {routes: [default via 10.0.1.254, "::/0 via fd01::fe"]}
		  c: {routes: [default via 10.0.2.254, "::/0 via fd02::fe"]}
		  r: {forward: true}
		  s: {kind: bridge}
		links:
		  - endpoints: [{end: "a:e0", addresses: [10.0.1.1/24, "fd01::1/64"]}, "s:p0"]
		  - endpoints: [{end: "b:e0", addresses: [10.0.1.2/24, "fd01::2/64"]}, "s:p1"]
		  - endpoints: [{end: "r:e0", addresses: [10.0.1.254/24, "fd01::fe/64"]}, "s:p2"]
		  - endpoints: [{end: "r:e1", addresses: [10.0.2.254/24, "fd02::fe/64"]},
		                {end: "c:e0", addresses: [10.0.2.1/24, "fd02::1/64"]}]
	YAML
	echo "$shape"
}

# What can go wrong in a node. A fault that does not apply there is none.
fault() { # NODE
	local node=$1 dev address ifs route kind
	local -i family=$FAMILY
	mapfile -t ifs < <(vethlab show --json | jq -r --arg n "$node" '.links[].ends[].end |
		select(startswith($n + ":")) | split(":")[1]')
	dev=$(pick "${ifs[@]}")
	kind=$(pick route_gone route_bad rule_from rule_to link_down mac neighbor forwarding forwarding_if \
		rp_filter ignore nft mtu address_gone port)
	case $kind in
	route_gone)
		mapfile -t ifs < <(inside "$node" ip "-$family" -o route show table main | grep -v '^fe80' || true)
		[[ ${#ifs[@]} -gt 0 ]] || return 0
		route=$(pick "${ifs[@]}")
		# shellcheck disable=SC2086 # words of a route
		[[ -z $route ]] || inside "$node" ip "-$family" route del ${route%% metric*} || true
		kind+=" ${route%% metric*}"
		;;
	route_bad)
		kind=$(pick blackhole unreachable prohibit)
		inside "$node" ip "-$family" route replace "$kind" "$TO_ADDRESS" || true
		kind+=" $TO_ADDRESS"
		;;
	rule_from)
		kind="rule from $FROM_ADDRESS $(pick blackhole prohibit unreachable)"
		# shellcheck disable=SC2086 # words of a rule
		inside "$node" ip "-$family" rule add ${kind#rule } pref 100 || true
		;;
	rule_to)
		kind="rule to $TO_ADDRESS $(pick blackhole prohibit unreachable)"
		# shellcheck disable=SC2086 # words of a rule
		inside "$node" ip "-$family" rule add ${kind#rule } pref 100 || true
		;;
	link_down)
		inside "$node" ip link set "$dev" down
		kind+=" $dev"
		;;
	mac)
		draw 10
		inside "$node" ip link set "$dev" address 02:00:00:00:99:0$drawn
		kind+=" $dev"
		;;
	neighbor)
		address=$(inside "$node" ip "-$family" -o neigh show dev "$dev" | awk '!/^fe80/ && !n++ {print $1}')
		[[ -z $address ]] || inside "$node" ip "-$family" neigh replace "$address" lladdr \
			02:00:00:00:99:99 dev "$dev" nud permanent
		kind+=" $address $dev"
		;;
	forwarding)
		inside "$node" sysctl -qw "net.ipv$family.conf.all.forwarding=0"
		;;
	forwarding_if)
		inside "$node" sysctl -qw "net.ipv$family.conf.$dev.forwarding=0"
		kind+=" $dev"
		;;
	rp_filter)
		inside "$node" sysctl -qw "net.ipv4.conf.$(pick all "$dev").rp_filter=1"
		;;
	ignore)
		((family == 4)) && kind=ipv4.icmp_echo_ignore_all || kind=ipv6.icmp.echo_ignore_all
		inside "$node" sysctl -qw "net.$kind=1"
		;;
	nft)
		command -v nft >/dev/null || return 0
		kind+=" $(pick forward input output)"
		address=$([[ $family -eq 4 ]] && echo "ip protocol icmp" || echo "ip6 nexthdr icmpv6 icmpv6 type echo-request")
		inside "$node" nft "table ip${family#4} t { chain c { type filter hook ${kind#nft } priority 0; $address drop; }; }"
		;;
	mtu)
		inside "$node" ip link set "$dev" mtu 1280
		kind+=" $dev"
		;;
	address_gone)
		address=$(inside "$node" ip "-$family" -o address show dev "$dev" scope global |
			awk '{print $4; exit}')
		[[ -z $address ]] || inside "$node" ip "-$family" address del "$address" dev "$dev"
		kind+=" $address"
		;;
	port)
		inside "$node" ip -d link show "$dev" | grep -q bridge_slave || { kind+=" of no bridge"; set --; }
		kind+=" $dev"
		if (($#)); then
			case $(pick isolated nomaster down) in
			isolated) inside "$node" ip link set "$dev" type bridge_slave isolated on ;;
			nomaster) inside "$node" ip link set "$dev" nomaster ;;
			down) inside "$node" ip link set "$dev" down ;;
			esac
		fi
		;;
	esac
	echo "$node: $kind"
}

contradiction() { # TEXT
	echo "# $1: $story" >&2
	[[ -z ${RANDOM_SAY:-} ]] || { jq -c '[(.there, .back) | select(. != null) | [.end, .at, .text]]' "$TEST_TMP/why"
		jq -c '.result, .itinerary.fate, .itinerary.waiting, .itinerary.last_seen, .itinerary.answerer, .itinerary.drops' "$TEST_TMP/echo"; } >&2
	contradictions=$((contradictions + 1))
	[[ -n ${RANDOM_GO_ON:-} ]] || fail "$1: $story: $(head -c 6000 "$TEST_TMP/why") $(head -c 6000 "$TEST_TMP/echo")"
}

# A frame to a MAC that nobody has is sent all the same: the ends behind the link see it, and drop it.
beyond() {
	local out
	jq -e '(.back // .there).end == "wrong-mac"' "$TEST_TMP/why" >/dev/null || return 0
	out=$(jq -r '(.back // .there).hops[-1] | .out // (.node + ":" + .interface)' "$TEST_TMP/why")
	jq -r --arg out "$out" '.links[].ends | map(.end) | select(index($out)) | .[] | split(":")[0]' \
		"$TEST_TMP/show" | tr '\n' ' '
	[[ $shape != switched ]] || echo "a b c r s"
}

# What one output says in two places is the same there.
# shellcheck disable=SC2016 # variables of jq
WHY_AGREES='
def last_leg: .back // .there;
def arrives: IN("arrives", "stays-on-lo");
(.good == (last_leg.end | arrives)) and
(.verdict == "arrives") == (.good and all(.there, .back | values; .not_evaluated == [])) and
(.verdict != "stopped" or (last_leg | .not_evaluated == [] and (.end | arrives | not))) and
(.back == null or .there.end == "arrives") and
all(.there, .back | values; .at as $at | .end == "not-bridged" or .hops[-1].node == $at)'
# shellcheck disable=SC2016
PING_AGREES='
.[0] as $e | .[1] as $sum | $e.itinerary as $i |
(if $i.waiting != null then $i.waiting.node elif $i.death != null then $i.drops[$i.death].node
 else null end) as $place |
($sum[{answered: "answered", refused: "refused", unanswered: "unanswered", "not-sent": "not_sent"}[$e.result]] == 1) and
($sum | .answered + .refused + .unanswered == .sent and .under_way == 0) and
($i == null or ($e.result == "answered") == ($i.fate == "answered")) and
($i == null or $e.result != "refused" or ($i.fate | IN("refused", "dropped", "unseen"))) and
($i.death == null or ($i.drops[$i.death].harmless // false | not)) and
($i.fate != "dropped" or $i.death != null) and ($i.fate != "waiting" or $i.waiting != null) and
([$sum.losses[].count] | add // 0) == $sum.unanswered + $sum.refused and
all($sum.losses[]; .drop == null or .drop.node == $i.drops[$i.death].node) and
all($sum.losses[]; .last_seen == null or .last_seen.end == $i.last_seen.end) and
$sum.why == $e.why and ($e.why == null or $e.result != "answered") and
($e.why == null or $place == null or ($e.why.end | IN("loop", "ttl-exceeded")) or $e.why.at == $place or
 ($e.why.end == "wrong-mac" and $i.death != null and $i.drops[$i.death].reason == "OTHERHOST"))'

agrees_with_itself() { # STATUS OF WHY, OF PING
	local text
	jq -e "$WHY_AGREES" "$TEST_TMP/why" >/dev/null || contradiction "why with itself"
	[[ $1 -gt 6 || $(jq -r .verdict "$TEST_TMP/why") == "$(verdict_of "$1")" ]] ||
		contradiction "why's exit status $1 with its verdict"
	jq -se "$PING_AGREES" "$TEST_TMP/ping" >/dev/null || contradiction "ping with itself"
	[[ $2 -gt 1 || $(jq -s '.[1] | if .answered == 1 then 0 else 1 end' "$TEST_TMP/ping") -eq $2 ]] ||
		contradiction "ping's exit status $2 with its sums"
	# As text, which has its own rules of what is told beside what.
	text=$(tr -s ' \n' ' ' <"$TEST_TMP/text")
	case $text in
	*"why: "*" why: "*) contradiction "two causes in one text" ;;
	*"it arrives and is answered"*"why: "*) contradiction "arrives, and does not, in one text" ;;
	esac
}

verdict_of() { # STATUS
	case $1 in 0) echo arrives ;; 1) echo stopped ;; 6) echo unknown ;; esac
}

compare() { # FROM TO
	local told=0 got=0 foretold_status foretold_way foretold_stop foretold_end found_way found_end on_lo
	vethlab show --json >"$TEST_TMP/show"
	vethlab why "-$FAMILY" "$1" "$2" -j >"$TEST_TMP/why" || told=$?
	vethlab ping "-$FAMILY" "$1" "$2" -W 1 -j >"$TEST_TMP/ping" || got=$?
	head -1 "$TEST_TMP/ping" >"$TEST_TMP/echo"
	asserted
	vethlab ping "-$FAMILY" "$1" "$2" -W 1 >"$TEST_TMP/text" 2>&1 || true
	agrees_with_itself "$told" "$got"
	if [[ $told -eq 6 ]]; then
		unknown=$((unknown + 1))
	elif [[ $got -gt 1 || $told -gt 1 ]]; then
		[[ $got -eq $told ]] || contradiction "exit status: why $told, ping $got"
	elif [[ $told -ne $got ]]; then
		contradiction "why says $told, ping says $got"
	elif [[ $got -eq 1 ]]; then
		read_both "$1"
		[[ $foretold_stop == loop || " $foretold_end $(beyond) " == *" $found_end "* ]] ||
			contradiction "why ends at $foretold_end ($foretold_stop), ping at $found_end"
	fi
}

one_lab() { # SEED
	local shape faults="" i from to story
	local -a nodes
	echo "$1" >"$TEST_TMP/random"
	draw 1000 # the first numbers of near seeds are near
	FAMILY=$(pick 4 6)
	shape=$(random_lab)
	up "$TEST_TMP/lab.yaml"
	mapfile -t nodes < <(vethlab show --json | jq -r '.nodes[].node | select(. != "s")')
	from=$(pick "${nodes[@]}")
	to=$from
	while [[ $to == "$from" ]]; do
		to=$(pick "${nodes[@]}")
	done
	vethlab ping "-$FAMILY" "$from" "$to" -W 2 -j >"$TEST_TMP/ping" || true
	vethlab why "-$FAMILY" "$from" "$to" -j >"$TEST_TMP/why"
	TO_ADDRESS=$(jq -r .to "$TEST_TMP/why")
	FROM_ADDRESS=$(jq -r .source "$TEST_TMP/why")
	mapfile -t nodes < <(vethlab show --json | jq -r '.nodes[] | .node')
	draw 3
	for ((i = drawn; i >= 0; i--)); do
		faults+="${faults:+; }$(fault "$(pick "${nodes[@]}")")"
	done
	story="seed $1, $shape, $from to $to (IPv$FAMILY), $faults"
	[[ -z ${RANDOM_SAY:-} ]] || echo "# $story" >&2
	# A name means the addresses that are there now.
	inside "$to" ip "-$FAMILY" -o address show scope global | grep -q . || to=$TO_ADDRESS
	compare "$from" "$to"
	good vethlab down random
}

test_random_labs() {
	local -i contradictions=0 unknown=0 i
	for ((i = FIRST; i < FIRST + LABS; i++)); do
		one_lab "$i"
	done
	echo "$LABS labs, $contradictions contradictions; of $unknown it said that it cannot know" >"$TEST_TMP/comment"
	assert_eq "$contradictions" 0 "contradictions"
}

run_tests
