#!/bin/sh
# SPDX-License-Identifier: MIT
# subbuf.sh - reading a sub-buffer file is get, swap and put; once, whole, in any order.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

FASTTRACE_SUBBUF_SIZE=4096
export FASTTRACE_SUBBUF_SIZE
serve

start "$program" stay "$WORK/counts" 3 500
until_true 5 sh -c "grep -qx '[0-9]* 500' <<-X
	\$('$program' counts '$WORK/counts' 3 | tail -n 1)
	X"
sleep 0.1
P=$M/$pid
is "flush" sh -c "echo flush >'$P/control'"
mkdir "$OUT"
for t in "$P"/threads/*; do cat "$t"/subbuf/* >"$OUT/${t##*/}"; done
cat "$P/ctf-metadata" >"$OUT/metadata"
events "$OUT" >"$WORK/text"
is "babeltrace2 reads what was collected" silent
same "every event once" "$(ticks "$WORK/text")" "0 0 499
1 0 499
2 0 499"
same "all of them" "$(grep -c test:tick "$WORK/text")" 1500
same "a second cat finds nothing" "$(ls "$P"/threads/*/subbuf | grep -c '^0')" 0
same "counts say so" "$(awk '$1 == "begun" || $1 == "consumed" { print $2 }' "$P/stats" | uniq)" 1500
kill "$pid"
wait "$pid" || :

# Half-read, any order, removed.
start "$program" stay "$WORK/counts2" 1 2000
until_true 5 test -e "$M/$pid/threads"
sleep 0.2
echo flush >"$M/$pid/control"
D=$(echo "$M/$pid"/threads/*/subbuf)
first=$(ls "$D" | head -n 1) last=$(ls "$D" | tail -n 1)
size=$(stat -c %s "$D/$first")
dd if="$D/$first" of="$WORK/half" bs=100 count=3 2>/dev/null
is "a half-read name is still there" test -e "$D/$first"
same "with the same size" "$(stat -c %s "$D/$first")" "$size"
cp "$D/$first" "$WORK/whole"
same "and is read whole" "$(stat -c %s "$WORK/whole")" "$size"
is "from its first byte" sh -c "head -c 300 '$WORK/whole' | cmp - '$WORK/half'"
isnt "then it is gone" test -e "$D/$first"
isnt "and cannot be opened" cat "$D/$first"
cp "$D/$last" "$WORK/last"
isnt "the last may be taken first" test -e "$D/$last"
second=$(ls "$D" | head -n 1)
rm "$D/$second"
isnt "rm consumes" test -e "$D/$second"
left=$(ls "$D" | wc -l)
tar -cf "$WORK/t.tar" -C "$D" .
same "tar takes the rest" "$(tar -tf "$WORK/t.tar" | grep -c '/0')" "$left"
same "and nothing is left" "$(ls "$D" | wc -l)" 0
is "counts add up" awk '
	$1 == "begun" { b = $2 } $1 == "consumed" || $1 == "overwritten" || $1 == "readable" { s += $2 }
	END { exit !(b == 2000 && b == s) }' "$M/$pid/stats"

# Two consumers.
start "$program" stay "$WORK/counts3" 1 2000
until_true 5 test -e "$M/$pid/threads"
sleep 0.2
D=$(echo "$M/$pid"/threads/*/subbuf)
# Builtins only: a child that ends would close the file, and give the sub-buffer back.
# shellcheck disable=SC2016
start sh -c 'exec <"$1" && read -r _ && : >"$2" && until [ -e "$3" ]; do :; done' sh \
	"$D/$(ls "$D" | head -n 1)" "$WORK/taken" "$WORK/done"
until_true 5 test -e "$WORK/taken"
isnt "a second consumer is refused" cat "$D/$(ls "$D" | tail -n 1)"
has "with EBUSY" "Device or resource busy"
: >"$WORK/done"
wait "$pid" || :
is "until the first lets go" cat "$D/$(ls "$D" | tail -n 1)"

unmount
conclude
