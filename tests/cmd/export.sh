#!/bin/sh
# SPDX-License-Identifier: MIT
# export.sh - fasttrace export: what other tools are given is what fasttrace read says.
# shellcheck disable=SC2317,SC2329 # is and isnt call functions
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/helper_export.sh"

cd "$WORK"

both() # TEXT SOURCE WANT: one process, event by event, as read has them
{
	fasttrace read --json "$2" >lines
	same "$1: chrome" "$(exported chrome "$2")" "$3"
	same "$1: perfetto" "$(exported perfetto "$2")" "$3"
	rm lines
}

nested() # SOURCE: what helper_export.py prints if each end has its begin
{
	set -- "$(fasttrace read --count "$1")" "$(fasttrace read --count -e '*:?*begin' "$1")" \
		"$(fasttrace read --count -e '*:?*end' "$1")" \
		"$(fasttrace read --count -e '*:?*counter' "$1")"
	echo "$3 $(($2 - $3)) $(($1 - $2 - $3 - $4)) $4"
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
served 200
both httpd "$server" "$(nested "$server")"
same "httpd: all requests" "$(grep -c '"httpd:request"' chrome)" 200
same "httpd: nothing is told" "$(cat told)" ""
mv chrome httpd.chrome
fasttrace snapshot "$server" -o httpd.ctf 2>/dev/null
fasttrace export -f chrome httpd.ctf -o copied
is "of a trace the same as of a process" cmp httpd.chrome copied

# Spans, good and bad.
"$BUILD/tests/cmd/spans" 5 &
pid=$! spans=$!
wait "$pid" || :
both spans "$pid" "1004 1 504 1001"
same "spans: what is lone is told" "$(cat told)" \
	"fasttrace export: 1 begins or ends of spans have no other side, or events were lost between: they are instants"
same "an event called begin is an instant" "$(grep -c '"ph":"i".*"odd:begin"' chrome)" 1
fasttrace export -f chrome -e 'odd:*' --tid="$pid" "$pid" 2>told |
	python3 -c 'import json, sys
print(len([e for e in json.load(sys.stdin)["traceEvents"] if e["ph"] != "M"]))' >chosen
same "what is asked for alone" "$(cat chosen)" 10

# More than can be open: of 9000, 6144 are given up; then 3000 ends are more than there are begins.
"$BUILD/tests/cmd/spans" 0 9000 &
pid=$! deep=$!
wait "$pid" || :
rm -f lines
counted "deep" "$pid"
same "deep: spans, open ones, instants, counters" "$(cat a)" "2860 1 6292 1"
pid=$spans

# All types.
record "$FASTTRACE_DIR" -o all
until_true 20 test -e "$FASTTRACE_DIR/.lock"
"$BUILD/tests/mount/limits" >/dev/null
"$BUILD/examples/events" >/dev/null
gone()
{
	! find "$FASTTRACE_DIR" -name "[!.]*-[0-9]*-*" | grep -qv -e "-$server-" -e "-$spans-" -e "-$deep-"
}
until_true 20 gone
kill -INT "$recorder"
recorded "record" 0
for s in all/*; do
	both "types" "$s" "$(nested "$s")"
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
says 2 "fasttrace export: --format=svg: expected one of chrome, perfetto, json, csv, ctf
Try 'fasttrace export --help'" export -f svg "$pid" -o file
says 2 "fasttrace export: --format is missing: expected one of chrome, perfetto, json, csv, ctf
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
