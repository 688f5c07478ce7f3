#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh [-b BUILD] SUITE... - runs tests, shows what failed, counts. BUILD is a folder of the
# project's.
#
# Suites: unit stress crash model fuzz faults security life mount cmd san format shell headers
# install bench, and two that are made of them: check (all, with the builds) and torture (the random
# ones, for fifty minutes; TORTURE=N for N times as long). A test is a program or a script:
# tests/unit/test_*.c, tests/{mount,model,fuzz}/*.sh, *.c and *.sh of the other folders. A file
# called lib*, common*, fixture* or helper* is none, nor is a program that a script *.sh beside it of
# the same name runs.
#
# What a test may count on:
#   BUILD          folder of the programs under test, absolute
#   TMPDIR         a folder of its own, removed afterwards
#   FASTTRACE_DIR  an arena directory of its own in tmpfs, removed afterwards
#   arguments      of a stress test: SECONDS MODE, how long to run and in which mode;
#                  of a crash test: how many random kills to do;
#                  of a fuzz test: for how many seconds to look for more, 0: the corpus alone;
#                  of a model: how much to explore, "check" or "torture"
# What a test prints as a line of five parts, separated by tabs, `row FAULT TRIED PROMISED FOUND`, is
# for the table of docs/reliability.md: they end up in build/rows (reliability.sh).
# Exit status 0 passes, 77 skips (its last line says why), all else fails. So does to leave a mount
# or a process behind, to take too long, and to skip a mount test where /dev/fuse opens.
set -u
cd "$(dirname "$0")/.." || exit 2

