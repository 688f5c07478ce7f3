#!/bin/sh
# SPDX-License-Identifier: MIT
# follow.sh - fasttrace read --follow shows each event once, in the order of time, soon; or tells that
# it was lost; whoever writes how fast, dies, comes later, or consumes beside it.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

here=$(dirname "$0")
follower=

follow() # ARG...: in the background, its pid in $follower; its lines in $WORK/followed
{
	: >"$WORK/followed"
	fasttrace read --follow "$@" >"$WORK/followed" 2>"$WORK/complained" &
	follower=$!
	pids="$pids $follower"
}

ended() # TEXT STATUS: it ends by itself, without a complaint
{
	wait "$follower" && code=0 || code=$?
	same "$1: exit status" "$code" "$2"
	same "$1: complaints" "$(cat "$WORK/complained")" ""
}

interrupted() # TEXT
{
	kill -INT "$follower"
	ended "$1" 0
}

shows() # PATTERN
{
	grep -q -- "$1" "$WORK/followed"
}

shown() # TICKS
{
	[ "$(grep -c ': test:tick:' "$WORK/followed")" -eq "$1" ]
}

begun() # PROCESSES
{
	[ "$(grep -c ': test:begin:$' "$WORK/followed")" -eq "$1" ]
}

in_order()
{
	sed 's/.* \([0-9.]*\): test:.*/\1/' "$WORK/followed" | sort -c
}

adds_up() # TEXT [EVENTS]: it is all there, or told of
{
	what=$1
	shift
	is "$what: once, in order, or told of" python3 "$here/helper_follow.py" "$@" <"$WORK/followed"
	sed "s/^/# $what: /" "$ERR"
}

all_lost() # or some of it
{
	shows ' LOST '
}

try() # TEXT KIND THREADS EVENTS: from before its first tick to its end
{
	begin "$2" "$3" "$4"
	follow "$pid"
	until_true 10 shows ': test:begin:$'
	tell "$pid"
	ended "$1" 0
	adds_up "$1" $(($3 * $4))
}

# At full speed, and in rings so small that they turn a thousand times between two looks.
try "a thread" write 1 2000000
try "threads" write 4 500000
is "some of it was overwritten" all_lost
FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=2 try "small rings" write 3 300000
try "slowly" pace 2 30000
is "slowly: all is seen" shown 60000
FASTTRACE_MAX_MEMORY=1M FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=2 try "rings that are taken over" churn 500 500
FASTTRACE_MODE=discard try "full rings" write 3 200000
is "some of it was dropped" all_lost
FASTTRACE_MODE=discard FASTTRACE_MAX_MEMORY=1M try "threads without a ring" churn 100 5000

# Beside a consumer, who misses nothing by it.
for mode in block overwrite; do
	export FASTTRACE_MODE=$mode
	begin pace 3 40000
	writer=$pid
	follow "$writer"
	record "$writer" -o "$OUT$mode"
	until_true 20 reading "$OUT$mode"
	until_true 10 shows ': test:begin:$'
	tell "$writer"
	recorded "$mode mode, recorded" 0
	ended "$mode mode, recorded" 0
	adds_up "$mode mode, recorded" 120000
	same "$mode mode: the recorder has all" \
		"$(fasttrace read --count --event='*:tick' "$OUT$mode")" 120000
done
unset FASTTRACE_MODE

# Killed: up to its last event.
begin write 2 0
writer=$pid arena=$(cat "$WORK/arena")
follow "$arena"
until_true 10 shows ': test:begin:$'
tell "$writer"
until_true 10 shows 'thread=1'
murder "$writer"
ended "killed" 0
adds_up "killed"
fasttrace read "$arena" >"$WORK/left"
for t in 0 1; do
	same "killed: its last event of thread $t is shown" "$(grep "thread=$t " "$WORK/followed" | tail -n 1)" \
		"$(grep "thread=$t " "$WORK/left" | tail -n 1)"
done

