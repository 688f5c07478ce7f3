# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# lib.sh - what the tests of `fasttrace` share, beside what those of mounts do.
#
#   traced         the traced program of tests/cmd/program.c, which waits for SIGUSR1
#   begin ARG...   starts it, its pid in $pid, and waits until there is an arena of it
#   record ARG...  fasttrace record in the background, its pid in $recorder
#   says STATUS TEXT ARG...   fasttrace ARG... ends so, with TEXT on stderr and nothing on stdout
. "$(dirname "$0")/../mount/lib.sh"

traced=$BUILD/tests/cmd/program
recorder=

arena_of() # PID: its file
{
	find "$FASTTRACE_DIR" -name "[!.]*-$1-*" | grep .
}

begin()
{
	"$traced" "$@" >"$WORK/took" &
	pid=$!
	pids="$pids $pid"
	until_true 20 arena_of "$pid" >"$WORK/arena"
}

reading() # DIR: it is the consumer that writes there
{
	find "$1" -name metadata 2>/dev/null | grep -q .
}

record()
{
	fasttrace record "$@" 2>"$WORK/recorded" &
	recorder=$!
	pids="$pids $recorder"
}

recorded() # TEXT STATUS: the recorder ends so
{
	wait "$recorder" && code=0 || code=$?
	same "$1: exit status" "$code" "$2"
	cp "$WORK/recorded" "$ERR"
}

tell() # PID: go
{
	kill -USR1 "$1"
}

lines() # DIR...: how many events babeltrace2 sees there
{
	events "$@" >"$WORK/events"
	wc -l <"$WORK/events"
}

says()
{
	want=$1 text=$2
	shift 2
	fasttrace "$@" >"$WORK/stdout" 2>"$WORK/stderr" && code=0 || code=$?
	same "fasttrace $*: exit status" "$code" "$want"
	same "fasttrace $*: stderr" "$(cat "$WORK/stderr")" "$text"
	same "fasttrace $*: stdout" "$(cat "$WORK/stdout")" ""
}
