#!/bin/sh
# SPDX-License-Identifier: MIT
# control.sh - fasttrace ls, info, control and snapshot, with a mount and without one.
# shellcheck disable=SC2016,SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

counts() # SOURCE: events that can be read, are consumed
{
	fasttrace info "$1" | sed -n 's/^events .*: \([0-9]*\) readable, \([0-9]*\) consumed.*/\1 \2/p'
}

on() # SOURCE EVENT
{
	fasttrace info "$1" | sed -n "s/^ *[0-9]*  \([a-z]*\) *test:$2\( .*\|\)\$/\1/p"
}

tracing()
{
	fasttrace info "$1" | sed -n 's/^tracing *//p'
}

ready() # 3,000 events, and the threads that wrote them live on
{
	"$program" stay "$WORK/counts" 3 1000 &
	pid=$!
	pids="$pids $pid"
	until_true 20 written
}

written()
{
	[ "$("$program" counts "$WORK/counts" 3 | awk '{ n += $2 } END { print n }')" = 3000 ]
}

orders() # TEXT SOURCE
{
	same "$1: all can be read" "$(counts "$2")" "3000 0"
	is "$1: flush" fasttrace control "$2" flush
	rm -rf "$OUT"
	is "$1: snapshot" fasttrace snapshot "$2" -o "$OUT"
	same "$1: snapshot: flushed, it has no open sub-buffer, and all events" "$(lines "$OUT")" 3000
	is "$1: snapshot: no complaint" silent
	is "$1: snapshot: no gap" ticks "$WORK/events"
	same "$1: snapshot: consumes nothing" "$(counts "$2")" "3000 0"
	is "$1: events off" fasttrace control "$2" events off test:tick
	same "$1: events off" "$(on "$2" tick)" off
	is "$1: events on, by a glob" fasttrace control "$2" events on 't?st:t*'
	same "$1: events on" "$(on "$2" tick)" on
	is "$1: a provider off" fasttrace control "$2" events off test
	same "$1: a provider off" "$(on "$2" tick)" off
	is "$1: all on" fasttrace control "$2" events on '*'
	same "$1: all on" "$(on "$2" tick)" on
	says 1 "fasttrace control: t*:bogus: no event of $2 is called so by now: \`fasttrace info $2\` lists those there are" \
		control "$2" events off 't*:bogus'
	is "$1: stop" fasttrace control "$2" stop
	same "$1: stop" "$(tracing "$2")" off
	is "$1: start" fasttrace control "$2" start
	same "$1: start" "$(tracing "$2")" on
	is "$1: clear" fasttrace control "$2" clear
	same "$1: clear" "$(counts "$2")" "0 3000"
}

ready
orders "without a mount" "$pid"
says 1 "fasttrace control: $pid: active: none of its threads lives: active is for the living, flush the dead" control "$pid" active
murder "$pid"
rm -f "$WORK/counts"
serve
ready
until_true 20 test -d "$M/$pid"
orders "by pid, with a mount" "$pid"
murder "$pid"
rm -f "$WORK/counts"
ready
until_true 20 test -d "$M/$pid"
orders "by folder" "$M/$pid"
says 1 "fasttrace control: $M/$pid: active: none of its threads lives: active is for the living, flush the dead" control "$M/$pid" active

# Rings of 8 MiB, which are written while they are copied; the mount's have one piece of memory each.
FASTTRACE_SUBBUF_SIZE=1M FASTTRACE_SUBBUFS=8
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS
begin write 3 500000
unset FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS
until_true 20 test -d "$M/$pid"
tell "$pid"
wait "$pid"
rm -rf "$OUT"
is "large rings" fasttrace snapshot "$M/$pid" -o "$OUT"
is "large rings: each has more than a segment" [ "$(find "$OUT" -type f -size +5M | wc -l)" -eq 3 ]
is "large rings: the mount's files" cp -r "$M/$pid/snapshot" "$WORK/mounts"
for f in "$OUT"/*.1.open; do mv "$f" "${f%.1.open}.open"; done # as the mount calls it
is "large rings: byte for byte" diff -r "$OUT" "$WORK/mounts"
unmount

# active of a thread that lives: what it has written is a sub-buffer of its own.
begin write 1 1
is "active" fasttrace control "$pid" active
rm -rf "$OUT"
fasttrace snapshot "$pid" -o "$OUT" 2>"$ERR"
has "snapshot says how much" "$OUT: 1 events, 96 bytes, 1 streams of 1 process"
same "its file" "$(find "$OUT" -type f ! -name metadata -exec basename {} ';')" "$pid"
says 1 "fasttrace snapshot: $OUT: exists: expected the name of a folder to be made" snapshot "$pid" -o "$OUT"
: >"$WORK/file"
says 1 "fasttrace snapshot: $WORK/file: exists: expected the name of a folder to be made" snapshot "$pid" -o "$WORK/file"
says 1 "fasttrace snapshot: /none/x: No such file or directory" snapshot "$pid" -o /none/x
same "nothing is left beside it" "$(find "$WORK" -name '.*')" ""

# All of a directory; and ls, which has a line for each.
begin write 1 1
rm -rf "$OUT"
is "a directory" fasttrace snapshot "$FASTTRACE_DIR" -o "$OUT"
same "a folder for each" "$(find "$OUT" -name metadata | wc -l)" "$(find "$FASTTRACE_DIR" -type f ! -name .lock | wc -l)"
fasttrace ls >"$WORK/ls"
same "ls: a line for each, and the head" "$(wc -l <"$WORK/ls")" "$((1 + $(find "$FASTTRACE_DIR" -type f ! -name .lock | wc -l)))"
is "ls: the living" grep -qE "^ *$pid  running  +program  " "$WORK/ls"
is "ls: sorted by pid" sort -c -n -k 1,1 "$WORK/ls"
same "ls: columns are aligned" "$(awk '{ print index($0, "program") }' "$WORK/ls" | sort -u | grep -vc '^0$')" 1
fasttrace ls --sort=age >"$WORK/ls"
is "ls: sorted by age" awk -v p="$pid" 'NR == 2 { exit $1 != p }' "$WORK/ls"
is "ls: json" python3 -c '
import json, subprocess, sys
rows = [json.loads(l) for l in subprocess.check_output(["fasttrace", "ls", "--json"]).splitlines()]
assert any(r["pid"] == int(sys.argv[1]) and r["state"] == "running" and r["last_ns"] > 0 for r in rows)
' "$pid"
murder "$pid"
is "ls: the dead" sh -c "fasttrace ls | grep -qE '^ *$pid  ended '"
fasttracefs "$M" -- "$traced" write 1 1 &
pids="$pids $!"
runs()
{
	find "$FASTTRACE_DIR" -path '*/run-*/program-*' | grep -q .
}
until_true 20 runs
fasttrace info "$!" >"$ERR"
has "a process of a run folder is found" "pid          $!"
fasttrace ls "$M" >"$ERR"
has "a mount shows its own alone" "$!  running"
same "and no others" "$(wc -l <"$ERR")" 2
murder "$!"
unmount
conclude
