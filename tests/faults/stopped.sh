#!/bin/sh
# SPDX-License-Identifier: MIT
# stopped.sh - SIGSTOP: of the daemon with readers inside, of the program, of a reader half-way.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

export FASTTRACE_SUBBUF_SIZE=4K

# The daemon is stopped: a reader waits in stream, another one has just asked.
stopped_daemon() # MODE
{
	export FASTTRACE_MODE="$1"
	rm -f "$WORK"/go "$WORK"/first "$WORK"/written "$WORK"/streamed
	serve
	daemon=$(daemon_pid)
	act write 10 touch "$WORK/first" await "$WORK/go" write 100000 touch "$WORK/written" stay
	one=$pid
	await test -e "$WORK/first"
	start sh -c 'exec cat "$1" >"$2"' sh "$M/$one/threads/$one/stream" "$WORK/streamed"
	reader=$pid
	await test -s "$WORK/streamed"
	kill -STOP "$daemon"
	start cat "$M/$one/state"
	asking=$pid
	await request_waits
	kill -KILL "$asking"
	is "$1: a reader whose request the daemon has not taken dies at once" until_true 60 over "$asking"
	: >"$WORK/go"
	is "$1: the program goes on" until_true 60 test -e "$WORK/written"
	kill -KILL "$reader"
	sleep 0.3
	over "$reader" && waits=no || waits=yes
	kill -CONT "$daemon"
	is "$1: a reader whose request it has dies when it goes on" until_true 60 over "$reader"
	pid=$one
	exact "$1, stopped daemon" 100010
	is "$1: a new reader takes over" timeout 10 sh -c 'head -c 4096 "$1" >"$2"' sh "$M/$one/threads/$one/stream" "$WORK/next"
	calm "$1, stopped daemon"
	row "the daemon is stopped with readers inside, mode $1" "100010 events, 2 readers killed" \
		"the program goes on; readers can be killed, one whose request is taken when the daemon goes on" \
		"$(stat_of overwritten) overwritten, $(stat_of lost_full) lost, all counted; the second reader waited: $waits"
	murder "$one"
	finished
}

over() # PID: gone, or to be reaped
{
	! grep -q '^State:[[:space:]]*[A-Y]' "/proc/$1/status" 2>/dev/null
}

request_waits()
{
	[ "$(waiting)" -ge 2 ]
}

export FASTTRACE_BLOCK_TIMEOUT=300ms
for mode in overwrite discard block; do stopped_daemon $mode; done
unset FASTTRACE_MODE

# The program is stopped while others read and switch.
stopped_program()
{
	serve
	act write 1000 touch "$WORK/1000" stay
	await test -e "$WORK/1000"
	kill -STOP "$pid"
	is "a stopped program: flush" sh -c "echo flush >'$M/$pid/control'"
	is "active" sh -c "echo active >'$M/$pid/control'"
	same "its events are read" "$(read_back)" 1000
	same "it is not taken for dead" "$(cat "$M/$pid/state")" running
	is "and drained" sh -c "cat '$M/$pid/threads/$pid/drain' >'$WORK/drained'"
	exact "a stopped program" 1000
	murder "$pid"
	same "killed while it is stopped" "$(cat "$M/$pid/state")" "killed 9"
	finished

	serve
	start "$program" flight
	in_flight "$pid"
	kill -STOP "$pid"
	isnt "stopped with an event in flight: flush does not wait for ever" \
		timeout 20 sh -c "/bin/echo flush >'$M/$pid/control'"
	has "but says so" "temporarily unavailable"
	same "the event before it is read" "$(read_back)" 1
	kill -USR1 "$pid"
	kill -CONT "$pid"
	await sh -c "echo flush >'$M/$pid/control'"
	same "gone on, both are" "$(read_back)" 2
	row "the program is stopped with an event in flight" "1 flush" \
		"EAGAIN soon; delivered when it goes on" "EAGAIN; later $(stat_of readable) events readable"
	calm "a stopped program"
	murder "$pid"
	finished
}

# A reader stops half-way through a sub-buffer.
stopped_reader()
{
	serve
	act write 1000 touch "$WORK/r1" await "$WORK/more" write 1000 touch "$WORK/r2" stay
	traced=$pid
	await test -e "$WORK/r1"
	first=$(find "$M/$pid/threads" -name '0*' | sort | head -n 1)
	start sh -c 'exec <"$1" && read -r _ && : >"$2" && kill -STOP $$' sh "$first" "$WORK/half"
	reader=$pid pid=$traced
	await test -e "$WORK/half"
	is "a reader stopped half-way: others may look" timeout 10 ls -l "$M/$pid/threads/$pid/subbuf"
	is "and take a snapshot" timeout 10 cp -r "$M/$pid/snapshot" "$WORK/other"
	isnt "a second reader is refused" timeout 10 cat "$first"
	has "for now" busy
	: >"$WORK/more"
	is "the program goes on" until_true 60 test -e "$WORK/r2"
	consumed=$(stat_of consumed)
	murder "$reader"
	await over "$reader"
	same "killed, it has consumed nothing" "$(stat_of consumed)" "$consumed"
	is "the sub-buffer is readable, whole" until_true 60 cp "$first" "$WORK/whole"
	same "all of it" "$(stat -c %s "$WORK/whole")" 4096
	exact "a reader stopped half-way" 2000
	row "a reader is stopped half-way through a sub-buffer, then killed" "1 sub-buffer" \
		"nothing is consumed; the next reader gets it whole" "$(stat -c %s "$WORK/whole") of 4096 bytes"
	calm "a stopped reader"
	murder "$pid"
	finished
}

stopped_program
stopped_reader
conclude
