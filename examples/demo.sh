#!/bin/sh
# SPDX-License-Identifier: MIT
# demo.sh - a web server is killed under load; its last requests are read with cat and cp.
#
# Run by `make demo`. Leaves nothing behind: mount, processes and files go when it ends.
set -eu

cd "$(dirname "$0")/.."
build=$(cd "${BUILD:-build}" && pwd)
PATH=$build:$build/examples:$PATH

tmp=$(mktemp -d)
arenas=$(mktemp -d /dev/shm/fasttrace-demo.XXXXXX)
M=$tmp/m OUT=$tmp/trace server='' load=''

# Reached by the traps.
# shellcheck disable=SC2317,SC2329
cleanup()
{
	status=$?
	trap - EXIT
	[ -z "$load" ] || kill "$load" 2>/dev/null || :
	[ -z "$server" ] || kill -KILL "$server" 2>/dev/null || :
	fusermount3 -uq "$M" || fusermount3 -uzq "$M" || :
	chmod -R u+w "$tmp" # the snapshot's folder is read-only, and so is its copy
	rm -rf "$tmp" "$arenas"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say()
{
	printf '\n# %s\n' "$@"
}

# Prints a command as you would type it, then runs it.
run()
{
	printf '$ %s\n' "$1"
	eval "$1"
}

fail()
{
	echo "demo: $*" >&2
	exit 1
}

# Waits until a command succeeds, 10 s at most.
await()
{
	tries=0
	until eval "$1" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || fail "waited in vain for: $1"
		sleep 0.1
	done
}

mkdir "$M" "$tmp/www"
for page in index about news; do
	echo "<h1>$page</h1>" >"$tmp/www/$page.html"
done
export FASTTRACE_DIR="$arenas" # a private place for what it records

say "Start a web server under fasttracefs: the mount comes first, then the program runs as itself."
printf '$ %s\n' "fasttracefs $M -- httpd -p 0 -d $tmp/www &"
fasttracefs "$M" -- httpd -p 0 -d "$tmp/www" >"$tmp/log" &
server=$!
await "grep -q listening '$tmp/log'"
await "test -e '$M/$server/state'"
cat "$tmp/log"
url=http://$(sed 's/listening on //' "$tmp/log")

say "It has a folder, as in /proc. All its events so far are in shared memory, on no disk."
run "ls $M $M/$server"
run "cat $M/$server/state"

say "Put requests on it, a few of them for pages that do not exist ..."
awk -v url="$url" 'BEGIN {
	split("index.html about.html news.html missing.html", page, " ")
	for (i = 0; i < 200000; i++)
		printf "url = %s/%s?n=%d\noutput = /dev/null\n", url, page[i % 4 + 1], i
}' >"$tmp/requests"
run "head -n 4 $tmp/requests"
printf '$ %s\n' "curl --parallel --parallel-max 8 --config $tmp/requests &"
curl --parallel --parallel-max 8 --config "$tmp/requests" 2>/dev/null &
load=$!
sleep 2

say "... and in the middle of them, the worst of ends: it cannot run one more instruction."
run "kill -KILL $server"
wait "$server" 2>/dev/null || :
kill "$load" 2>/dev/null || :
wait "$load" 2>/dev/null || :
load=
await "! grep -q running '$M/$server/state'"

say "The mount is still there, and so is what the program saw."
run "cat $M/$server/state"
server_dir=$M/$server
server=
run "cat $server_dir/stats"

say "Close the sub-buffers that it was writing when it died; each thread has its own."
run "echo flush > $server_dir/control"
run "ls $server_dir/threads/*/subbuf"

say "Copy everything as a trace. The folder is a complete one: metadata and a file per thread."
run "cp -r $server_dir/snapshot $OUT"
run "ls -l $OUT"

say "Its last requests, to the very last one that it answered."
babeltrace2 "$OUT" >"$tmp/text" 2>"$tmp/errors" || fail "babeltrace2: $(cat "$tmp/errors")"
run "babeltrace2 $OUT | grep httpd:request | tail -n 10"
requests=$(grep -c httpd:request "$tmp/text") || fail "the trace has no requests"

say "Unmount. The daemon goes. What a killed program left stays, until it is removed or memory is short."
run "fusermount3 -u $M"
printf '\ndemo: %s requests read after the death of the program that served them.\n' "$requests"
