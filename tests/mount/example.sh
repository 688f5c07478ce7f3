#!/bin/sh
# SPDX-License-Identifier: MIT
# example.sh - the example server and the collector: every request once, to the end of the process.
# shellcheck disable=SC2010,SC2012,SC2016,SC2317,SC2329 # ls is what users do; is and isnt call functions
. "$(dirname "$0")/lib.sh"

examples=$(dirname "$0")/../../examples
mkdir "$WORK/www"
echo hello >"$WORK/www/hello.txt"
FASTTRACE_SUBBUF_SIZE=4096
export FASTTRACE_SUBBUF_SIZE

fasttracefs --mode=block "$M" -- "$BUILD/examples/httpd" -p 0 -d "$WORK/www" -t 4 >"$WORK/port" &
server=$!
pids=$server
until_true 10 grep -q listening "$WORK/port"
port=$(sed 's/.*://' "$WORK/port")
until_true 5 test -d "$M/$server/threads"
start sh "$examples/collect.sh" "$M/$server" "$OUT"
collector=$pid
i=0
while [ "$i" -lt 50 ]; do
	i=$((i + 1))
	curl -s "http://127.0.0.1:$port/hello.txt?[1-20]" -o /dev/null
done
same "a file that is not there" "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/none")" 404
kill -KILL "$server"
wait "$server" || :
is "the collector ends by itself" wait "$collector"
same "the server was killed" "$(cat "$M/$server/state")" "killed 9"
events "$OUT" >"$WORK/text"
is "babeltrace2 has no complaint" silent
same "every request, once" "$(grep -c 'httpd:request:.*path = "hello.txt' "$WORK/text")" 1000
same "with its status" "$(grep 'httpd:request:' "$WORK/text" | grep -c 'status = 200')" 1000
same "and the one that failed" "$(grep 'httpd:request:' "$WORK/text" | grep -c 'status = 404')" 1
same "nothing was lost" "$(awk '$1 == "lost_full" { print $2 }' "$M/$server/stats")" 0
unmount
conclude
