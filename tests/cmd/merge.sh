#!/bin/sh
# SPDX-License-Identifier: MIT
# merge.sh - fasttrace merge, cut and export --format=ctf: new traces that babeltrace2 opens, with the events of the old ones.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

here=$(realpath "$(dirname "$0")")
FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=16
export FASTTRACE_SUBBUF_SIZE FASTTRACE_SUBBUFS
cd "$WORK"

shown() # DIR...: the lines of babeltrace2
{
	babeltrace2 --clock-seconds "$@" 2>"$ERR" | sort
}

text() # ARG...: the lines of read, but for losses
{
	fasttrace read "$@" | grep -v ' LOST ' | sort
}

spans() # a process of them, which is killed; $pid
{
	"$BUILD/tests/cmd/spans" 3 &
	pid=$!
	wait "$pid" 2>/dev/null || :
}

headers() # DIR...: their packets say when the first event is, and follow one another
{
	python3 - "$@" <<-'END'
		import pathlib, struct, sys
		for path in (p for d in sys.argv[1:] for p in pathlib.Path(d).iterdir() if p.name != "metadata"):
		    data, at = path.read_bytes(), 0
		    while at < len(data):
		        magic, begin, end, content, size = struct.unpack_from("<I28xQQQQ", data, at)
		        assert magic == 0xC1FC1FC1 and size % 64 == 0 and content <= size and begin <= end
		        if content > 88 * 8:
		            first, = struct.unpack_from("<Q", data, at + 88)
		            assert first >> 16 == begin & 0xFFFFFFFFFFFF <= end & 0xFFFFFFFFFFFF, path
		        at += size // 8
		    assert at == len(data)
	END
}

time_of() # FILE NTH: of a line of read
{
	sed -n "$2s/.* \([0-9]*\.[0-9]*\): .*/\1/p" "$1"
}

# Processes.
spans
first=$pid
spans
fasttrace merge "$first" "$pid" -o both 2>told
same "two processes are told of" "$(grep -c '^both: .* packets, .* bytes, 2 traces$' told)" 1
same "each has its folder" "$(echo both/spans-*/metadata)" \
	"$(printf '%s\n' "both/spans-$first/metadata" "both/spans-$pid/metadata" | sort | tr '\n' ' ' | sed 's/ $//')"
text "$first" "$pid" >want
text both >found
is "all events are there" test -s want
is "and no others" cmp want found
same "babeltrace2 sees as many" "$(shown both | wc -l)" "$(wc -l <want)"
same "and has no complaint" "$(cat "$ERR")" ""
fasttrace merge both -o again 2>"$ERR"
is "merged again it is the same" diff -r both again

# Chunks of one recording are one trace.
record "$FASTTRACE_DIR" -o chunks --max-size=16K
until_true 20 test -e "$FASTTRACE_DIR/.lock"
spans
all_recorded()
{
	chunk=$(find chunks -maxdepth 1 -name "*$pid*")
	[ "$(fasttrace read --count "$chunk" 2>"$ERR" || :)" = 2114 ]
}
until_true 20 all_recorded
kill -INT "$recorder"
recorded "record" 0
is "there are several chunks" test -d "$chunk/000002"
fasttrace merge "$chunk" -o one 2>told
same "chunks become one trace" "$(grep -c ', 1 trace$' told)" 1
is "in the folder itself" test -e one/metadata
text "$chunk" >want
text one >found
is "chunks: the same events" cmp want found
shown "$chunk" >want
shown one >found
is "chunks: babeltrace2 says the same" cmp want found
same "chunks: and has no complaint" "$(cat "$ERR")" ""

# Cut anywhere.
fasttrace read one >all
lines=$(wc -l <all)
k=0
for begin in 1 2 $((lines / 7)) $((lines / 3)) $((lines / 2)) $((lines - 1)); do
	for end in "$begin" $((begin + 1)) $((begin + 100)) "$lines"; do
		[ "$end" -le "$lines" ] || continue
		from=$(time_of all "$begin") to=$(time_of all "$end")
		k=$((k + 1))
		fasttrace cut --from="$from" --to="$to" one -o "cut$k" 2>"$ERR"
		text --from="$from" --to="$to" one >want
		text "cut$k" >found
		same "from $begin to $end of $lines: the same events" "$(md5sum <found)" "$(md5sum <want)"
		same "babeltrace2 sees as many" "$(shown "cut$k" | wc -l)" "$(wc -l <want)"
		same "and has no complaint" "$(cat "$ERR")" ""
	done
