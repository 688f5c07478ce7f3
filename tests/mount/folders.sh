#!/bin/sh
# SPDX-License-Identifier: MIT
# folders.sh - tools that take a folder as a whole, and those that follow a file.
# shellcheck disable=SC2012,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

FASTTRACE_SUBBUF_SIZE=4096 FASTTRACE_SUBBUFS=8
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS
python=$(command -v /usr/bin/python3 || command -v python3)
mkdir "$OUT"
serve

# A snapshot, of a process that lives and has sub-buffers that are not complete. Each tool has its own.
start "$program" stay "$WORK/counts" 3 1000
until_true 10 sh -c "grep -qx 'begun 3000' '$M/$pid/stats'"
S=$M/$pid/snapshot
cp -r "$S" "$OUT/snapshot"
same "a snapshot has all files" "$(ls "$OUT/snapshot" | wc -l)" 7
is "diff -r" diff -r "$S" "$OUT/snapshot"
same "grep -r" "$(cd "$S" && grep -rac tick . | sort)" "$(cd "$OUT/snapshot" && grep -rac tick . | sort)"
same "grep -rl" "$(grep -rl test:tick "$S")" "$S/metadata"
is "cp -a" cp -a "$S" "$OUT/cp"
is "rsync -a" rsync -a "$S/" "$OUT/rsync"
same "rsync again has nothing to do" "$(rsync -a --out-format='again: %f' "$S/" "$OUT/rsync")" ""
is "tar" sh -c "tar -C '$S' -cf '$OUT/snapshot.tar' ."
is "tar again finds no difference" tar -C "$S" -df "$OUT/snapshot.tar"
mkdir "$OUT/tar"
is "what tar has" tar -C "$OUT/tar" -xf "$OUT/snapshot.tar"
is "Python's copytree" "$python" -ISc 'import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2])' \
	"$S" "$OUT/python"
is "find -exec cat" sh -c "find '$S' -type f ! -name metadata | sort | xargs cat >'$OUT/find'"
is "in their order" sh -c "cd '$OUT/snapshot' && cat [0-9]* | cmp - '$OUT/find'"
for copy in cp rsync tar python; do is "$copy has the same bytes" diff -r "$OUT/$copy" "$OUT/snapshot"; done
events "$OUT/snapshot" >"$WORK/wanted"
is "babeltrace2 reads a copy" silent
events "$S" >"$WORK/got"
is "and the folder itself" silent
is "the same" diff "$WORK/wanted" "$WORK/got"
same "all events" "$(grep -c test:tick: "$WORK/got")" 3000
same "nothing is consumed" "$(sed -n 's/^consumed //p' "$M/$pid/stats")" 0

# subbuf/ as a whole: each sub-buffer once, as the snapshot has it.
kill "$pid"
wait "$pid" || :
echo flush >"$M/$pid/control"
rm -rf "$OUT/snapshot"
cp -r "$S" "$OUT/snapshot"
takers='cp:cp -r FROM TO
tar:mkdir TO && tar -C FROM -cf - . | tar -C TO -xf -
rsync:rsync -a FROM/ TO'
for D in "$M/$pid"/threads/*/subbuf; do
	taker=${takers%%
*} takers=${takers#*
}
	thread=$(basename "${D%/subbuf}")
	to=$OUT/$thread
	names=$(ls "$D")
	command=$(echo "${taker#*:}" | sed "s|FROM|$D|g; s|TO|$to|g")
	is "${taker%%:*} of subbuf" sh -c "$command"
	same "has every name" "$(ls "$to")" "$names"
	is "and the bytes" sh -c "cat '$to'/* | cmp - '$OUT/snapshot/$thread'"
	same "nothing is left" "$(ls "$D")" ""
	same "each event is consumed once" "$(sed -n 's/^consumed //p' "$D/../stats")" 1000
done

# tail -f follows what consumes; when the program has ended, so does it.
lines() # FILE: more than 300
{
	[ "$(wc -l <"$1")" -gt 300 ]
}
bytes()
{
	[ "$(wc -c <"$1")" -gt 5000 ]
}
unmount
fasttracefs --switch-period=0.1 "$M"
for how in "trace_pipe lines" "stream bytes"; do
	start "$program" write "$WORK/counts" 1 0 500
	writer=$pid
	until_true 10 test -d "$M/$writer/events/test"
	F=$(find "$M/$writer" -name "${how% *}")
	: >"$OUT/tail"
	start tail -n +1 -f "$F" >"$OUT/tail" 2>"$WORK/said"
	is "tail -f ${F##*/} shows what comes" until_true 20 "${how#* }" "$OUT/tail"
	kill "$writer"
	wait "$writer" || :
	is "to the end" until_true 20 grep -qx 'readable 0' "$M/$writer/stats"
	same "all of it" "$(sed -n 's/^consumed //p' "$M/$writer/stats")" \
		"$("$program" counts "$WORK/counts" 1 | cut -d ' ' -f 2)"
	kill -KILL "$pid" 2>"$ERR" || : # it may have ended: it takes what has ended for truncated
	wait "$pid" || :
done
events=$(sed -n 's/^consumed //p' "$M/$writer/stats")
cat "$M/$writer/ctf-metadata" >"$OUT/metadata"
mkdir "$OUT/followed"
mv "$OUT/tail" "$OUT/metadata" "$OUT/followed"
events "$OUT/followed" >"$WORK/text"
is "a stream that was followed is a trace" silent
same "with all events" "$(grep -c test:tick: "$WORK/text")" "$events"
unmount
conclude
