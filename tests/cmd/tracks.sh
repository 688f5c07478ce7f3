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

traced() # DIR ARG...: all of tests/cmd/stats.c, as it comes
{
	rm -f "$FASTTRACE_DIR/.lock" # of the one before
	record "$FASTTRACE_DIR" -o "$1" --max-size="${chunks-16K}"
	until_true 20 test -e "$FASTTRACE_DIR/.lock"
	shift
	"$BUILD/tests/cmd/stats" "$@" &
	pid=$!
	wait "$pid"
	until_true 20 gone
	kill -INT "$recorder"
	recorded record 0
}

# Nested, in itself, crossing; from one chunk to another.
export FASTTRACE_MODE=block
traced chunks 3 300
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

# Losses, at any place.
export FASTTRACE_SUBBUF_SIZE=4K FASTTRACE_SUBBUFS=2 FASTTRACE_MODE=discard
traced discard 2 20000
fasttrace read --json discard/* >lines
counted "losses" discard/*
is "there are some" grep -q lost_ lines
is "spans were open there" grep -q '"name":"test:phase:begin"' chrome
is "and others not" [ "$(spans_of test:inner)" -gt 100 ]
is "it is told" grep -q 'events were lost between' told
rm lines

# Of another tracer, which does not say whose an event is, nor has a uuid.
mkdir others
python3 "$here/helper_traces.py" others
sed -i 's/name = bits;/name = "a:b:begin";/; s/name = choices;/name = "a:b:end";/' others/le/metadata
counted "foreign" others/le
is "there are spans of it" [ "$(spans_of a:b)" -gt 10 ]
counted "foreign and ours" others/le merged

# Names that are no words.
python3 - others/le/metadata <<'END'
import sys
text = open(sys.argv[1], "rb").read()
open(sys.argv[1], "wb").write(text.replace(b'"a:b:', b'"a\\"\\\\,\x01\xff\\n:b\\t\xc3:'))
END
counted "odd names" others/le
fasttrace export -f csv others/le -o table
is "and in a table" python3 -c '
import csv
names = {row["event"] for row in csv.DictReader(open("table", newline="", encoding="utf-8"))}
assert "a\"\\,\x01\ufffd\n:b\t\ufffd:begin" in names, names'

# Ctrl-C, in a trace that is long by being named often.
chunks=1G FASTTRACE_SUBBUF_SIZE=64K FASTTRACE_SUBBUFS=8 FASTTRACE_MODE=block
traced long 2 20000
echo before >file
for command in "stats" "export -f chrome -o file" "export -f perfetto -o file" "export -f ctf -o dir" "merge -o dir"; do
	# shellcheck disable=SC2046,SC2086 # words
	fasttrace $command $(yes "$(echo long/*)" | head -n 300) >interrupted 2>"$ERR" &
	running=$!
	sleep 0.15
	kill -INT "$running" || :
	wait "$running" && code=0 || code=$?
	same "$command, interrupted: exit status" "$code" 130
done
same "the file is as it was" "$(cat file)" before
isnt "and no folder is made" test -e dir
same "nor is anything left behind" "$(find . -name 'file?*' -o -name '.dir*')" ""
conclude
