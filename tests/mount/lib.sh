# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# lib.sh - what the mount tests share: a mount point, traced programs, checks, and cleaning up.
#
#   M           mount point        OUT   a folder for what is collected
#   program     the traced program of tests/mount/program.c
#   serve       fasttracefs M: plain start
#   start ...   a program in the background; its pid in $pid
#   is TEXT CMD...      the command succeeds          isnt TEXT CMD...   it fails
#   same TEXT A B       two strings are equal
#   row FAULT TRIED PROMISED FOUND   a line for the table of docs/reliability.md
set -eu

: "${BUILD:?the folder of the programs under test}"
WORK=${TMPDIR:-/tmp}/mount.$$
M=$WORK/mnt ERR=$WORK/err COMPLAINTS=$WORK/complaints
# shellcheck disable=SC2034 # for the tests
OUT=$WORK/out
FASTTRACE_DIR=${FASTTRACE_DIR:-/dev/shm/fasttrace-mount.$$}
export FASTTRACE_DIR
PATH=$BUILD:$PATH
program=$BUILD/tests/mount/program
checks=0 failures=0 pids='' pid=

mkdir -p "$WORK" "$M" "$FASTTRACE_DIR"
chmod 700 "$FASTTRACE_DIR"
if ! command -v fusermount3 >/dev/null; then
	echo "fusermount3 is missing"
	exit 77
fi

mounted()
{
	awk -v d="$M" '$5 == d { found = 1 } END { exit !found }' /proc/self/mountinfo
}

unmount() # and wait until the daemon has let go of the arenas
{
	if mounted; then fusermount3 -u "$M"; fi
	until_true 20 unserved
}

unserved() # no daemon holds the arena directory
{
	[ ! -e "$FASTTRACE_DIR/.lock" ] || "$program" unlocked "$FASTTRACE_DIR/.lock"
}

daemon_pid()
{
	sed 's/ .*//' "$FASTTRACE_DIR/.lock"
}

# shellcheck disable=SC2317,SC2329
finish()
{
	code=$?
	trap - EXIT
	for p in $pids; do kill -KILL "$p" 2>/dev/null || :; done
	awk -v d="$WORK/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
		while read -r m; do fusermount3 -uz "$m" || umount -l "$m" || :; done
	rm -rf "$WORK"
	find "$FASTTRACE_DIR" -delete 2>/dev/null || :
	exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

count() # ok|'not ok' TEXT
{
	checks=$((checks + 1))
	echo "$1 $checks - $2"
	[ "$1" = ok ] || failures=$((failures + 1))
}

is()
{
	text=$1
	shift
	if "$@" >"$ERR" 2>&1; then count ok "$text"; else
		count 'not ok' "$text: $*"
		sed 's/^/# /' "$ERR"
	fi
}

isnt()
{
	text=$1
	shift
	if "$@" >"$ERR" 2>&1; then count 'not ok' "$text: $*"; else count ok "$text"; fi
}

same()
{
	if [ "$2" = "$3" ]; then count ok "$1"; else count 'not ok' "$1: \"$2\", expected \"$3\""; fi
}

has() # TEXT WORDS: the output of the command before, in $ERR, has them
{
	if grep -qF -- "$2" "$ERR"; then count ok "$1"; else
		count 'not ok' "$1: no \"$2\" in:"
		sed 's/^/# /' "$ERR"
	fi
}

until_true() # SECONDS CMD...
{
	seconds=$1 tries=$(($1 * 50))
	shift
	while ! "$@" 2>/dev/null; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || {
			echo "# $seconds s have passed without: $*" >&2
			return 1
		}
		sleep 0.02
	done
}

serve()
{
	fasttracefs "$M"
}

start()
{
	"$@" &
	pid=$!
	pids="$pids $pid"
}

in_flight() # PID: its second event is, of `program flight`
{
	until_true 20 grep -q '^begun 2$' "$M/$1/stats"
}

stands() # PID: with all of its threads
{
	! sed 's/.*) //' "/proc/$1"/task/*/stat | grep -qv '^[Tt]'
}

halt() # PID...: SIGSTOP, and wait until they do: a thread that waits for a processor has to hear of it
{
	kill -STOP "$@"
	for halted; do
		until_true 20 stands "$halted"
	done
}

murder() # PID: SIGKILL, and wait for it
{
	kill -KILL "$1"
	wait "$1" 2>/dev/null || :
}

# All that babeltrace2 says of a trace; its complaints, if any, are kept for silent.
events() # DIR...
{
	prlimit --as=2000000000 babeltrace2 "$@" 2>"$COMPLAINTS" ||
		echo "exit status $?" >>"$COMPLAINTS"
}

silent() # babeltrace2 had nothing to complain about
{
	cat "$COMPLAINTS"
	[ ! -s "$COMPLAINTS" ]
}

complains() # TEXT WORDS: babeltrace2 does, with them
{
	cp "$COMPLAINTS" "$ERR"
	has "$@"
}

# For each thread: the numbers follow one another; prints "thread first last".
ticks() # TEXT-OF-EVENTS
{
	awk '/test:tick:/ {
		match($0, /thread = [0-9]+/); t = substr($0, RSTART + 9, RLENGTH - 9)
		match($0, /, n = [0-9]+/); n = substr($0, RSTART + 6, RLENGTH - 6)
		if (!(t in first)) first[t] = n
		else if (n + 0 != last[t] + 1) { print "gap: thread", t, last[t], n; bad = 1 }
		last[t] = n
	} END { for (t in first) print t, first[t], last[t]; exit bad }' "$1" | sort -n
}

row()
{
	printf 'row\t%s\t%s\t%s\t%s\n' "$@"
}

conclude()
{
	echo "$((checks - failures)) passed, $failures failed"
	exit $((failures != 0))
}
