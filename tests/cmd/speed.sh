#!/bin/sh
# SPDX-License-Identifier: MIT
# speed.sh - fasttrace read takes a fifth of babeltrace2's time at most: a tenth where nothing else runs.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

here=$(dirname "$0")
export FASTTRACE_MODE=block

for threads in 1 64; do
	each=$((320000 / threads))
	begin write "$threads" "$each"
	program=$pid
	record "$program" -o "$OUT$threads"
	until_true 20 reading "$OUT$threads"
	tell "$program"
	wait "$program"
	recorded "$threads threads" 0
	same "$threads threads: all is there" "$(fasttrace read --count --event='*:tick' "$OUT$threads")" \
		$((each * threads))
	is "$threads threads: fast" python3 "$here/helper_speed.py" "$BUILD/fasttrace" "$OUT$threads" 5
	sed 's/^/# /' "$ERR"
done
conclude
