#!/bin/sh
# SPDX-License-Identifier: MIT
# export.sh - fasttrace export: what other tools are given is what fasttrace read says.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"

here=$(realpath "$(dirname "$0")")
cd "$WORK"

counts() # SOURCE: begins, ends, instants, counters of it, as read --count has them
{
	all=$(fasttrace read --count "$1")
	b=$(fasttrace read --count -e '*:?*begin,!odd:begin' "$1")
	e=$(fasttrace read --count -e '*:?*end' "$1")
	c=$(fasttrace read --count -e '*:?*counter' "$1")
	echo "$b $e $((all - b - e - c)) $c"
}

chrome() # SOURCE FILE: a valid one of all events; what it counts
{
	fasttrace read --json "$1" >lines
	fasttrace export --format=chrome "$1" -o "$2" 2>told || return
	python3 -m json.tool "$2" >/dev/null || return
	python3 "$here/helper_export.py" "$2" lines
}

perfetto() # SOURCE: the same of protobuf
{
	fasttrace read --json "$1" >lines
	fasttrace export --format=perfetto "$1" -o perfetto 2>told || return
	python3 "$here/helper_export.py" perfetto lines
}

table() # CSV LINES: its rows are the lines
{
	python3 - "$1" "$2" <<-'END'
		import csv, json, sys
		rows = list(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8")))
		lines = [json.loads(l) for l in open(sys.argv[2], encoding="utf-8")]
		assert rows and len(rows) == len(lines), f"{len(rows)} rows, {len(lines)} lines"
		for r, l in zip(rows, lines):
		    assert (r["time"], r["comm"], int(r["tid"]), r["event"]) == \
		        (l["time"], l["comm"], l["tid"], l["event"]), (r, l)
		    assert json.loads(r["fields"]) == dict(l.get("context", {}), **l["fields"]), (r, l)
	END
}

# A server that is killed.
mkdir www
echo hello >www/hello
"$BUILD/examples/httpd" -p 0 -d www >log 2>&1 &
server=$!
pids="$pids $server"
until_true 20 grep -q listening log
port=$(sed 's/.*://' log)
python3 - "$port" <<'END'
import sys, urllib.error, urllib.request
for i in range(200):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/{['hello', 'none'][i % 2]}").read()
    except urllib.error.HTTPError:
        pass
END
murder "$server"
same "httpd: chrome counts as read does" "$(chrome "$server" httpd.chrome)" "$(counts "$server")"
same "httpd: all requests" "$(grep -c '"httpd:request"' httpd.chrome)" 200
same "httpd: perfetto counts as well" "$(perfetto "$server")" "$(counts "$server")"
same "httpd: nothing is told" "$(cat told)" ""
fasttrace snapshot "$server" -o httpd.ctf 2>/dev/null
fasttrace export -f chrome httpd.ctf -o copied
is "of a trace the same as of a process" cmp httpd.chrome copied

# Spans, good and bad.
"$BUILD/tests/cmd/spans" 5 &
pid=$! spans=$!
wait "$pid" || :
same "spans: begins, ends, instants, counters" "$(counts "$pid")" "1005 1005 501 1000"
same "spans: an end for each begin but one, and none besides" \
	"$(chrome "$pid" spans.chrome)" "1005 1004 501 1000"
same "spans: what is left out is told" "$(cat told)" \
	"fasttrace export: 2 ends of spans are left out: their begins are not there, as they were before the first event, or lost
fasttrace export: 1 spans are ended by the end of one around them: expected the innermost to end first"
same "spans: the same in perfetto" "$(perfetto "$pid")" "1005 1004 501 1000"
same "an event called begin is an instant" "$(grep -c '"ph":"i".*"odd:begin"' spans.chrome)" 1
fasttrace export -f chrome -e 'odd:*' --tid="$pid" "$pid" 2>told |
	python3 -c 'import json, sys
print(len([e for e in json.load(sys.stdin)["traceEvents"] if e["ph"] != "M"]))' >chosen
same "what is asked for alone" "$(cat chosen)" 10

# All types.
record "$FASTTRACE_DIR" -o all
until_true 20 test -e "$FASTTRACE_DIR/.lock"
"$BUILD/tests/mount/limits" >/dev/null
"$BUILD/examples/events" >/dev/null
gone()
{
	! find "$FASTTRACE_DIR" -name "[!.]*-[0-9]*-*" | grep -qv -e "-$server-" -e "-$spans-"
}
until_true 20 gone
kill -INT "$recorder"
recorded "record" 0
for s in all/*; do
	same "types: chrome" "$(chrome "$s" types)" "$(counts "$s")"
	same "types: perfetto" "$(perfetto "$s")" "$(counts "$s")"
done

# Lines and tables.
for s in "$server" "$pid"; do
	fasttrace read --json "$s" >lines
	fasttrace export -f json "$s" -o - >exported
	is "json: the lines of read" cmp exported lines
	fasttrace export -f csv "$s" >csv.out
	is "csv: a table of the same" table csv.out lines
done

# Files: complete, or as they were.
echo before >file
says 2 "fasttrace export: --format=svg: expected one of chrome, json, csv, perfetto
Try 'fasttrace export --help'" export -f svg "$pid" -o file
says 2 "fasttrace export: --format is missing: expected one of chrome, json, csv, perfetto
Try 'fasttrace export --help'" export "$pid" -o file
says 2 "fasttrace export: SOURCE is missing: expected a trace or a process
Try 'fasttrace export --help'" export -f csv -o file
says 1 "fasttrace export: none/file: No such file or directory: expected the name of a file" \
	export -f csv "$pid" -o none/file
fasttrace export -f csv none -o file 2>"$ERR" && code=0 || code=$?
same "no source: exit status" "$code" 1
fasttrace export -f csv "$pid" >/dev/full 2>"$ERR" && code=0 || code=$?
same "a full disk: exit status" "$code" 1
has "is told" "standard output: No space left on device"
(
	trap '' XFSZ
	ulimit -f 8
	fasttrace export -f csv "$pid" -o file 2>"$ERR"
) && code=0 || code=$?
same "no room for all: exit status" "$code" 1
has "is told" "file: File too large"
same "and the file is as before" "$(cat file)" before
fasttrace export -f csv "$pid" -o file
is "another time it is complete" cmp file csv.out
fasttrace export -f csv "$pid" -o /dev/stdout | cat >piped
is "a pipe is written to" cmp piped csv.out
same "nothing is left behind" "$(find . -name 'file?*')" ""
conclude
