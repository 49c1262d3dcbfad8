#!/bin/sh
# Brings .venv to what the locks say: `sh tools/environment.sh runtime` to run, `dev` to test and
# lint as well, `demo` to replay the demo's data.
# Does nothing when nothing changed: stamps in .venv tell what was installed last. PYTHON=... picks the interpreter.
set -eu
cd "$(dirname "$0")/.."
venv=.venv

# The other locks hold the runtime lock's versions and more, and the same of what both add: all fit into one environment.
case "${1:-}" in
    runtime) lock=requirements.lock stamps=runtime ;;
    dev) lock=requirements-dev.lock stamps="runtime dev" ;;
    demo) lock=requirements-demo.lock stamps="runtime demo" ;;
    *) echo "usage: sh tools/environment.sh runtime|dev|demo" >&2 && exit 2 ;;
esac

say() { echo "loyalty: $*"; }

fail() { say "$*" >&2 && exit 1; }

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# Prints the first interpreter that can make the environment, newest version first.
find_python() {
    seen="" without_venv=""
    for name in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3 python}; do
        version=$(version_of "$name") || continue
        seen="$seen, $name is $version"
        "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || continue
        "$name" -c 'import ensurepip, venv' 2>/dev/null && echo "$name" && return
        without_venv=$version
    done
    [ -z "$without_venv" ] || fail "Python $without_venv lacks its venv module (Debian, Ubuntu: apt-get install python$without_venv-venv)"
    fail "needs Python 3.11 to 3.14${seen:-, found none}; name one with PYTHON=/path/to/python"
}

# An environment is broken once its interpreter is gone, and useless after the checkout moved.
is_usable() {
    [ "$(cat $venv/.place 2>/dev/null)" = "$PWD" ] || return 1
    version=$(version_of $venv/bin/python) || return 1
    [ -z "${PYTHON:-}" ] || [ "$version" = "$(version_of "$PYTHON")" ]
}

# What the stamp of an environment must say for it to be up to date.
wanted() {
    case "$1" in
        runtime) cksum pyproject.toml requirements.lock ;;
        dev) cksum pyproject.toml requirements.lock requirements-dev.lock ;;
        demo) cksum pyproject.toml requirements.lock requirements-demo.lock ;;
    esac
}

if ! is_usable; then
    python=$(find_python)
    rm -rf $venv
    say "making $venv with $python"
    "$python" -m venv $venv
    echo "$PWD" > $venv/.place
fi

[ "$(cat "$venv/.$1" 2>/dev/null)" != "$(wanted "$1")" ] || exit 0

say "installing $lock into $venv (a minute, only when it changed)"
for stamp in $stamps; do rm -f "$venv/.$stamp"; done
pip="$venv/bin/python -m pip install -qq --disable-pip-version-check"
$pip --require-hashes -r $lock
$pip --no-deps --no-build-isolation -e .
for stamp in $stamps; do wanted "$stamp" > "$venv/.$stamp"; done
