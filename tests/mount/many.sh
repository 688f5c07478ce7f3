#!/bin/sh
# SPDX-License-Identifier: MIT
# many.sh - 200 processes with 8 threads each: listing them costs as much for each as for a few; a
# process is there at once; and a daemon that nobody asks anything does nothing.
# shellcheck disable=SC2012,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

MANY=200 FEW=20 THREADS=8 IDLE_SECONDS=5
FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=2
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS

now_us()
{
	echo $(($(date +%s%N) / 1000))
}

best_us() # COMMAND...: of five times
{
	best=
	for _ in 1 2 3 4 5; do
		began=$(now_us)
		"$@" >/dev/null
		took=$(($(now_us) - began))
		[ -n "$best" ] && [ "$best" -le "$took" ] || best=$took
	done
	echo "$best"
}

threads() # FOLDER...: of processes
{
	for p; do ls "$p/threads"; done | wc -l
}

all_there()
{
	[ "$(threads "$M"/[0-9]*)" -eq $((MANY * THREADS)) ]
}

switches() # of the daemon, to other processes
{
	sed -n 's/.*ctxt_switches:\t//p' /proc/"$(daemon_pid)"/task/*/status | tr '\n' ' '
}

serve
for i in $(seq "$MANY"); do start "$program" stay "$WORK/counts.$i" "$THREADS" 1; done
is "$MANY processes with $THREADS threads each are listed" until_true 60 all_there

# shellcheck disable=SC2046,SC2010 # numbers only
few=$(best_us ls $(printf "$M/%s/threads " $(ls "$M" | grep '^[0-9]' | head -n "$FEW")))
many=$(best_us ls "$M"/*/threads)
is "listing $MANY takes no more for each than listing $FEW ($many us, $few us)" \
	[ "$many" -le $((3 * few * MANY / FEW)) ]
row "$MANY processes with $THREADS threads each are listed" "best of 5" "in less than 100 ms" \
	"$((many / 1000)) ms with ls"

before=$(switches)
sleep "$IDLE_SECONDS"
same "the daemon did nothing for $IDLE_SECONDS s" "$(switches)" "$before"

# What the process itself needs before its first event is in it.
worst=0
for i in $(seq 20); do
	began=$(now_us)
	start "$program" stay "$WORK/new.$i" 1 1
	until [ -d "$M/$pid/threads/$pid" ] || [ "$(threads "$M/$pid" 2>/dev/null)" = 1 ]; do :; done
	took=$(($(now_us) - began))
	[ "$took" -le "$worst" ] || worst=$took
done
row "a process begins while $MANY are there" "20 processes" "seen within 50 ms of its first event" \
	"$((worst / 1000)) ms after its start, at most"
unmount
conclude
