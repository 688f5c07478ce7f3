#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh - the installed headers as users' compilers see them: each alone, every type of value, and
# values that must not compile. C and C++, gcc and clang, with the warnings that people turn on.
#
#   run.sh [FOLDER]     with the installed headers; default: include/ of this tree
set -u
here=$(cd "$(dirname "$0")" && pwd)
include=${1:-$here/../../include}
warnings='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror'
passed=0 failed=0 skipped=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# Only what is installed may be included.
mkdir "$tmp/include"
cp "$include"/fasttrace*.h "$tmp/include/" || exit 1

# result STATUS NAME: count it; show what the compiler said.
result() {
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL %s\n' "$2"
		sed 's/^/    /' "$tmp/log" | head -n 20
	fi
}

# compile COMPILER STANDARD LANGUAGE ARGUMENTS...
compile() {
	cc=$1 std=$2 lang=$3
	shift 3
	# shellcheck disable=SC2086 # the warnings are words
	"$cc" -std="$std" $warnings -I"$tmp/include" -x "$lang" "$@" >"$tmp/log" 2>&1
}

# Are all macros that a header defines, beyond those of the headers that it includes, ours?
leaks() {
	printf '#include <stddef.h>\n#include <stdint.h>\n#include <stdbool.h>\n' >"$tmp/system.h"
	[ "$3" = c++ ] && printf '#include <type_traits>\n' >>"$tmp/system.h"
	printf '#include <%s>\n' "$4" >"$tmp/ours.h"
	for f in system ours; do
		"$1" -std="$2" -I"$tmp/include" -x "$3" -dM -E "$tmp/$f.h" |
			sed 's/^#define \([A-Za-z0-9_]*\).*/\1/' | sort -u >"$tmp/$f" || return 1
	done
	comm -13 "$tmp/system" "$tmp/ours" | grep -v '^FASTTRACE_\|^FASTTRACE$' >"$tmp/log"
	[ ! -s "$tmp/log" ]
}

header_alone() {
	printf '#include <%s>\n#include <%s>\nextern int nothing;\n' "$4" "$4" >"$tmp/alone"
	compile "$1" "$2" "$3" -fsyntax-only "$tmp/alone"
	result $? "$1 -std=$2: <$4> alone"
	leaks "$@"
	result $? "$1 -std=$2: <$4> defines FASTTRACE macros only"
}

# must_not_compile COMPILER STANDARD LANGUAGE STATEMENT
must_not_compile() {
	cat >"$tmp/bad" <<-END
		#include <fasttrace.h>
		struct point { int x, y; };
		void bad(struct point value, int good);
		void bad(struct point value, int good)
		{
			(void)value;
			(void)good;
			$4;
		}
	END
	! compile "$1" "$2" "$3" -Wno-error -fsyntax-only "$tmp/bad"
	result $? "$1 -std=$2: must not compile: $4"
}

check() {
	for header in fasttrace-abi.h fasttrace.h fasttrace-reader.h; do
		header_alone "$1" "$2" "$3" "$header"
	done
	for level in 0 2; do
		compile "$1" "$2" "$3" -O$level -o "$tmp/values" "$here/values.c" -x none &&
			"$tmp/values" >"$tmp/log"
		result $? "$1 -std=$2 -O$level: values.c"
	done
	compile "$1" "$2" "$3" -fsyntax-only - <<-'END'
		#include <fasttrace.h>
		void good(int value);
		void good(int value) { FASTTRACE(p, e, (x, value)); }
	END
	result $? "$1 -std=$2: what the next ones are made of"
	must_not_compile "$1" "$2" "$3" 'FASTTRACE(p, e, (x, value))'
	must_not_compile "$1" "$2" "$3" 'FASTTRACE(p, e, (x, (void)0))'
	must_not_compile "$1" "$2" "$3" 'FASTTRACE(p, e, (x, (__int128)good))'
	must_not_compile "$1" "$2" "$3" 'FASTTRACE(p, e, good)'
	must_not_compile "$1" "$2" "$3" 'FASTTRACE(p, e, (good))'
	must_not_compile "$1" "$2" "$3" 'FASTTRACE(p)'
	must_not_compile "$1" "$2" "$3" 'FASTTRACE_LEVEL(good, p, e)'
	must_not_compile "$1" "$2" "$3" "FASTTRACE(p, e, (a, 1), (b, 1), (c, 1), (d, 1), (e, 1), \
(f, 1), (g, 1), (h, 1), (i, 1), (j, 1), (k, 1), (l, 1), (m, 1), (n, 1), (o, 1), (p, 1), (q, 1))"
}

# each LANGUAGE COMPILERS STANDARDS
each() {
	for compiler in $2; do
		if ! command -v "$compiler" >/dev/null; then
			printf 'SKIP %s is not installed\n' "$compiler"
			skipped=$((skipped + 1))
			continue
		fi
		for standard in $3; do
			check "$compiler" "$standard" "$1"
		done
	done
}

each c 'gcc clang' 'c11 c17 gnu17'
each c++ 'g++ clang++' 'c++17 c++20'
[ "$skipped" -eq 0 ] || printf '%d skipped\n' "$skipped"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
