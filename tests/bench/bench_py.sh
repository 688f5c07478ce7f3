#!/bin/sh
# SPDX-License-Identifier: MIT
# bench_py.sh - what bench.py makes of figures: ratios round by round, targets, what is missing, figures that
# fail; and that neither one that leaves a process behind nor an interrupt leaves anything.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/../mount/lib.sh"

bench=$(dirname "$0")/bench.py
BENCH_FIGURES=$WORK/figures
TMPDIR=$WORK/tmp
export BENCH_FIGURES TMPDIR
mkdir "$BENCH_FIGURES" "$TMPDIR"

figure() # NAME < SCRIPT
{
	{
		echo '#!/bin/sh'
		cat
	} >"$BENCH_FIGURES/$1.sh"
	chmod +x "$BENCH_FIGURES/$1.sh"
}

bench() # STATUS ARG...
{
	want=$1
	shift
	"$bench" "$@" >"$ERR" 2>&1 && code=0 || code=$?
	same "bench.py $*: exit status" "$code" "$want"
}

line() # the table's line with these words, its white space squeezed
{
	tr -s ' ' <"$ERR" | grep -F "$1" || :
}

gone() # PID: no such process, or one that nobody has waited for
{
	! grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status" 2>/dev/null
}

none() # PATH...: exists
{
	for path; do [ ! -e "$path" ] || return 1; done
}

figure event <<'EOF'
echo '{"figure": "event", "case": "4 integers", "subject": "lttng", "unit": "ns", "values": [100, 40, 80]}'
echo '{"figure": "event", "case": "4 integers", "subject": "fasttrace", "unit": "ns", "values": [10, 8, 12]}'
echo '{"figure": "event", "case": "one u64", "subject": "fasttrace", "unit": "ns", "values": [12]}'
echo '{"figure": "event", "case": "one u64", "subject": "floor", "unit": "ns", "values": [10, 10]}'
echo '{"figure": "event", "case": "one u64", "subject": "dpdk", "missing": "there is none"}'
echo '{"figure": "start", "case": "program", "subject": "fasttrace", "unit": "us", "values": [1900]}'
echo '{"figure": "start", "case": "program", "subject": "none", "unit": "us", "values": [1000]}'
echo '{"figure": "cat", "case": "c", "subject": "fasttrace", "unit": "GB/s", "values": [1]}'
echo '{"figure": "cat", "case": "c", "subject": "tmpfs", "unit": "GB/s", "values": [0]}'
[ -d "$TMPDIR" ] && [ -d "$FASTTRACE_DIR" ] && [ -d "$BUILD" ]
EOF
bench 0 --json "$WORK/json" --svg "$WORK/svg"
same "ours comes first" "$(line '4 integers')" "event 4 integers fasttrace 10.00 8.00 12.00 ns"
same "the median of ratios, and a target" "$(line ' lttng 80')" \
	" lttng 80.00 40.00 100 ns 0.15 <= 0.167 met"
same "one that is missed" "$(line floor)" " floor 10.00 10.00 10.00 ns 1.20 <= 1.15 MISSED"
same "one that is missing" "$(line ' dpdk -')" " dpdk - there is none"
same "a difference" "$(line ' none 1,000')" " none 1,000 1,000 1,000 us 1.90 <= +1,000 met"
same "a target that is no ratio" "$(line 'GB/s')" "cat c fasttrace 1.00 1.00 1.00 GB/s >= 2.00 MISSED
 tmpfs 0 0 0 GB/s >= 0.5 -"
is "JSON says so" python3 -c 'import json, sys
rows = json.load(open(sys.argv[1]))["rows"]
assert [r["met"] for r in rows if "met" in r] == [True, False, True, False, None], rows
assert [r["missing"] for r in rows if "missing" in r] == ["there is none"], rows' "$WORK/json"
is "the picture is XML with eight bars" python3 -c 'import sys, xml.dom.minidom
assert len(xml.dom.minidom.parse(sys.argv[1]).getElementsByTagName("path")) == 8' "$WORK/svg"
bench 1 --strict
bench 2 --only nothing

figure fails <<'EOF'
echo '{"figure": "fails", "case": "c", "subject": "fasttrace", "unit": "ns", "values": [1]}'
exit 3
EOF
bench 1 --only fails
has "a figure that fails is named" "fails: exit status 3"
figure empty </dev/null
bench 1 --only empty
figure leaves <<EOF
setsid sleep 100 >/dev/null & echo \$! >"$WORK/left"
touch "\$TMPDIR/file" "\$FASTTRACE_DIR/file"
echo "\$TMPDIR \$FASTTRACE_DIR" >"$WORK/folders"
echo '{"figure": "leaves", "case": "c", "subject": "fasttrace", "unit": "ns", "values": [1]}'
[ ! -e "$WORK/wait" ] || sleep 100
EOF
clean() # TEXT
{
	is "$1: no process is left" gone "$(cat "$WORK/left")"
	# shellcheck disable=SC2046 # words
	is "$1: no folder is left" none $(cat "$WORK/folders")
	rm "$WORK/left"
}
bench 0 --only leaves
has "who is left behind is named" "leaves: sleep, process"
clean "a figure ends"
touch "$WORK/wait"
for status in 130 143; do
	sign=$(kill -l $((status - 128)))
	start python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler) # a shell ignores it for what is in the background
os.execv(sys.argv[1], sys.argv[1:])' "$bench" --only leaves
	until_true 20 grep -q . "$WORK/left"
	kill "-$sign" "$pid"
	wait "$pid" && code=0 || code=$?
	same "SIG$sign: exit status" "$code" "$status"
	clean "SIG$sign"
done
conclude
