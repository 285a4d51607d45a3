#!/bin/sh
# Two commands for a fresh clone on a fresh machine with Python 3.11 or newer:
#
#   sh bootstrap.sh demo           install, and run the main job on the bundled programme
#   sh bootstrap.sh test [ARG...]  install, check style, types and imports, build the wheel and
#                                  run the tests on it (ARG... goes to pytest)
#
# Missing Debian packages are installed where apt-get and the right to use it are there, and
# named, with the exact command, where not. Everything else stays inside this folder (.venv, build).
# It can be run again at any time; what is there already is not done twice.
set -eu
cd "$(dirname "$0")"

UV_VERSION=0.13.8
WINDOW_PACKAGES="libgl1 libegl1 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon0
 libxcb-cursor0 libxkbcommon-x11-0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 fonts-dejavu-core"
SERVER_PACKAGES="pulseaudio pulseaudio-utils libasound2-plugins icecast2 ffmpeg espeak-ng
 mosquitto openssl"
RUN_PACKAGES="libportaudio2 $WINDOW_PACKAGES"
TEST_PACKAGES="$SERVER_PACKAGES xvfb xauth"
MISSING_NOTE="" # said again at the very end, where people look
RESTORE=""      # what to run at the end to put the environment right

say() { printf 'bootstrap: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# Prints the first interpreter that is new enough. Each is run, not just looked up: version
# managers leave launchers on the path for Pythons that are not there.
find_python() {
    for name in python3 python3.11 python3.12 python3.13 python3.14; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# Prints those of the given Debian packages that are not installed.
missing_packages() {
    for package in "$@"; do
        case "$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null)" in
        ii*) ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# Runs a command as root, or fails without asking for a password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

# Installs what is missing of the given packages, or says what a person has to do.
ensure_packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "not a Debian-like system: if something is missing below, install what these" \
            "packages stand for: $*"
        return 0
    fi
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    say "missing Debian packages: $missing"
    # --no-remove: a desktop's own sound server must never be thrown out for a test's.
    # shellcheck disable=SC2086  # one word a package
    if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then
        say "no right to install packages (not root, and sudo asks for a password)"
    elif as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes \
            --no-install-recommends --no-remove $missing </dev/null >&2; then
        return 0
    fi
    MISSING_NOTE="what needs the missing packages does not work; install them and run this again:
  sudo apt-get update && sudo apt-get install --no-install-recommends $missing"
    say "$MISSING_NOTE"
}

make_venv() {
    python=$(find_python) || die "Python 3.11 or newer is needed, and none of python3," \
        "python3.11 to python3.14 is one: install it (Debian 12: apt-get install python3" \
        "python3-venv) and run this again"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        ensure_packages "$("$python" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')"
        "$python" -c 'import ensurepip, venv' || die "$python cannot make virtual environments"
    fi
    # Tried, not just looked for: an interrupted run, or a Python that has gone, leaves a shell.
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        say "making .venv with $("$python" --version) ($python)"
        "$python" -m venv --clear .venv
    fi
    case "$(.venv/bin/uv --version 2>/dev/null)" in
    "uv $UV_VERSION" | "uv $UV_VERSION "*) ;;
    *) .venv/bin/python -m pip install -qq --disable-pip-version-check "uv==$UV_VERSION" ;;
    esac
}

# Compiled at once: every start of the program is seconds faster where Python may not write.
# uv works on this folder's environment and on no other that may be active.
uv() {
    env -u VIRTUAL_ENV -u CONDA_PREFIX UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never \
        UV_COMPILE_BYTECODE=1 \
        .venv/bin/uv "$@"
}

# Networks are trained with PyTorch, which is far larger than all the rest, and which nothing
# at run time needs. Tests of the training run where pip is offered a local build of it
# (PIP_FIND_LINKS or find-links in pip.conf) and are skipped elsewhere.
offer_torch() {
    if .venv/bin/python -c 'import torch' 2>/dev/null; then
        return 0
    fi
    if .venv/bin/python -m pip install --quiet --no-index --no-deps torch 2>/dev/null &&
        uv pip install --quiet --python .venv/bin/python \
            filelock fsspec jinja2 networkx setuptools sympy typing-extensions; then
        say "PyTorch from a local wheel: tests of the training run too"
    else
        say "no local PyTorch: tests of the training will be skipped" \
            "(to run them: .venv/bin/uv sync --inexact --extra train)"
    fi
}

# --inexact leaves alone what a developer has put into the environment.
demo() {
    uv sync --quiet --frozen --inexact --no-dev
    .venv/bin/streamseg demo "$@"
}

editable() { uv sync --quiet --frozen --inexact; }

check_source() {
    say "style, types, imports"
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy --strict streamseg
    .venv/bin/lint-imports
}

# Tests run on the wheel, as users get it: a file that it lacks is found here and not by them.
test_wheel() {
    say "building the wheel, and testing that instead of the source"
    rm -rf build/wheel
    uv build --quiet --wheel --out-dir build/wheel
    RESTORE=editable
    uv pip install --quiet --python .venv/bin/python --no-deps --reinstall build/wheel/*.whl
    # Python puts the working folder, and with it the source, before what is installed in every
    # `python -m` and `python -c` that a test starts: this switches that off (Python 3.11).
    PYTHONSAFEPATH=1
    export PYTHONSAFEPATH
    .venv/bin/python -c 'import streamseg, sys; sys.exit(sys.prefix not in streamseg.__file__)' ||
        die "the installed wheel is hidden by other code: is PYTHONPATH set? Unset it"
    .venv/bin/pytest "$@"
}

# Whatever happened, leaves the environment as a developer expects it; the exit status stays.
finish() {
    [ -z "$RESTORE" ] || "$RESTORE" || say "could not put the editable install back"
    [ -z "$MISSING_NOTE" ] || say "$MISSING_NOTE"
}

verb=${1:-}
[ $# -eq 0 ] || shift
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# No `||` and no `if` around these calls: within such a call a shell ignores `set -e`.
case "$verb" in
demo)
    # shellcheck disable=SC2086  # one word a package
    ensure_packages $RUN_PACKAGES
    make_venv
    demo "$@"
    ;;
test)
    # shellcheck disable=SC2086
    ensure_packages $RUN_PACKAGES $TEST_PACKAGES
    make_venv
    editable
    offer_torch
    check_source
    test_wheel "$@"
    ;;
*)
    say "usage: sh bootstrap.sh demo | test [PYTEST ARGUMENT...]"
    exit 2
    ;;
esac
