#!/bin/sh
# SPDX-License-Identifier: MIT
# tracks.sh - the spans of fasttrace export are those of fasttrace stats, however they lie, and whatever
# is missing: as many of each name, as long, and on each track they nest.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/helper_export.sh"

cd "$WORK"

gone() # all that were recorded
{
	! find "$FASTTRACE_DIR" -name '[!.]*-[0-9]*-*' | grep -q .
}

# Nested, in itself, crossing; from one chunk to another.
FASTTRACE_MODE=block record "$FASTTRACE_DIR" -o chunks --max-size=16K
until_true 20 test -e "$FASTTRACE_DIR/.lock"
FASTTRACE_MODE=block "$BUILD/tests/cmd/stats" 3 300 &
pid=$!
wait "$pid"
until_true 20 gone
kill -INT "$recorder"
recorded record 0
chunk=$(echo chunks/*)
is "there are several chunks" test -d "$chunk/000002"
fasttrace read --json "$chunk" >lines
counted "chunks" "$chunk"
same "spans, open ones, instants, counters" "$(cat a)" "3612 6 906 0"
rm lines
same "crossing ones have a track of their own" "$(grep -c '"stats, overlapping"' chrome)" 3
same "and none is lost" "$(spans_of test:cross)" 900
fasttrace merge "$chunk" -o merged 2>"$ERR"
counted "of chunks one trace" merged
same "with as many" "$(spans_of test:cross)" 900

# Of one pid, at the same time.
twin merged twin
counted "processes of one pid" merged twin
same "each has its spans" "$(spans_of test:cross)" 1800
same "and is shown by itself" "$(grep -c process_name chrome)" 2
is "the second with its pid in its name" grep -q "\"stats ($pid)\"" chrome

# Losses.
export FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=2
for mode in discard overwrite; do
	export FASTTRACE_MODE=$mode
	serve
	start "$BUILD/tests/cmd/stats" 2 1000 >/dev/null
	wait "$pid"
	until_true 10 grep -q '^exited' "$M/$pid/state"
	cp -r "$M/$pid/snapshot" $mode
	unmount
	fasttrace read --json $mode >lines
	counted $mode $mode
	is "$mode: what is lone is told" [ -s told ]
	[ $mode = overwrite ] || is "$mode: some were lost on the way" grep -q lost_ lines
	rm lines
done

# Of another tracer, which does not say whose an event is, nor has a uuid.
mkdir others
python3 "$here/helper_traces.py" others
sed -i 's/name = bits;/name = "a:b:begin";/; s/name = choices;/name = "a:b:end";/' others/le/metadata
counted "foreign" others/le
is "there are spans of it" [ "$(spans_of a:b)" -gt 10 ]
counted "foreign and ours" others/le merged
conclude