# Line by line, while it lives; and nothing is consumed.
begin classes
: >"$WORK/followed"
fasttrace read --follow "$pid" | grep --line-buffered ': test:' >"$WORK/followed" &
until_true 10 shows ': test:begin:$'
is "an event is shown while the program lives" test -d "/proc/$pid"
tell "$pid"
until_true 10 shows ': test:one: n=1$'
until_true 10 shows ': test:three: text="3"$'
is "what is declared later" shows ': test:two: n=2$'
wait
same "each is shown once" "$(wc -l <"$WORK/followed")" 4
begin write 1 1000
serve
until_true 20 test -d "$M/$pid"
follow "$M/$pid"
tell "$pid"
wait "$pid"
ended "a folder of a mount" 0
adds_up "a folder of a mount" 1000
same "nothing was consumed" "$(sed -n 's/^consumed //p' "$M/$pid/stats")" 0
sed 1,4d "$M/$pid/trace" | sed 's/ [0-9]*\.[0-9]*: / /' >"$WORK/a"
sed 's/ [0-9]*\.[0-9]*: / /' "$WORK/followed" >"$WORK/b"
is "lines are those of trace" diff "$WORK/a" "$WORK/b"

# Those that come later; several at once.
for source in "$M" "$FASTTRACE_DIR"; do
	follow "$source"
	begin write 2 3000
	first=$pid
	begin pace 1 3000
	until_true 10 begun 2 # who has ended before it looks is not shown
	tell "$first"
	wait "$first"
	tell "$pid"
	wait "$pid"
	until_true 10 shown 9000
	is "it goes on when all have ended" kill -0 "$follower"
	interrupted "a directory"
	is "a directory: in order" in_order
	is "who was dead before is not shown" begun 2
done
begin write 1 3000
first=$pid
begin write 1 4000
follow "$first" "$pid" "$first"
until_true 10 begun 2
tell "$first"
wait "$first"
tell "$pid"
ended "two of them" 0
is "two of them: all of both" shown 7000
is "two of them: in order" in_order

# What is asked for.
begin write 2 3000
writer=$pid
tell "$writer"
wait "$writer"
arena=$(cat "$WORK/arena")
for o in --json --utc "--event=*:tick" "--where=n>2990" --fields=n --count "--where=n>2990 --json --fields=thread"; do
	# shellcheck disable=SC2086 # words
	fasttrace read $o "$arena" >"$WORK/a"
	# shellcheck disable=SC2086
	fasttrace read -F $o "$arena" >"$WORK/b"
	is "$o" diff "$WORK/a" "$WORK/b"
	is "$o: there is something" test -s "$WORK/b"
done
same "a thread" "$(fasttrace read -F --count --tid=1 "$arena")" 0
same "the last hour" "$(fasttrace read -F --count --last=1h "$arena")" 6001
same "the last nanosecond" "$(fasttrace read -F --count --last=1ns "$arena")" 0
begin write 1 1000
same "until a time" "$(timeout 10 "$BUILD/fasttrace" read -F --count --to=1000000000 "$pid")" 0
{
	timeout 10 "$BUILD/fasttrace" read -F "$pid" && code=0 || code=$?
	echo "$code" >"$WORK/status"
} | head -n 1 >"$WORK/followed"
is "who has had enough sees it" shows ': test:begin:$'
same "and ends it" "$(cat "$WORK/status")" 1
is "while the program lives" kill -0 "$pid"
murder "$pid"

mkdir "$WORK/ctf"
: >"$WORK/ctf/metadata"
cd "$WORK"
expected="expected a process id, the file of an arena, the folder of a process in a mount (MOUNT/PID), the root of a mount or a directory of arenas"
says 1 "fasttrace read: ctf: is a CTF trace: $expected" read --follow ctf
says 1 "fasttrace read: none: No such file or directory: $expected" read --follow none
: >"$WORK/empty"
fasttrace read --follow empty 2>"$ERR" && code=0 || code=$?
same "an empty file: exit status" "$code" 1
has "an empty file" ": expected the file of an arena, as libfasttrace makes it"
cp "$arena" "$WORK/cut"
begin write 1 1000
cp "$(cat "$WORK/arena")" "$WORK/copy"
same "a copy of an arena" "$(fasttrace read -F --count copy)" 1
murder "$pid"
conclude
