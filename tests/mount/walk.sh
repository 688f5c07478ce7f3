#!/bin/sh
# SPDX-License-Identifier: MIT
# walk.sh - who walks through the whole tree, and looks at all names, consumes nothing, switches
# nothing and waits for nobody.
# shellcheck disable=SC2012,SC2016,SC2317,SC2329 # ls is what users do; commands are for a shell of their own
. "$(dirname "$0")/lib.sh"

FASTTRACE_SUBBUF_SIZE=4096 FASTTRACE_SUBBUFS=8
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS M WORK
python=$(command -v /usr/bin/python3 || command -v python3)
export python
mkdir "$OUT"

# NAME COMMAND
WALKS='
find              find "$M" | wc -l
find-size         find "$M" -size +0c | wc -l
find-empty        find "$M" -empty | wc -l
find-newer        find "$M" -newer "$M/README" | wc -l
find-ls           find "$M" -ls | wc -l
find-access       find "$M" -readable -writable | wc -l
find-delete-none  find "$M" -name nothing -delete -print; echo 1
ls                ls -laR "$M" | wc -l
ls-color          ls -FR --color=always "$M" | wc -l
ls-inode          ls -Ris "$M" | wc -l
du                du -a "$M" | wc -l
du-bytes          du -ab "$M" | wc -l
stat              find "$M" -exec stat {} + | wc -l
stat-system       find "$M" -exec stat -f {} + | wc -l
open              find "$M" -type f ! -exec sh -c ": <\"\$1\"" sh {} \; -print; echo 1
open-write        find "$M" -type f -exec sh -c ": 2>/dev/null >>\"\$1\"" sh {} \; -print | wc -l
tar               tar -C "$M" -cf /dev/null . && echo 1
rsync             rsync -a --list-only "$M/" | wc -l
rsync-dry         rsync -an --out-format=%n "$M/" /nowhere | wc -l
cp-attributes     cp -r --attributes-only "$M" "$WORK/attributes" && chmod -R u+w "$WORK/attributes" && rm -r "$WORK/attributes" && echo 1
grep-r            grep -ra e "$M"/*/snapshot "$M"/*/events | wc -c
glob              set -- "$M"/* "$M"/*/* "$M"/*/*/* "$M"/*/*/*/* "$M"/*/*/*/*/*; echo $#
python            $python -ISc "import os, sys; print(sum(len([e.stat() for e in os.scandir(d)]) for d, _, _ in os.walk(sys.argv[1])))" "$M"
access            $python -ISc "import os, sys; print(sum(os.access(os.path.join(d, f), os.R_OK) for d, _, n in os.walk(sys.argv[1]) for f in n))" "$M"
completion        bash --norc -c "walk() { local f; for f in \$(compgen -f -- \"\$1/\"); do echo \$f; [ ! -d \$f ] || walk \$f; done; }; walk \"\$M\"" | wc -l
completion-part   bash --norc -c "cd \"\$M\"; for c in \"\" 1 */s */threads/ */threads/*/s */threads/*/subbuf/0; do compgen -f -- \$c; compgen -d -- \$c; compgen -G \"\$c*\"; done" | wc -l
'

# All that may have changed, but for what time changes.
state() # PID FILE
{
	for f in "$M/$1/stats" "$M/$1"/threads/*/stats "$M/$1/tracing_on" "$M/$1/events/enable" \
		"$M/$1/error_log" "$M/$1/mode" "$M/$1/subbuf_size" "$M/$1/subbufs"; do
		grep -v per_second "$f" || :
	done >"$2"
	ls -l --time-style=full-iso "$M/$1" "$M/$1"/threads/*/subbuf >>"$2"
}

# One that lives, one that is dead, and one whose reader waits.
serve
"$program" write "$WORK/counts" 2 500 &
dead=$!
wait "$dead"
start "$program" stay "$WORK/counts2" 1 10
waiting=$pid
until_true 10 test -d "$M/$waiting/events/test"
start cat "$M/$waiting/trace_pipe" >"$OUT/text"
reader=$pid
until_true 10 sh -c "[ \$(wc -l <'$OUT/text') = 10 ]"
start "$program" stay "$WORK/counts3" 2 500
live=$pid
until_true 10 grep -qx 'begun 1000' "$M/$live/stats"
for p in "$live" "$dead"; do
	state "$p" "$OUT/$p.before"
	cp -r "$M/$p/snapshot" "$OUT/$p.snapshot"
done
is "there is what is complete and what is not" sh -c "ls '$OUT'/*.snapshot | grep -q open"

printf %s "$WALKS" | grep . >"$WORK/walks"
while read -r name command <&3; do
	rm -f "$WORK/found"
	is "$name ends" timeout 30 sh -c "$command >'$WORK/found'"
	is "and finds something" sh -c "[ \$(cat '$WORK/found') -gt 0 ]"
	[ "$name" != completion ] || same "all that find does" "$(cat "$WORK/found")" \
		"$(find "$M" -mindepth 1 | wc -l)"
	for p in "$live" "$dead"; do
		state "$p" "$OUT/$p.after"
		is "it changes nothing" diff "$OUT/$p.before" "$OUT/$p.after"
		is "and what can be read is the same" diff -r "$M/$p/snapshot" "$OUT/$p.snapshot"
	done
done 3<"$WORK/walks"

is "who waits has waited on" kill -0 "$reader"
murder "$waiting"
is "until the end" wait "$reader"
same "with nothing more" "$(wc -l <"$OUT/text")" 10
unmount
conclude
