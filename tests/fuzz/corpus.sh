#!/bin/sh
# SPDX-License-Identifier: MIT
# corpus.sh [SECONDS [TARGET...]] - the kept inputs of the fuzz targets, under sanitizers and without;
# then, for so many seconds each, libFuzzer's search for more.
#
# TARGET is the NAME of tests/fuzz/target_NAME.c, whose inputs are in tests/fuzz/corpus/NAME; without
# any, all of them. What a search found that ends the program is left in build/fuzz/found: once the
# fault is mended, the input goes into the corpus. What only reached new code goes to build/fuzz/NAME,
# where the next search begins; `corpus.sh 0` never looks there.
set -u
cd "$(dirname "$0")/../.." || exit 2

seconds=${1:-0}
[ $# -eq 0 ] || shift
if [ $# -eq 0 ]; then
	for target in tests/fuzz/target_*.c; do
		target=${target#tests/fuzz/target_}
		set -- "$@" "${target%.c}"
	done
fi
work=${TMPDIR:-/tmp}/fuzz.$$ status=0
export FASTTRACE_DIR="${FASTTRACE_DIR:-/dev/shm}/fuzz.$$"
# Errors of the sanitizers end the program; that much memory is more than any input may cost. Stacks
# of allocations cost half of the time.
export ASAN_OPTIONS=abort_on_error=1:malloc_context_size=2:allocator_may_return_null=1
export UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1
plain=${BUILD:-build}
unset MAKEFLAGS MFLAGS MAKELEVEL BUILD

# Reached by the traps below.
# shellcheck disable=SC2317,SC2329
finish()
{
	[ -z "$running" ] || kill "$running" 2>/dev/null
	rm -rf "$work" "$FASTTRACE_DIR"
}
running=
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p "$work" "$FASTTRACE_DIR"
chmod 700 "$FASTTRACE_DIR"

build() # NAME=VALUE...
{
	make -j "$(nproc)" "$@" fuzz-targets >"$work/build" 2>&1 || {
		cat "$work/build"
		exit 1
	}
}

run() # COMMAND...: so that a signal to us ends it as well
{
	"$@" &
	running=$!
	wait "$running"
	code=$?
	running=
	return "$code"
}

replay() # DIR TARGET: sets $inputs
{
	run "$1/tests/fuzz/target_$2" "tests/fuzz/corpus/$2" >"$work/out" 2>&1 && {
		inputs=$(sed -n 's/^\([0-9]*\) inputs$/\1/p' "$work/out")
		return
	}
	echo "$2: an input of the corpus fails in $1:"
	tail -n 60 "$work/out"
	inputs=$(find "tests/fuzz/corpus/$2" -type f | wc -l) findings=$((findings + 1))
}

search() # TARGET: sets $executions
{
	mkdir -p "build/fuzz/$1" build/fuzz/found
	run "build/fuzz/tests/fuzz/target_$1" -fork=1 -max_total_time="$seconds" -timeout=20 \
		-rss_limit_mb=2048 -max_len=4096 -artifact_prefix="build/fuzz/found/$1-" \
		"build/fuzz/$1" "tests/fuzz/corpus/$1" >"$work/out" 2>&1 || {
		echo "$1: found in build/fuzz/found:"
		tail -n 60 "$work/out"
		findings=$((findings + 1))
	}
	grep '^#[0-9]*: cov:' "$work/out" | tail -n 1
	executions=$(sed -n 's/^#\([0-9]*\): cov:.*/\1/p' "$work/out" | tail -n 1)
	executions=${executions:-0}
}

conclude() # TARGET
{
	tried="$inputs kept inputs"
	[ "$executions" -eq 0 ] || tried="$tried, $executions executions of a search"
	echo "$1: $tried, $findings findings"
	tests/fuzz/helper_fault.sh "$1" "$tried" "$findings findings"
	[ "$findings" -eq 0 ] || status=1
}

build WERROR=1 CC=gcc SAN=address,undefined BUILD=build/address-undefined
for target; do
	[ -x "$plain/tests/fuzz/target_$target" ] || build BUILD="$plain"
done
[ "$seconds" -eq 0 ] || build CC=clang SAN=fuzzer-no-link,address,undefined BUILD=build/fuzz
for target; do
	findings=0 executions=0 inputs=0
	replay build/address-undefined "$target"
	replay "$plain" "$target"
	[ "$seconds" -eq 0 ] || search "$target"
	conclude "$target"
done
exit "$status"
