# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# helper_export.sh - what tests of fasttrace export share.
#
#   exported FORMAT SOURCE...   what helper_export.py prints of all events; JSON is valid by its schema.
#                               With a file `lines`, each event is compared with it
#   counted TEXT SOURCE...      as many spans in both formats as stats counts, and there are some
#   spans_of NAME               how many stats has counted
#   twin TRACE NEW              the same trace of another process of the same pid
#   served REQUESTS             the example server does them, half of which fail, and is killed: $server
here=$(realpath "$(dirname "$0")")

exported()
{
	format=$1
	shift
	fasttrace stats --csv "$@" >csv.stats
	fasttrace export --format="$format" "$@" -o "$format" 2>told || return
	[ "$format" = perfetto ] || jsonschema -i "$format" "$here/trace-event.json" 2>invalid || return
	if [ -s lines ]; then set -- lines; else set --; fi
	python3 "$here/helper_export.py" "$format" csv.stats "$@"
}

counted()
{
	case_of=$1
	shift
	exported chrome "$@" >a || :
	exported perfetto "$@" >b || :
	is "$case_of: there are spans, as stats counts them" grep -q '^[1-9]' a
	same "$case_of: perfetto has what chrome has" "$(cat b)" "$(cat a)"
}

spans_of()
{
	sed -n "s/^span,\"$1\",\([0-9]*\),.*/\1/p" csv.stats
}

twin()
{
	python3 - "$1" "$2" <<-'END'
		import pathlib, re, shutil, sys
		shutil.copytree(*sys.argv[1:])
		new = pathlib.Path(sys.argv[2])
		text = (new / "metadata").read_text()
		uuid = re.search(r'uuid = "([-0-9a-f]*)"', text)[1]
		other = "%032x" % (int(uuid.replace("-", ""), 16) ^ 1)
		(new / "metadata").write_text(text.replace(uuid, "-".join(
		    (other[:8], other[8:12], other[12:16], other[16:20], other[20:]))))
		for f in new.iterdir():
		    if f.name != "metadata":
		        f.write_bytes(f.read_bytes().replace(bytes.fromhex(uuid.replace("-", "")), bytes.fromhex(other)))
	END
}

served()
{
	mkdir www
	echo hello >www/hello
	"$BUILD/examples/httpd" -p 0 -d www >log 2>&1 &
	server=$!
	pids="$pids $server"
	until_true 20 grep -q listening log
	python3 - "$(sed 's/.*://' log)" "$1" <<-'END'
		import sys, urllib.error, urllib.request
		for i in range(int(sys.argv[2])):
		    try:
		        urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/{['hello', 'none'][i % 2]}").read()
		    except urllib.error.HTTPError:
		        pass
	END
	murder "$server"
}
