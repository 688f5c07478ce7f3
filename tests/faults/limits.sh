#!/bin/sh
# SPDX-License-Identifier: MIT
# limits.sh - out of descriptors, address space, processes, file size: the program and the daemon.
# shellcheck disable=SC2012,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

export FASTTRACE_SUBBUF_SIZE=16K FASTTRACE_SUBBUFS=32

# A program without descriptors, at its first event and at its end. LEFT: how many it has.
descriptors_program()
{
	serve
	lost=0 kept=0 tried=0
	for left in 0 1 2 3 4; do
		act nofile 100 hog leave "$left" write 3000 leave 20 write 3000 threads 1 hog \
			leave "$left" write 10 join 2>"$WORK/said"
		wait "$pid" && code=0 || code=$?
		tried=$((tried + 1))
		same "$left descriptors left: the program ends well" "$code" 0
		same "it is in the tree, and how it ended" "$(cat "$M/$pid/state")" "exited 0"
		exact "$left descriptors left" 6010
		lost=$((lost + $(stat_of lost_no_buffer)))
		read=$(read_back)
		same "what was not lost is read" $((read + $(stat_of lost_no_buffer))) 6010
		kept=$((kept + read))
	done
	row "a program has no descriptor left at its first event, a thread's, its end" \
		"$tried programs, $((lost + kept)) events" "lost events are counted; records when it can; stays in the tree" \
		"$lost lost and counted, $kept read"
	act nofile 0 write 3000 exit 3 2>"$WORK/said"
	wait "$pid" && code=0 || code=$?
	same "no descriptor may be open: its exit status is its own" "$code" 3
	calm "descriptors of a program"
	unmount
}

descriptors_program
conclude