done
is "packets say what is in them" headers cut[0-9]*
is "there were enough cuts" [ "$k" -gt 15 ]
fasttrace cut --last=1h one -o cut 2>"$ERR"
is "to cut nothing off is to merge" diff -r one cut
fasttrace cut --to=1 one -o none 2>"$ERR" && code=0 || code=$?
same "no event of that time: exit status" "$code" 1
has "is told" "none: no event is left: it is not made"
isnt "and nothing is made" test -e none

# Any events, chosen from any packets.
exported() # NAME ARG...: what passes, no more and no less
{
	name=$1
	shift
	fasttrace export -f ctf "$@" "$source" -o "$name" 2>told
	fasttrace read "$@" "$source" | sort >want
	fasttrace read "$name" | sort >found
	is "$*: there are some" [ -s want ]
	is "$*: the same events, and no losses besides" cmp found want
	same "babeltrace2 sees as many" "$(shown "$name" | wc -l)" "$(grep -vc ' LOST ' want)"
	same "and has no complaint" "$(cat "$ERR")" ""
}
source=one
exported x1 -e 'work:step'
exported x2 -e 'odd:*'
exported x3 --where 'i = 57 || half > 40'
exported x4 --from="$(time_of all $((lines / 4)))" --to="$(time_of all $((lines / 2)))" -e '*:?*end'
exported x5 --tid="$pid"
source=$chunk
exported x6 -e 'work:outer?begin' -w 'i > 90 || i < 3'
is "packets say what is in them" headers x[1-5]
fasttrace merge one -o merged 2>"$ERR"
fasttrace export -f ctf one -o x0 2>"$ERR"
is "of all events it is a merge" diff -r merged x0
fasttrace export -f ctf -e 'no:such' one -o none 2>"$ERR" && code=0 || code=$?
same "no such event: exit status" "$code" 1
has "is told" "none: no event is left: it is not made"
says 2 "fasttrace export: --format=ctf: expected -o DIR, a folder to be made
Try 'fasttrace export --help'" export -f ctf one

# Of other tracers: whole packets.
mkdir others
python3 "$here/helper_traces.py" others
for t in others/*; do
	fasttrace merge "$t" -o "merged-${t##*/}" 2>"$ERR"
	text "$t" >want
	text "merged-${t##*/}" >found
	is "${t##*/}: the same events" cmp want found
	shown "$t" >want
	shown "merged-${t##*/}" >found
	is "${t##*/}: babeltrace2 says the same" cmp want found
	fasttrace read "$t" | grep -v ' LOST ' >all
	from=$(time_of all $(($(wc -l <all) / 2)))
	fasttrace cut --from="$from" "$t" -o "cut-${t##*/}" 2>told
	text --from="$from" "$t" >want
	text --from="$from" "cut-${t##*/}" >found
	is "${t##*/}: cut: the same events" cmp want found
	fasttrace export -f ctf -e '*' "$t" -o none 2>"$ERR" && code=0 || code=$?
	same "${t##*/}: export with --event: exit status" "$code" 1
	has "is told" "is of another tracer, of which packets are copied whole"
	isnt "and nothing is made" test -e none
	babeltrace2 "cut-${t##*/}" 2>"$ERR" >/dev/null
	same "${t##*/}: babeltrace2 has no complaint" "$(grep -v discarded "$ERR" || :)" ""
done

# What is wrong.
for c in merge cut; do
	says 2 "fasttrace $c: SOURCE is missing: expected a trace or a process
Try 'fasttrace $c --help'" $c -o x
	says 2 "fasttrace $c: --output is missing: expected -o DIR, a folder to be made
Try 'fasttrace $c --help'" $c one
done
says 2 "fasttrace cut: which time is missing: expected --from, --to or --last
Try 'fasttrace cut --help'" cut one -o x
says 1 "fasttrace merge: both: exists: expected the name of a folder to be made" merge one -o both
cp -r one broken
stream=$(find broken -type f ! -name metadata | sort | tail -n 1) # no other goes on with its thread
truncate -s -5 "$stream"
fasttrace merge broken -o rest 2>"$ERR" && code=0 || code=$?
same "a packet that is cut off: exit status" "$code" 1
has "is told" "${stream##*/}: byte "
text rest >found
is "the rest is there" [ -s found ]
shown rest >found
same "and babeltrace2 opens it" "$(cat "$ERR")" ""
(
	trap '' XFSZ
	ulimit -f 8
	fasttrace merge one -o full 2>"$ERR"
) && code=0 || code=$?
same "no room for all: exit status" "$code" 1
has "is told" "File too large"
same "nothing is left behind" "$(find . -name '.?*')" ""
isnt "nor made" test -e full
conclude
