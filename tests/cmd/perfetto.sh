#!/bin/sh
# SPDX-License-Identifier: MIT
# perfetto.sh - Perfetto itself reads what fasttrace export writes: its published .proto files know each
# field, and its importer finds the spans that fasttrace stats counts, nested, and no error.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
for engine in "$BUILD/perfetto" "$BUILD/../perfetto"; do
	[ ! -e "$engine/trace_processor.wasm" ] || break
done
for needed in "$engine/trace_processor.wasm" "$(command -v node)" "$(command -v protoc)"; do
	[ -e "$needed" ] || {
		echo "Perfetto's trace_processor, node or protoc is not installed: packaging/setup.sh check"
		exit 77
	}
done
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/helper_export.sh"

cd "$WORK"

names="SELECT DISTINCT 'thread', p.pid, p.name, t.tid, t.name FROM thread t JOIN process p USING (upid)
	JOIN thread_track USING (utid) WHERE t.name NOT LIKE '%overlapping' ORDER BY tid"
open="SELECT 'open', count(*) FROM slice WHERE dur = -1"
counters="SELECT 'counters', count(*) FROM counter"
errors="SELECT 'error', name, value FROM stats WHERE value > 0 AND severity != 'info'"
loose="SELECT 'loose', c.name, p.name FROM slice c JOIN slice p ON c.parent_id = p.id
	WHERE c.ts < p.ts OR p.dur >= 0 AND (c.dur < 0 OR c.ts + c.dur > p.ts + p.dur)"

spans() # of csv.stats: span NAME COUNT TOTAL
{
	python3 -c '
import csv
for row in csv.DictReader(open("csv.stats", newline="", encoding="utf-8")):
    if row["kind"] == "span" and row["count"] != "0":
        print("span", row["name"], row["count"], row["total_ns"], sep="\t")' | LC_ALL=C sort
}

imported() # TEXT SOURCE...: in the file FORMAT.found, too
{
	case_of=$1
	shift
	exported chrome "$@" >"$OUT.chrome" || :
	exported perfetto "$@" >"$OUT.perfetto" || :
	protoc --descriptor_set_in=published --decode=perfetto.protos.Trace <perfetto >decoded 2>"$ERR"
	same "$case_of: protoc decodes it" "$(cat "$ERR")" ""
	same "$case_of: and knows each field" "$(grep -E '^ *[0-9]+[: ]' decoded)" ""
	spans >want
	is "$case_of: there are spans" [ -s want ]
	# Instants have no duration either.
	closed="SELECT 'span', name, count(*), sum(dur) FROM slice WHERE dur >= 0 AND name IN
		($(cut -f 2 want | sed "s/.*/'&'/" | paste -sd ,)) GROUP BY name ORDER BY name"
	for format in perfetto chrome; do
		node "$here/helper_perfetto.mjs" "$engine" $format \
			"$closed" "$names" "$open" "$counters" "$errors" "$loose" >$format.found 2>"$ERR"
		grep ^span $format.found >found
		is "$case_of: $format: the spans of stats" cmp found want
		isnt "$case_of: $format: no error, and all nest" grep '^error\|^loose' $format.found
		same "$case_of: $format: open ones and counters" \
			"$(sed -n 's/^open	//p; s/^counters	//p' $format.found | paste -sd ' ')" \
			"$(cut -d ' ' -f 2,4 "$OUT.$format")"
	done
}

python3 "$here/helper_proto.py" "$engine/trace_processor.wasm" >published

served 100
imported "example server" "$server"
is "each request is a span" grep -q '^span	httpd:serve	100	' perfetto.found

"$BUILD/tests/cmd/spans" 3 &
pid=$!
wait "$pid" || :
imported "spans" "$pid"
fasttrace read --json "$pid" | sed 's/.*"comm":"\([^"]*\)","tid":\([0-9]*\).*/\2 \1/' | sort -nu |
	sed "s/\([0-9]*\) \(.*\)/thread	$pid	spans	\1	\2/" >want
for format in perfetto chrome; do
	grep ^thread $format.found >found
	is "$format: processes and threads have their names" cmp found want
done

FASTTRACE_MODE=block record "$FASTTRACE_DIR" -o all
until_true 20 test -e "$FASTTRACE_DIR/.lock"
FASTTRACE_MODE=block "$BUILD/tests/cmd/stats" 2 100 &
pid=$!
wait "$pid"
gone()
{
	! find "$FASTTRACE_DIR" -name "[!.]*-$pid-*" | grep -q .
}
until_true 20 gone
kill -INT "$recorder"
recorded record 0
imported "crossing" all/stats-*
twin all/stats-* twin
imported "processes of one pid" all/stats-* twin
conclude
