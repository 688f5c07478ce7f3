#!/bin/sh
# SPDX-License-Identifier: MIT
# marker.sh - marker: a shell's own events in the program's trace, at their time, whoever dies.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

own=$BUILD/tests/mount/marker_program

value() # NAME FILE
{
	awk -v n="$1" '$1 == n { print $2 }' "$2"
}

# Of a process: the texts of its markers, as babeltrace2 reads its snapshot.
markers() # PROCESS
{
	rm -rf "$OUT" && cp -r "$1/snapshot" "$OUT"
	events "$OUT" >"$WORK/text"
	sed -n 's/.* fasttrace:marker: .*{ text = "\(.*\)" }$/\1/p' "$WORK/text"
}

mark() # FILE TEXT: in one write; TEXT as for printf %b
{
	printf '%b' "$2" >"$WORK/marker"
	dd if="$WORK/marker" of="$1" bs=8192 conv=notrunc status=none
}

adds_up() # STATS
{
	awk '$1 ~ /^(consumed|readable|overwritten|in_flight|lost_.*)$/ { sum += $2 }
		$1 == "begun" { begun = $2 } END { exit sum != begun }' "$1"
}

refused() # FILE TEXT ERRNO-TEXT ERROR
{
	isnt "it is refused" mark "$1" "$2"
	has "$3" "$3"
	same "and explained" "$(sed -n 's/.*: error: //p' "${1%/*}/error_log" | tail -n 1)" "$4"
}

# In an arena without an event: that no marker is there harms nobody, nor that it is alone there.
serve
FASTTRACE_EVENTS=none start "$program" stay "$WORK/counts" 1 5
P=$M/$pid
until_true 5 test -d "$P/events/test/tick"
same "its owner's, to write" "$(stat -c '%a %s' "$P/marker")" "600 0"
same "before the first" "$(markers "$P")$(cat "$WORK/text")" ""
is "babeltrace2 has no complaint" silent
isnt "there is no buffer" test -e "$P/threads/0"
is "the first" sh -c "env echo hello >'$P/marker'"
same "alone" "$(markers "$P")" hello
same "nothing else" "$(wc -l <"$WORK/text")" 1
is "babeltrace2 has no complaint" silent
same "nothing is to be read" "$(cat "$P/marker")" ""

# What an event is made of.
is "an empty one" sh -c "env echo >'$P/marker'"
for text in 'two\nlines\n' ' as it is \t\n' 'gr\0303\0274n %%d' 'a\0000b'; do
	is "one write" mark "$P/marker" "$text"
done
echo one >>"$P/marker"
echo two | tee "$P/marker" >"$WORK/tee"
same "is one event, less the newline at its end" "$(grep -c marker: "$P/trace")" 8
same "as text" "$(sed -n 's/.*fasttrace:marker: text=//p' "$P/trace" | tr '\n' '|')" \
	'"hello"|""|"two\nlines"|" as it is \t"|"grün %%d"|"a?b"|"one"|"two"|'
long=$(head -c 4096 /dev/zero | tr '\0' x)
is "4 KiB" mark "$P/marker" "$long\n"
same "whole" "$(markers "$P" | tail -n 1)" "$long"
refused "$P/marker" "${long}y\n" "Message too long" "4097 bytes: a marker has 4096 at most, without its newline"
same "and nothing of it is there" "$(value begun "$P/stats")" 9
head -c 300000 /dev/zero >"$WORK/huge"
isnt "far too long" dd if="$WORK/huge" of="$P/marker" bs=300000 conv=notrunc status=none

# Like any other event; but no switch turns it off, for who writes it wants it.
same "a buffer" "$(cat "$P/threads/0/name" "$P/threads/0/state" | tr '\n' ' ')" "marker running "
same "counted" "$(value begun "$P/threads/0/stats") $(value readable "$P/stats")" "9 9"
same "listed" "$(sed -n 's/^kind: //p; s/.*field:\(.*\);\t.*/\1/p' "$P/events/fasttrace/marker/format" | tr '\n' ' ')" \
	"marker string text "
same "on" "$(cat "$P/events/fasttrace/marker/enable" "$P/events/fasttrace/enable" "$P/events/enable" | tr '\n' ' ')" "1 1 0 "
echo 0 >"$P/events/enable"
isnt "its own switch says no" sh -c "env echo 0 >'$P/events/fasttrace/marker/enable'"
same "and why" "$(grep -c "a marker is recorded while tracing_on is 1" "$P/error_log")" 1
is "as much as yes" sh -c "env echo 1 >'$P/events/fasttrace/marker/enable'"
is "it is recorded" mark "$P/marker" "all off"
echo 0 >"$P/tracing_on"
refused "$P/marker" "stopped" "Bad file descriptor" "tracing_on is 0: nothing is recorded"
echo 1 >"$P/tracing_on"
is "and again" mark "$P/marker" "on"
same "in order" "$(markers "$P" | tail -n 2 | tr '\n' '|')" "all off|on|"

# Consumed, by each way there is.
is "flush" sh -c "env echo flush >'$P/threads/0/control'"
seq=$(ls "$P/threads/0/subbuf" | head -n 1)
mkdir -p "$WORK/packets"
cat "$P/ctf-metadata" >"$WORK/packets/metadata"
cat "$P/threads/0/subbuf/$seq" >"$WORK/packets/0"
events "$WORK/packets" >"$WORK/text"
same "a sub-buffer" "$(grep -c 'marker: .*"on"' "$WORK/text")" 1
same "is gone" "$(ls "$P/threads/0/subbuf")$(markers "$P")" ""
mark "$P/marker" "drained"
echo flush >"$P/control"
cat "$P/threads/0/drain" >"$WORK/packets/0"
events "$WORK/packets" >"$WORK/text"
same "drain" "$(grep -c drained "$WORK/text") $(value readable "$P/stats")" "1 0"
start timeout 20 sed -u 2q "$P/trace_pipe" >"$WORK/pipe"
piped=$pid pid=${P##*/}
mark "$P/marker" "piped" && mark "$P/marker" "twice"
is "trace_pipe, which waits for it" wait "$piped"
same "in order" "$(sed 's/.*text=//' "$WORK/pipe" | tr '\n' ' ')" '"piped" "twice" '
is "counts add up" adds_up "$P/stats"
murder "$pid"
refused "$P/marker" "too late" "No such process" "the process has ended, and its trace with it"
unmount

# At its time: the program counts how many events had returned before the write, and after it.
FASTTRACE_SUBBUFS=64
export FASTTRACE_SUBBUFS
serve
start "$program" write "$WORK/ticks" 1 0 200
P=$M/$pid
until_true 5 test -d "$P/events/test/tick"
for i in 1 2 3 4 5; do
	before=$("$program" counts "$WORK/ticks" 1 | awk '{ print $2 }')
	mark "$P/marker" "mark $i"
	echo "$i $before $("$program" counts "$WORK/ticks" 1 | awk '{ print $2 }')" >>"$WORK/times"
done
sleep 0.1
halt "$pid"
same "five" "$(markers "$P" | wc -l)" 5
same "each between the events it was written between" "$(awk 'NR == FNR { before[$1] = $2; after[$1] = $3; next }
	/test:tick:/ { match($0, /, n = [0-9]+/); n = substr($0, RSTART + 6, RLENGTH - 6) + 0 }
	/fasttrace:marker:/ { match($0, /mark [0-9]/); m = substr($0, RSTART + 5, 1)
		if (n + 1 < before[m] || n > after[m]) print "mark", m, "behind", n, "not", before[m], after[m]
		else good++ } END { print good }' "$WORK/times" "$WORK/text")" 5
murder "$pid"
unmount
unset FASTTRACE_SUBBUFS

# Shells at once, a program that enters events and ends threads, a daemon that is killed meanwhile.
FASTTRACE_SUBBUF_SIZE=4096 FASTTRACE_SUBBUFS=4 FASTTRACE_MAX_MEMORY=256K
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS FASTTRACE_MAX_MEMORY
serve
start "$own" churn 3000
P=$M/$pid
until_true 5 test -e "$P/marker"
for w in 1 2 3 4; do
	start sh -c 'i=0; while [ $i -lt 150 ]; do
		i=$((i + 1))
		until env echo "$1 $i" >"$2/marker"; do sleep 0.02; done
		env echo "$1 $i" >>"$3.$1"
	done' - "$w" "$P" "$WORK/wrote" 2>>"$WORK/shells"
	writers="${writers-} $pid"
done
for _ in 1 2 3; do
	sleep 0.2
	kill -KILL "$(daemon_pid)" && until_true 5 unserved && until_true 5 serve
done
for w in $writers; do wait "$w"; done
pid=${P##*/}
until_true 20 test -d "$P/events/churn/e2999"
same "all events of the program, and markers" "$(find "$P/events/churn" "$P/events/fasttrace" -mindepth 1 -type d | wc -l)" 3001
same "one buffer of markers" "$(find "$P/threads" -maxdepth 1 -name "0*" | wc -l)" 1
markers "$P" >"$WORK/marked"
is "babeltrace2 has no complaint" silent
for w in 1 2 3 4; do
	# A daemon that dies behind an event does not say that it is there: it is written once more.
	same "the markers of a shell, in its order" "$(grep "^$w " "$WORK/marked" | uniq)" "$(cat "$WORK/wrote.$w")"
done
is "counts add up" adds_up "$P/stats"
same "the thread's, too" "$(value begun "$P/threads/0/stats")" "$(wc -l <"$WORK/marked")"

# Both dead: what was written is there. A new daemon takes no more.
kill -KILL "$(daemon_pid)"
murder "$pid"
until_true 5 unserved
serve
markers "$P" >"$WORK/again"
is "all of it survives" cmp "$WORK/marked" "$WORK/again"
refused "$P/marker" "too late" "No such process" "the process has ended, and its trace with it"
unmount
unset FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS FASTTRACE_MAX_MEMORY

# Somebody else consumes it: until he is gone.
start "$program" stay "$WORK/held" 1 5
traced=$pid
until_true 5 sh -c "ls '$FASTTRACE_DIR' | grep -q -- '-$traced-'"
start "$own" hold "$FASTTRACE_DIR"/*-"$traced"-* >"$WORK/holds"
until_true 5 test -s "$WORK/holds"
serve
P=$M/$traced
until_true 5 test -d "$P/events/test/tick"
refused "$P/marker" "not mine" "resource busy" "somebody else reads it, and it has one consumer"
murder "$pid"
is "then it is ours" mark "$P/marker" "mine"
same "alone" "$(markers "$P")" mine
murder "$traced"
unmount

# A forked child has a trace of its own, and markers.
serve
start "$own" fork >"$WORK/child"
P=$M/$pid
until_true 5 test -s "$WORK/child"
child=$(cat "$WORK/child")
pids="$pids $child"
until_true 5 test -d "$M/$child/events/family/child"
mark "$P/marker" "to the parent"
mark "$M/$child/marker" "to the child"
same "each its own" "$(markers "$P") $(markers "$M/$child")" "to the parent to the child"
kill -KILL "$child"
murder "$pid"
unmount

# Where nothing may be overwritten, a full buffer refuses, and the shell is told: that is no loss.
for mode in discard block; do
	fasttracefs --mode="$mode" "$M" -- "$program" stay "$WORK/$mode" 1 5 &
	pid=$!
	pids=$pid
	P=$M/$pid
	until_true 5 test -d "$P/events/test/tick"
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do mark "$P/marker" "$long"; done
	refused "$P/marker" "$long" "temporarily unavailable" "threads/0 is full of markers that nobody has read: read or clear them"
	same "$mode loses none" "$(value readable "$P/threads/0/stats") $(value lost_full "$P/stats")" "12 0"
	echo clear >"$P/threads/0/control"
	is "once that is done, it goes on" mark "$P/marker" "$mode"
	same "with this one" "$(markers "$P")" "$mode"
	unmount
	murder "$pid"
done
conclude
