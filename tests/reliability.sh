#!/bin/sh
# SPDX-License-Identifier: MIT
# reliability.sh - the table of docs/reliability.md from build/rows, as the last run of the tests
# left them. With `write` it takes the table's place in that page; else it is printed.
set -eu
cd "$(dirname "$0")/.."

table()
{
	echo '| fault | by | tried | promised | found |'
	echo '| --- | --- | --- | --- | --- |'
	awk -F '\t' 'NF == 5 { printf "| %s | `%s` | %s | %s | %s |\n", $2, $1, $3, $4, $5 }' build/rows
}

[ -s build/rows ] || {
	echo "reliability.sh: build/rows is empty: run the tests first, make check or make torture" >&2
	exit 1
}
if [ "${1-}" = write ]; then
	table >build/table
	sed -i -e '/^<!-- table begins -->$/,/^<!-- table ends -->$/{
		/^<!-- table begins -->$/r build/table
		/^<!-- table/!d
	}' docs/reliability.md
else
	table
fi
