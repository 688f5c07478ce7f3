# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# helper_export.sh - what tests of fasttrace export share.
#
#   exported FORMAT SOURCE...   what helper_export.py prints of all events; JSON is valid by its schema.
#                               With a file `lines`, each event is compared with it
#   counted TEXT SOURCE...      as many spans in both formats as stats counts, and there are some
#   spans_of NAME               how many stats has counted
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
	exported chrome "$@" >a
	exported perfetto "$@" >b
	isnt "$case_of: there are spans" grep -q '^0 \|^$' a
	same "$case_of: perfetto has what chrome has" "$(cat b)" "$(cat a)"
}

spans_of()
{
	sed -n "s/^span,\"$1\",\([0-9]*\),.*/\1/p" csv.stats
}
