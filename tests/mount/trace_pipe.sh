#!/bin/sh
# SPDX-License-Identifier: MIT
# trace_pipe.sh - trace_pipe: every event once, in order over all threads, waiting, to the end.
# shellcheck disable=SC2016,SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

traced=$BUILD/tests/mount/events_program
FASTTRACE_SUBBUF_SIZE=4096 FASTTRACE_SUBBUFS=4
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS

# For each thread "thread first last", and each follows the one before.
each() # FILE
{
	sed -n 's/.*: test:tick: thread=\([0-9]*\) n=\([0-9]*\)$/\1 \2/p' "$1" | awk '{
		if (!($1 in first)) first[$1] = $2
		else if ($2 != last[$1] + 1) { print "gap:", $1, last[$1], $2; bad = 1 }
		last[$1] = $2
	} END { for (t in first) print t, first[t], last[t]; exit bad }' | sort -n
}

ordered() # FILE
{
	awk '{ match($0, /[0-9]+\.[0-9]+: /); split(substr($0, RSTART, RLENGTH - 2), n, ".")
		if (n[1] < s || (n[1] == s && n[2] < ns)) { print "goes back:", $0; exit 1 }
		s = n[1]; ns = n[2] }' "$1"
}

# Four threads that wait for the reader, who sees all of it and ends when they have.
fasttracefs --mode=block --switch-period=0.2 "$M" -- "$program" write "$WORK/counts" 4 40000 &
pid=$!
pids=$pid
until_true 5 test -d "$M/$pid/threads"
is "the reader ends by itself" sh -c "timeout 60 cat '$M/$pid/trace_pipe' >'$WORK/text'"
same "every event of every thread, once" "$(each "$WORK/text" | tr '\n' ' ')" \
	"0 0 39999 1 0 39999 2 0 39999 3 0 39999 "
is "in order over all threads" ordered "$WORK/text"
is "nothing but whole lines" sh -c "! grep -v ': test:tick: thread=[0-9]* n=[0-9]*\$' '$WORK/text'"
same "consumed" "$(awk '$1 == "consumed" { print $2 }' "$M/$pid/stats")" 160000
same "what is drained ends at once, empty" "$(timeout 5 cat "$M/$pid/trace_pipe" | wc -c)" 0
unmount

# A thread that is idle does not hold the others back; what is slow does arrive.
fasttracefs --switch-period=0.1 "$M" -- "$program" write "$WORK/counts2" 3 0 5000 &
writer=$!
pids=$writer
until_true 5 test -e "$M/$writer/events/test/tick"
is "slow writers are read" timeout 20 sh -c "head -n 200 '$M/$writer/trace_pipe' >'$WORK/text'"
is "in order" ordered "$WORK/text"
is "poll says when there is more" "$program" poll "$M/$writer/trace_pipe" 5000
halt "$writer"
timeout 20 sh -c "until ! dd if='$M/$writer/trace_pipe' iflag=nonblock bs=1M count=1 status=none \
	2>>'$WORK/again'; do :; done >'$WORK/rest'" 2>"$ERR" || :
is "O_NONBLOCK ends with EAGAIN" grep -q "Resource temporarily unavailable" "$WORK/again"
isnt "poll finds nothing" "$program" poll "$M/$writer/trace_pipe" 300
kill -CONT "$writer"
murder "$writer"
unmount