build=build
if [ "${1-}" = -b ]; then
	build=${2#"$PWD"/}
	shift 2
fi
jobs=$(nproc 2>/dev/null || echo 2)
passed=0 failed=0 skipped=0 failures='' running='' lane=
as_user='' # command that drops privileges, or empty
TEST_SECONDS=${TEST_SECONDS:-30}
TEST_KILLS=${TEST_KILLS:-200}
TEST_FUZZ=${TEST_FUZZ:-0}
TEST_MODEL=${TEST_MODEL:-check}
TORTURE=${TORTURE:-1}
unset MAKEFLAGS MFLAGS MAKELEVEL
unset FASTTRACE FASTTRACE_DIR FASTTRACE_MOUNT FASTTRACE_MODE FASTTRACE_SUBBUF_SIZE \
	FASTTRACE_SUBBUFS FASTTRACE_MAX_MEMORY FASTTRACE_BLOCK_TIMEOUT FASTTRACE_EVENTS

work=$(mktemp -d "${TMPDIR:-/tmp}/fasttrace-tests.XXXXXX") || exit 2
arenas=$(mktemp -d /dev/shm/fasttrace-tests.XXXXXX) || exit 2
chmod 755 "$work" "$arenas"

mounts_below() # DIR: mount points in it, deepest first
{
	awk -v d="$1/" 'index($5 "/", d) == 1 { print $5 }' /proc/self/mountinfo | sort -r
}

processes_of() # DIR: pids of the processes whose environment says TMPDIR=DIR
{
	grep -lzx "TMPDIR=$1" /proc/[0-9]*/environ 2>/dev/null | tr -dc '0-9\n'
}

leftovers() # DIR: says what a test left behind; a daemon has a moment to go
{
	for try in 1 2 3 4 5 6 7 8 9 10; do
		left_mounts=$(mounts_below "$1")
		left_pids=$(processes_of "$1")
		[ -n "$left_mounts$left_pids" ] || return 1
		[ "$try" -eq 10 ] || sleep 0.3
	done
	[ -z "$left_mounts" ] || echo "left mounted:" "$left_mounts"
	for pid in $left_pids; do
		echo "left running: $pid $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"
	done
}

sweep() # DIR: removes what a test left behind
{
	mounts_below "$1" | while read -r m; do
		umount -l "$m" 2>/dev/null || fusermount3 -uz "$m"
	done
	for pid in $(processes_of "$1"); do
		kill -KILL "$pid" 2>/dev/null
	done
}

# Reached by the traps below.
# shellcheck disable=SC2317,SC2329
finish()
{
	# shellcheck disable=SC2086 # words
	kill -TERM $lane $running 2>/dev/null
	for dir in "$work"/*/; do
		[ ! -d "$dir" ] || sweep "${dir%/}"
	done
	rm -rf "$work" "$arenas"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

count() # pass|FAIL|skip NAME SECONDS [REASON]
{
	printf '%s %s (%s s)%s\n' "$1" "$2" "$3" "${4:+: $4}"
	case $1 in
	pass) passed=$((passed + 1)) ;;
	skip) skipped=$((skipped + 1)) ;;
	FAIL)
		failed=$((failed + 1))
		failures="$failures
  $2${4:+: $4}"
		;;
	esac
}

item() # NAME TIMEOUT COMMAND...: runs one test
{
	name=$1 limit=$2
	shift 2
	id=$(echo "$name" | tr -c 'A-Za-z0-9_.\n' _)
	tmp=$work/$id log=$build/logs/$id.log
	mkdir -p "$tmp" "$arenas/$id" "$build/logs"
	chmod 700 "$arenas/$id"
	[ -z "$as_user" ] || chown 65534:65534 "$tmp" "$arenas/$id"
	begin=$(date +%s)
	# shellcheck disable=SC2086 # as_user is words
	TMPDIR=$tmp FASTTRACE_DIR=$arenas/$id $as_user \
		timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null &
	running=$!
	wait "$running"
	code=$?
	running=
	took=$(($(date +%s) - begin))
	case $code in
	0) result=pass why= ;;
	77) result=skip why=$(tail -n 1 "$log") ;;
	124 | 137) result=FAIL why="took longer than $limit s" ;;
	*) result=FAIL why="exit status $code" ;;
	esac
	case $result${name%%/*}$fuse:$why in
	*"is not installed"*) ;;
	skipmount1:* | skipcmd1:*)
		result=FAIL why="skipped although /dev/fuse opens: $why"
		;;
	esac
	if leftovers "$tmp" >"$tmp.left"; then
		cat "$tmp.left" >>"$log"
		[ "$result" = FAIL ] || why="left something behind"
		result=FAIL
		sweep "$tmp"
	fi
	rm -rf "$tmp" "${arenas:?}/$id"
	[ "$result" = skip ] || sed -n "s|^row	|$name	|p" "$log" >>"$rows"
	count "$result" "$name" "$took" "$why"
	[ "$result" != FAIL ] || tail -n 200 "$log" | sed 's/^/    | /'
}

build_with() # DIR NAME=VALUE...: builds everything there, warnings are errors
{
	build=$1
	shift
	item "build/$*" 600 make -k -j "$jobs" WERROR=1 BUILD="$build" "$@" tests
}

programs() # SUITE TIMEOUT MARK [ARGUMENT...]: the tests of one folder of tests/
{
	suite=$1 limit=$2 mark=$3
	shift 3
	found=
	for test in tests/"$suite"/*.c tests/"$suite"/*.sh; do
		[ -e "$test" ] || continue
		case $test in
		*/lib* | */common* | */fixture* | */helper* | tests/mount/*.c | tests/cmd/*.c | tests/fuzz/*.c) continue ;;
		tests/unit/test_*.c) command=$root/$build/${test%.c} ;;
		tests/unit/*) continue ;;
		*.c)
			[ ! -e "${test%.c}.sh" ] || continue
			command=$root/$build/${test%.c}
			;;
		*) command=$root/$test ;;
		esac
		found=1
		base=$(basename "$test")
		BUILD=$root/$build item "$suite/${base%.*}$mark" "$limit" "$command" "$@"
	done
	[ -n "$found" ] || count FAIL "$suite" 0 "no tests found"
}

stress() # SECONDS MARK: programs of tests/stress take SECONDS and MODE
{
	programs stress 300 " overwrite$2" "$1" overwrite
	programs stress 300 " discard$2" $((($1 + 2) / 3)) discard
	programs stress 300 " block$2" $((($1 + 2) / 3)) block
}

mount_tests() # MARK: and the demo, which is one
{
	programs mount 120 "$1"
	BUILD=$root/$build item "mount/demo$1" 120 "$root/examples/demo.sh"
}

cmd_tests() # MARK
{
	programs cmd 180 "$1"
}

user() # SUITE: the tests of mounts or commands as nobody, from a copy that nobody can read
{
	if [ "$(id -u)" -ne 0 ]; then
		count skip "$1 as root" 0 "not root"
		return
	fi
	saved=$root root=$work/copy
	mkdir -p "$root"
	set -- "$1" tests examples docs reader/cmd "$build"
	[ ! -d build/perfetto ] || set -- "$@" build/perfetto
	user_suite=$1
	shift
	tar -cf - --exclude='*.[oad]' --exclude=logs "$@" | tar -xf - -C "$root"
	chmod -R a+rX "$root"
	as_user=$saved/tests/as-nobody.sh
	"${user_suite}_tests" ' as nobody'
	as_user=
	root=$saved
}

# shellcheck disable=SC2030,SC2031 # a lane's counts come back through its file
beside() # COMMAND...: in a lane of its own while COMMAND2... runs, behind --: most tests wait, mostly
{
	lane_does=
	while [ "$1" != -- ]; do
		lane_does="$lane_does $1"
		shift
	done
	shift
	(
		trap 'exit 143' TERM
		passed=0 failed=0 skipped=0 failures=
		$lane_does
		printf '%d %d %d\n%s' "$passed" "$failed" "$skipped" "$failures" >"$work/lane.counts"
	) >"$work/lane.out" 2>&1 &
	lane=$!
	"$@"
	wait "$lane"
	lane=
	cat "$work/lane.out"
	{
		read -r lane_passed lane_failed lane_skipped
		lane_failures=$(cat)
	} <"$work/lane.counts" || {
		lane_passed=0 lane_failed=1 lane_skipped=0
		lane_failures="
  $lane_does: ended before its last test"
	}
	rm -f "$work/lane.counts"
	passed=$((passed + lane_passed)) failed=$((failed + lane_failed))
	skipped=$((skipped + lane_skipped))
	failures=$failures$lane_failures
}

san() # units and stress under address and undefined behaviour sanitizers
{
	saved=$build
	build_with build/address-undefined CC=gcc SAN=address,undefined
	programs unit 180 ' with sanitizers'
	stress 5 ' with sanitizers'
	build=$saved
}

sources() # PATTERN...: files of the project by name
{
	for pattern; do
		find . -name build -prune -o -path ./.git -prune -o -name "$pattern" -print
	done
}

suite()
{
	case $1 in
	unit) programs unit 120 '' ;;
	stress) stress "$TEST_SECONDS" '' ;;
	crash) programs crash 600 '' "$TEST_KILLS" ;;
	model) programs model 300 '' "$TEST_MODEL" ;;
	fuzz) programs fuzz $((300 + 20 * TEST_FUZZ)) '' "$TEST_FUZZ" ;;
	faults | security) programs "$1" 300 '' ;;
	life) programs life 300 '' ;;
	mount | cmd)
		beside user "$1" -- "${1}_tests" " as $(id -un)"
		;;
	san) san ;;
	format)
		# shellcheck disable=SC2046 # no file name has a space
		item format 60 clang-format --dry-run -Werror $(sources '*.[ch]' '*.cc' '*.cpp')
		;;
	shell)
		# shellcheck disable=SC2046
		item shellcheck 120 shellcheck -x -P SCRIPTDIR .ci/run $(sources '*.sh')
		;;
	headers) BUILD=$root/$build item headers 300 tests/headers/run.sh ;;
	install) BUILD=$root/$build item install 300 tests/install/run.sh ;;
	bench)
		item bench 120 "$build/tests/bench/bench" --check 1.5
		BUILD=$root/$build item bench/instructions 120 tests/bench/instructions.sh
		BUILD=$root/$build item 'bench.py' 120 tests/bench/bench_py.sh
		;;
	check)
		suite format
		suite shell
		item 'mutants apply' 60 tests/mutants.sh -n
		build_with build/clang CC=clang
		programs unit 120 ' with clang'
		build_with build/gcc CC=gcc
		beside suite model -- suite headers
		for s in unit bench stress crash fuzz faults security life mount cmd install san; do
			suite "$s"
		done
		;;
	torture)
		programs stress $((1000 * TORTURE)) ' overwrite' $((180 * TORTURE)) overwrite
		programs stress $((1000 * TORTURE)) ' discard' $((60 * TORTURE)) discard
		programs stress $((1000 * TORTURE)) ' block' $((60 * TORTURE)) block
		programs crash $((3600 * TORTURE)) '' $((4000 * TORTURE))
		programs model 3600 '' torture
		programs fuzz $((3600 * TORTURE)) '' $((90 * TORTURE))
		BUILD=$root/$build item fuzz/afl $((3600 * TORTURE)) \
			"$root/tests/fuzz/helper_afl.sh" $((30 * TORTURE))
		suite faults
		suite security
		BUILD=$root/$build item "mount/speed strict" 300 "$root/tests/mount/speed.sh" strict
		BUILD=$root/$build item "cmd/record_speed strict" 600 "$root/tests/cmd/record_speed.sh" strict
		BUILD=$root/$build item "cmd/speed strict" 600 "$root/tests/cmd/speed.sh" strict
		BUILD=$root/$build item life/races 300 "$root/tests/life/races.sh"
		BUILD=$root/$build item "life/clock" $((300 * TORTURE)) \
			"$root/$build/tests/life/clock" $((120 * TORTURE))
		;;
	*)
		echo "run.sh: $1: no such suite" >&2
		exit 2
		;;
	esac
}

root=$PWD
rows=$root/build/rows
mkdir -p "$root/build"
: >"$rows"
fuse=
if (: <>/dev/fuse) 2>/dev/null; then fuse=1; fi
[ $# -gt 0 ] || set -- check
for s; do
	suite "$s"
done
[ -z "$failures" ] || printf '\nFailed:%s\n' "$failures"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
