#!/bin/sh
# SPDX-License-Identifier: MIT
# helper_afl.sh [SECONDS [TARGET...]] - as corpus.sh, but AFL++ is what searches, in one process that
# takes an input after the other (persistent mode). `make fuzz-afl` runs it.
#
# Needs Debian's afl++; says so and exits 77 without. Runs without a terminal. What it found is left
# in build/afl/found/NAME/default: crashes, hangs, and in queue what reached new code.
set -u
cd "$(dirname "$0")/../.." || exit 2

seconds=${1:-60}
[ $# -eq 0 ] || shift
if ! command -v afl-fuzz >/dev/null || ! command -v afl-clang-fast >/dev/null; then
	echo "afl-fuzz is missing: apt-get install afl++"
	exit 77
fi
if [ $# -eq 0 ]; then
	for target in tests/fuzz/target_*.c; do
		target=${target#tests/fuzz/target_}
		set -- "$@" "${target%.c}"
	done
fi
export FASTTRACE_DIR="${FASTTRACE_DIR:-/dev/shm}/afl.$$"
# A core dump that is piped away hides crashes for a second only: they are found all the same.
export AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:malloc_context_size=0:detect_leaks=0:allocator_may_return_null=1
unset MAKEFLAGS MFLAGS MAKELEVEL BUILD
trap 'rm -rf "$FASTTRACE_DIR"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p "$FASTTRACE_DIR"
chmod 700 "$FASTTRACE_DIR"

make -j "$(nproc)" CC=afl-clang-fast SAN=address,undefined FUZZ_LINK=fuzzer BUILD=build/afl \
	fuzz-targets >/dev/null || exit 1
stat_of() # NAME: a number of what afl-fuzz says of $out
{
	sed -n "s/^$1 *: \([0-9]*\)$/\1/p" "$out/default/fuzzer_stats"
}

status=0
for target; do
	out=build/afl/found/$target
	mkdir -p "$out"
	afl-fuzz -i "tests/fuzz/corpus/$target" -o "$out" -V "$seconds" -m none -t 20000 -- \
		"build/afl/tests/fuzz/target_$target" || status=1
	grep -E '^(execs_done|saved_crashes|saved_hangs|edges_found)' "$out/default/fuzzer_stats"
	found=$(($(stat_of saved_crashes) + $(stat_of saved_hangs)))
	tests/fuzz/helper_fault.sh "$target" "$(stat_of execs_done) executions by AFL++" "$found findings"
	[ "$found" -eq 0 ] || status=1
done
exit "$status"
