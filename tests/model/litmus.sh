#!/bin/sh
# SPDX-License-Identifier: MIT
# litmus.sh [check|torture] - every barrier pair, looked at from three sides. Both arguments do the
# same: all there is.
#
# 1. litmus.pml, exhaustively: with the order as coded what the pair forbids is never seen, though
#    its premise is; with the order of any one site taken away the forbidden is seen.
# 2. Every label of the ORDER table of ft-layout.h is cited in the sources and tested in the model;
#    every label cited there stands in the table; docs/memory-order.md has a section for each pair
#    and names each test.
# 3. Where a compiler for arm64 is installed: the instructions are those that the page names.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
table=$root/include/ft-layout.h page=$root/docs/memory-order.md
work=$(mktemp -d "${TMPDIR:-/tmp}/litmus.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 143' INT TERM HUP
passed=0 failed=0

is() # TEXT COMMAND...
{
	text=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not ok - $text"
	fi
}

build()
{
	(cd "$work" && spin -a "$here/litmus.pml" &&
		gcc -w -O0 -DSAFETY -DNOREDUCE -DNOCLAIM -o pan pan.c) >"$work/log" 2>&1
}

# A run that stopped for want of memory or depth, or at any other assertion, is neither.
model() # found|none TEST WEAK SEEN [ASSERTION]: does the exhaustive search find it violated?
{
	rm -f "$work"/*.trail
	(cd "$work" && LITMUS=$2 WEAK=$3 SEEN=$4 ./pan -w16 -m10000 >log 2>&1)
	case $1 in
	none) grep -q 'errors: 0$' "$work/log" && ! grep -q '^error: \|not completed' "$work/log" ;;
	found) grep -qF "assertion violated $5" "$work/log" ;;
	esac
}

labels_of() # FILE...: labels that stand there, one a line
{
	grep -ho '\b[a-z]*:[WR]\b' "$@" | sort -u
}

pairs() # of the table: the labels of each of its lines; a line without a W goes on
{
	sed -n '/^ \* ORDER/,/^ \* PROGRESS/p' "$table" | grep -o '\b[a-z]*:[WR]\b.*' |
		sed 's/\([a-z]*:[WR]\).* \([a-z]*:[WR]\).*/\1 \2/; s/\([a-z]*:[WR]\)  .*/\1/'
}

same_section() # LABEL...: one heading of the page names them all
{
	grep '^### ' "$page" >"$work/headings"
	for label; do
		grep -w -- "$label" "$work/headings" >"$work/some"
		mv "$work/some" "$work/headings"
	done
	[ -s "$work/headings" ]
}

models()
{
	tests=0 weaker=0
	sed -n 's/.*\bTEST \([a-z-]*\) \([0-9]*\) \([0-9]*\):.*/\1 \2 \3/p' "$here/litmus-pairs.pml" \
		>"$work/tests"
	while read -r name number sites; do
		tests=$((tests + 1))
		is "$name: the forbidden is seen" model none "$number" 0 0
		is "$name: its premise is never seen" \
			model found "$number" 0 1 " !((only_seen&&premise))"
		for site in $(seq "$sites"); do
			weaker=$((weaker + 1))
			is "$name: not seen with site $site weakened" \
				model found "$number" "$site" 0 "(only_seen|| !(bad))"
		done
		is "$name is not on the page" grep -q "\`$name\`" "$page"
	done <"$work/tests"
	is "no tests found" [ "$tests" -gt 0 ]
}

labels()
{
	pairs >"$work/pairs"
	tr ' ' '\n' <"$work/pairs" | sort -u >"$work/labels"
	is "no labels found" [ -s "$work/labels" ]
	find "$root/include" "$root/tracer" "$root/reader" "$root/fs" -name '*.[ch]' \
		! -name ft-layout.h -exec cat {} + >"$work/sources"
	labels_of "$work/sources" >"$work/cited"
	sed '/^[[:space:]]*\/\?\*/d' "$work/sources" >"$work/code" # with something before the comment
	labels_of "$work/code" >"$work/sites"
	labels_of "$here/litmus-pairs.pml" >"$work/modelled"
	while read -r label; do
		is "$label is cited at no access" grep -qx "$label" "$work/sites"
		is "$label has no test in the model" grep -qx "$label" "$work/modelled"
	done <"$work/labels"
	while read -r label; do
		is "$label is cited, and not in the table" grep -qx "$label" "$work/labels"
	done <"$work/cited"
	while read -r line; do
		# shellcheck disable=SC2086 # words
		is "no section for $line" same_section $line
	done <"$work/pairs"
}

instructions() # FUNCTION: of the object, one a line
{
	aarch64-linux-gnu-objdump -d --no-show-raw-insn "$work/arm64.o" |
		sed -n "/<$1>:/,/^\$/s/^ *[0-9a-f]*:[[:space:]]*//p"
}

has() # FUNCTION PATTERN TIMES
{
	[ "$(instructions "$1" | grep -c "^$2")" -eq "$3" ]
}

arm64_as() # TEXT "OPTION..." CAS: the instruction, or call, that a compare-and-swap is
{
	# shellcheck disable=SC2086 # words
	is "$1: does not build" aarch64-linux-gnu-gcc -std=gnu11 -O2 -ffreestanding $2 \
		-I"$root/include" -c -o "$work/arm64.o" "$here/litmus.c"
	is "$1: reserve:R is no ldar" has event ldar 1
	is "$1: commit:W is no stlr" has event stlr 1
	is "$1: an event has a full barrier" has event dmb 0
	is "$1: the event's CAS is no $3" has event "$3" 1
	is "$1: ft_cas() is no $3" has swap "$3" 1
	is "$1: full and release fence are no dmb ish" has fences 'dmb[[:space:]]*ish$' 2
	is "$1: the acquire fence is no dmb ishld" has fences 'dmb[[:space:]]*ishld' 1
}

arm64()
{
	if ! command -v aarch64-linux-gnu-gcc >/dev/null; then
		echo "arm64's instructions are not checked: no aarch64-linux-gnu-gcc"
		return
	fi
	arm64_as "arm64, outline" "-moutline-atomics" "bl.*<__aarch64_cas8_acq_rel>"
	arm64_as "arm64, LSE" "-march=armv8.1-a" casal
	arm64_as "arm64, exclusives" "-mno-outline-atomics" stlxr
	is "arm64, exclusives: no ldaxr" has swap ldaxr 1
}

if ! command -v spin >/dev/null || ! command -v gcc >/dev/null; then
	echo "spin or gcc is not installed"
	exit 77
fi
is "the model does not build" build
models
labels
arm64
printf 'row\t%s\t%s\t%s\t%s\n' "each barrier pair under the memory of C11, and weakened" \
	"$tests tests, $weaker weakenings, exhaustively" \
	"as coded the forbidden is out of reach; each barrier is needed" \
	"$passed checks passed, $failed failed"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
