#!/bin/sh
# SPDX-License-Identifier: MIT
# kill.sh - SIGKILL at random instants; then every event that had returned is in the snapshot, but for
# those overwritten, which are the oldest. KILLS says how often.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

kills=${KILLS:-200} missing=0 complaints=0
i=0
while [ "$i" -lt "$kills" ]; do
	i=$((i + 1))
	rm -rf "$OUT" "$WORK/counts"
	fasttracefs --subbuf-size=16K --subbufs=4 "$M" -- "$program" write "$WORK/counts" 2 &
	pid=$!
	pids=$pid
	until_true 10 test -e "$M/$pid/state"
	sleep "0.0$(od -An -N1 -tu1 /dev/urandom | awk '{ printf "%02d", $1 % 50 }')"
	murder "$pid"
	[ "$(cat "$M/$pid/state")" = "killed 9" ] || count 'not ok' "state: $(cat "$M/$pid/state")"
	cp -r "$M/$pid/snapshot" "$OUT"
	events "$OUT" >"$WORK/text"
	silent || complaints=$((complaints + 1))
	ticks "$WORK/text" >"$WORK/ticks" || missing=$((missing + 1))
	"$program" counts "$WORK/counts" 2 >"$WORK/counted"
	# The last number read must be the last that had returned, or the one after it.
	join "$WORK/counted" "$WORK/ticks" -a 1 |
		awk '$2 > 0 && ($4 == "" || $4 + 1 < $2 || $4 > $2) { print; bad = 1 } END { exit bad }' ||
		missing=$((missing + 1))
	fusermount3 -u "$M"
done
same "$kills kills: babeltrace2 has no complaint" "$complaints" 0
same "$kills kills: no event that had returned is missing" "$missing" 0
row "program killed at a random instant under fasttracefs" "$kills kills" \
	"babeltrace2 reads every event that had returned and was not overwritten" \
	"$complaints complaints, $missing times one was missing"
conclude
