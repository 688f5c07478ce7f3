#!/bin/sh
# SPDX-License-Identifier: MIT
# stream.sh - stream waits and ends; drain does not wait; readers that wait disturb nobody.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

# A slow writer's events do arrive: forced switches, five a second here.
fasttracefs --switch-period=0.2 "$M" -- "$program" write "$WORK/counts" 1 0 20000 &
pid=$!
pids=$pid
until_true 5 test -d "$M/$pid/threads"
S=$(echo "$M/$pid"/threads/*/stream)
start sh -c "timeout 10 head -c 1000 '$S' >/dev/null"
is "a slow writer's events arrive" wait "$pid"
is "poll says so, too" "$program" poll "$S" 5000
writer=${pids%% *}
murder "$writer"
cat "$S" >/dev/null
is "at its end it ends again" timeout 5 cat "$S"
unmount

# No switches, nothing delivered: readers wait.
fasttracefs --switch-period=0 "$M" -- "$program" write "$WORK/counts2" 7 0 20000 &
writer=$!
pids=$writer
until_true 5 sh -c "[ \$(ls '$M/$writer/threads' | wc -l) = 7 ]"
isnt "poll finds nothing" "$program" poll "$(ls -d "$M/$writer"/threads/*/stream | head -n 1)" 100
isnt "O_NONBLOCK does not wait" dd if="$(ls -d "$M/$writer"/threads/*/stream | head -n 1)" iflag=nonblock status=none
has "but says EAGAIN" "Resource temporarily unavailable"
is "drain ends at once" timeout 5 cat "$(ls -d "$M/$writer"/threads/*/drain | head -n 1)"
readers=
# shellcheck disable=SC2045,SC2086
for s in $(ls -d "$M/$writer"/threads/*/stream | head -n 6); do
	start cat "$s"
	readers="$readers $pid"
done >/dev/null
sleep 0.2
for r in $readers; do
	is "cat $r waits" grep -q '^State:.*[SD] ' "/proc/$r/status"
done
begin=$(date +%s%N)
for _ in 1 2 3 4 5 6 7 8 9 10; do stat "$M/$writer/state" >/dev/null; done
took=$((($(date +%s%N) - begin) / 1000))
is "ten stats do not wait for them: $took us in all" test "$took" -lt 1000000
# shellcheck disable=SC2086
set -- $readers
kill -KILL "$1"
is "a killed reader dies at once" until_true 1 sh -c "! kill -0 $1"
kill -STOP "$2"
kill -CONT "$2"
echo flush >"$M/$writer/control"
is "what a flush delivers wakes the others" until_true 5 sh -c \
	"awk '\$1 == \"consumed\" && \$2 > 0 { ok = 1 } END { exit !ok }' '$M/$writer'/threads/*/stats"
kill -KILL "$writer"
wait "$writer" || :
shift
for r; do is "cat $r ends with the writer" wait "$r"; done
same "no request waits" "$(cat "/sys/fs/fuse/connections/$(stat -c %d "$M")/waiting" 2>/dev/null || echo 0)" 0
unmount

# An event in flight: flush waits a little, then says EAGAIN; the event is delivered by itself.
serve
start "$program" flight
in_flight "$pid"
isnt "flush does not wait for ever" sh -c "timeout 5 env echo flush >'$M/$pid/control'"
has "but says EAGAIN" "Resource temporarily unavailable"
same "nothing is torn out" "$(ls "$M/$pid"/threads/*/subbuf | wc -l)" 0
kill -USR1 "$pid"
is "and then it is there by itself" until_true 5 sh -c "ls '$M/$pid'/threads/*/subbuf | grep -q ."
is "now flush is content" sh -c "env echo flush >'$M/$pid/control'"
mkdir "$OUT"
cat "$M/$pid"/threads/*/drain >"$OUT/stream"
cat "$M/$pid/ctf-metadata" >"$OUT/metadata"
events "$OUT" >"$WORK/text"
same "whole" "$(ticks "$WORK/text")" "0 0 1"
murder "$pid"
unmount
conclude