# What was overwritten before it was read is told of: all of it, and only since somebody has read.
gone() # how many events were consumed or overwritten until now
{
	awk '$1 == "consumed" || $1 == "overwritten" { n += $2 } END { print n }' "$M/$writer/stats"
}
overwrites() # MORE: it has done so
{
	until_true 20 sh -c "[ \"\$(awk '\$1 == \"overwritten\" { print \$2 }' '$M/$writer/stats')\" -gt $1 ]"
}
each_overwrites() # of the threads, more than at $WORK/then
{
	grep -h '^overwritten ' "$M/$writer"/threads/*/stats | paste -d ' ' "$WORK/then" - |
		awk '$4 <= $2 + 1000 { few = 1 } END { exit few || NR != 3 }'
}
start "$program" write "$WORK/counts4" 3 0
writer=$pid
serve
printf 'overwritten 0\n%.0s' 1 2 3 >"$WORK/then"
until_true 20 each_overwrites # one of three may begin late
halt "$writer"
cat "$M/$writer"/threads/*/drain >"$WORK/drained"
before=$(gone)
grep -h '^overwritten ' "$M/$writer"/threads/*/stats >"$WORK/then"
kill -CONT "$writer"
until_true 20 each_overwrites
murder "$writer"
is "a reader who comes late" timeout 20 sh -c "cat '$M/$writer/trace_pipe' >'$WORK/text'"
same "is told of each event that was overwritten since the one before him" \
	"$(awk '/: LOST [0-9]+ EVENTS$/ { n += $(NF - 1); next } { n++ } END { print n }' "$WORK/text")" \
	$(($(gone) - before))
is "once in each thread" test "$(grep -c ': LOST ' "$WORK/text")" = 3
is "before what follows" sh -c "head -n 1 '$WORK/text' | grep -q ': LOST [0-9]* EVENTS\$'"
is "in order" ordered "$WORK/text"
unmount

# Who does not wait gets what there is, though no sub-buffer is complete and no period over; who waits,
# at his first read.
lines_now() # PERIOD COMMAND...: $n of them
{
	start "$program" stay "$WORK/counts5" 1 3
	fasttracefs --switch-period="$1" "$M"
	shift
	until_true 5 sh -c "grep -q '^readable 3\$' '$M/$pid/stats'"
	n=$("$@" 2>"$ERR" <"$M/$pid/trace_pipe" | wc -l)
	murder "$pid"
	unmount
}
lines_now 86400 dd iflag=nonblock bs=64K count=1 status=none
same "O_NONBLOCK gets what there is" "$n" 3
lines_now 86400 timeout 10 head -n 3
same "a reader that waits gets it, too" "$n" 3
lines_now 0 dd iflag=nonblock bs=64K count=1 status=none
same "but where nothing is to be switched" "$n" 0

# One idle thread beside busy ones.
fasttracefs --switch-period=0.1 "$M" -- "$traced" run "$WORK/shared" 1000 &
writer=$!
pids=$writer
until_true 5 test -e "$M/$writer/events/delta/span"
is "an idle thread holds nobody back" timeout 20 sh -c "head -n 500 '$M/$writer/trace_pipe' \
	>'$WORK/text'"
is "in order" ordered "$WORK/text"
exec 5<"$M/$writer/trace_pipe"
dd bs=1000 count=1 status=none <&5 >"$WORK/piece"
same "whole lines only" "$(tail -c 1 "$WORK/piece" | od -An -c | tr -d ' ')" '\n'
isnt "a second reader" timeout 5 cat "$M/$writer/trace_pipe"
has "is refused" "Device or resource busy"
isnt "so is a stream's" sh -c "for s in '$M/$writer'/threads/*/stream; do timeout 5 cat \$s; done"
has "as long as it is open" "Device or resource busy"
exec 5<&-
murder "$writer"
is "when it is closed, another may read" timeout 20 sh -c "cat '$M/$writer/trace_pipe' >'$WORK/text'"
is "what was in hand comes again" grep -qF "$(head -n 1 "$WORK/piece")" "$WORK/text"
is "in order" ordered "$WORK/text"
unmount

# Threads that come and go beside one that stays.
fasttracefs --switch-period=0.01 "$M" -- "$program" churn 20000 &
writer=$!
pids=$writer
until_true 5 test -e "$M/$writer/trace_pipe"
is "threads that come and go are read" sh -c "timeout 60 cat '$M/$writer/trace_pipe' >'$WORK/text'"
is "many of them" test "$(grep -c test:begun: "$WORK/text")" -gt 1000
is "in order" ordered "$WORK/text"
unmount

# Whose event is in flight for long does not keep the others from who polls.
fasttracefs --switch-period=0.1 "$M" -- "$program" flight &
writer=$!
pids=$writer
in_flight "$writer"
echo hello >"$M/$writer/marker"
isnt "an event is in flight" sh -c "echo flush >'$M/$writer/control'"
is "poll tells what another one wrote" timeout 20 "$program" poll "$M/$writer/trace_pipe" 60000
is "and it is read" sh -c "timeout 5 head -n 1 '$M/$writer/trace_pipe' | grep -q hello"
murder "$writer"
unmount

# Readers that are killed while they wait lose nothing: what comes then goes to the next one.
fasttracefs --mode=block --switch-period=0.1 "$M" -- "$program" write "$WORK/counts3" 3 300 5000 &
writer=$!
pids=$writer
until_true 5 test -e "$M/$writer/events/test/tick"
for i in 1 2 3 4 5; do
	start cat "$M/$writer/trace_pipe" >"$WORK/part.$i"
	sleep 0.15
	murder "$pid"
done
is "the last reader ends with the program" \
	sh -c "timeout 60 cat '$M/$writer/trace_pipe' >'$WORK/part.6'"
cat "$WORK"/part.* >"$WORK/text"
same "all events were seen, once" "$(each "$WORK/text" | tr '\n' ' ')" "0 0 299 1 0 299 2 0 299 "
is "by several readers" test "$(find "$WORK" -name 'part.*' -size +0 | wc -l)" -gt 2
is "in order" ordered "$WORK/text"
unmount
# Whoever waits by select, poll or epoll is told, and again when he has read all there was.
fasttracefs --switch-period=0.1 "$M" -- "$program" write "$WORK/counts7" 1 0 2000 &
writer=$!
pids=$writer
until_true 5 test -e "$M/$writer/trace_pipe"
for how in select poll epoll edge; do
	is "$how" timeout 60 python3 -c '
import os, select, sys
how, fd = sys.argv[1], os.open(sys.argv[2], os.O_RDONLY | os.O_NONBLOCK)
if how == "select":
	wait = lambda: select.select([fd], [], [], 20)[0]
else:
	p = select.poll() if how == "poll" else select.epoll()
	p.register(fd, select.POLLIN if how == "poll" else
		   select.EPOLLIN | (select.EPOLLET if how == "edge" else 0))
	wait = lambda: p.poll(20000 if how == "poll" else 20)
for _ in range(5):
	assert wait(), "not told"
	text = b""
	try:
		while True:
			text += os.read(fd, 1 << 16)
	except BlockingIOError:
		pass
	ticks, losses = text.count(b"test:tick:"), text.count(b": LOST ") # it may not keep up
	assert text.endswith(b"\n") and ticks > 0 and ticks + losses == text.count(b"\n"), text[-999:]
' "$how" "$M/$writer/trace_pipe"
done
murder "$writer"
unmount
conclude
