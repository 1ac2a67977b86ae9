#!/usr/bin/env python3
"""Start pullback from a fresh clone. Needs Python 3.11 or newer and nothing else.

    python3 start.py                 a first look
    python3 start.py ARGS...         the same as `pullback ARGS...`
    python3 start.py test [ARGS...]  all tests; ARGS go to pytest
    python3 start.py check           lint, types, floors and the fast tests, in about a minute
    python3 start.py outside         compare with torch, JAX and scikit-learn (a big install)
    python3 start.py docs            build the manual into site/

The first start makes .venv beside this file and installs into it; later starts only look at a
stamp. This file must parse on every old Python, or its advice would never be read.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "pullback-stamp.json")
WINDOWS = os.name == "nt"

# What a word needs beyond the package itself (an extra of pyproject.toml), and the programs it
# runs, one after the other. Every other word is a pullback command.
WORDS = {
    "test": ("test", [["pytest", "-n", "auto"]]),
    "outside": ("outside", [["pytest", "tests/outside"]]),
    "docs": ("dev", [["zensical", "build", "--clean"]]),
    "check": (
        "dev",
        [
            ["ruff", "check", "--quiet"],
            ["ruff", "format", "--check", "--quiet"],
            ["mypy"],
            ["lint-imports", "--no-logo"],
            ["pytest", "-q", "-n", "auto", "-m", "not slow", "--few", "1"],
        ],
    ),
}


def main(arguments):
    refuse_old_python(arguments)
    extra, steps = WORDS.get(arguments[0] if arguments else "", ("", []))
    install(extra)
    if not steps:
        become(["pullback"] + (arguments or ["hello"]))
    os.chdir(ROOT)
    for step in steps[:-1]:
        code = subprocess.call([tool(step[0])] + step[1:])
        if code:
            say("%s says no" % " ".join(step))
            sys.exit(code)
    become(steps[-1] + arguments[1:])


def refuse_old_python(arguments):
    if sys.version_info >= OLDEST:
        return
    rest = " ".join(["start.py"] + arguments)
    say("this is Python %d.%d; it takes %d.%d or newer. Type:" % (sys.version_info[:2] + OLDEST))
    newer = ["python3.%d" % minor for minor in range(20, OLDEST[1] - 1, -1)]
    for name in newer + ["python3"] * (sys.version_info < (3,)):
        if works([name, "--version"]):
            stop("  %s %s" % (name, rest))
    install_uv = "" if works(["uv", "--version"]) else "pip install uv && "
    stop("  %suv run --no-project --python 3.13 %s" % (install_uv, rest))


def install(extra):
    """Make .venv what pyproject.toml asks for, with `extra` on top. Quick when it already is."""
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        asked = hashlib.sha256(file.read() + ROOT.encode()).hexdigest()
    if is_there(asked, extra):
        return
    with alone():
        if not is_there(asked, extra):  # another start may have done it while this one waited
            install_all(asked, extra)


def is_there(asked, extra):
    stamp = read_stamp()
    return stamp.get("asked") == asked and extra in stamp.get("extras", []) + [""]


def install_all(asked, extra):
    extras = sorted((set(read_stamp().get("extras", [])) | {extra}) - {""})
    say("installing into .venv%s, once ..." % (" what `%s` needs" % extra if extra else ""))
    make_venv()
    pip_install("%s[%s]" % (ROOT, ",".join(extras)) if extras else ROOT)
    with open(STAMP + ".new", "w") as file:
        json.dump({"asked": asked, "extras": extras}, file)
    os.replace(STAMP + ".new", STAMP)


@contextlib.contextmanager
def alone():
    """One start at a time installs. The lock is on this file, so none is left behind, by nobody."""
    with open(os.path.abspath(__file__)) as file:
        waiting = False
        while not locked(file):
            if not waiting:
                say("another start is installing into .venv; this one waits for it ...")
            waiting = True
            time.sleep(0.1)
        yield


def locked(file):
    """Whether this process now has the file for itself. Where none can be locked, nobody waits."""
    try:
        if WINDOWS:
            import msvcrt

            file.seek(2**30)  # far behind the end: what is locked there can be read by nobody else
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        return True
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True


def read_stamp():
    """What the last finished install left; nothing where none finished or its Python is gone."""
    try:
        with open(STAMP) as file:
            return json.load(file) if os.path.exists(tool("python")) else {}
    except (OSError, ValueError):
        return {}


def make_venv():
    """Keep a .venv whose Python still runs; else make one. pip comes later, uv needs none."""
    if works([tool("python"), "-c", "import sys; sys.exit(sys.version_info < %r)" % (OLDEST,)]):
        return
    try:
        import venv
    except ImportError:
        stop_without_venv()
    venv.create(VENV, clear=True, symlinks=not WINDOWS, with_pip=False)


def pip_install(what):
    quiet = ["install", "--quiet", "--editable", what]
    # uv does not read pip.conf, so where an index is set there, uv may fail and pip not.
    if works(["uv", "pip"] + quiet + ["--python", tool("python")]):
        return
    pip = [tool("python"), "-m", "pip"]
    if not works(pip + ["--version"]) and not works([tool("python"), "-m", "ensurepip"]):
        stop_without_venv()
    plain = ["--no-input", "--disable-pip-version-check"]
    if subprocess.call(pip + quiet + plain, stdout=sys.stderr):
        stop("the installation failed, see above. The same line again tries it again.")


def stop_without_venv():
    say("this Python came without venv or pip. Type:")
    if shutil.which("apt-get"):
        stop("  sudo apt-get install python%d.%d-venv" % sys.version_info[:2])
    stop("  pip install uv")


def works(command):
    """Whether a command ends well; what it prints is nobody's business."""
    try:
        with open(os.devnull, "w") as nowhere:
            return subprocess.call(command, stdout=nowhere, stderr=nowhere) == 0
    except OSError:
        return False


def become(command):
    """Run as `command` from here on. Windows cannot: there, wait for it and pass its answer on."""
    command = [tool(command[0])] + command[1:]
    if WINDOWS:
        sys.exit(subprocess.call(command))
    os.execv(command[0], command)


def tool(name):
    return os.path.join(VENV, *(["Scripts", name + ".exe"] if WINDOWS else ["bin", name]))


def say(line):
    sys.stderr.write(line + "\n" if line.startswith(" ") else "pullback: " + line + "\n")


def stop(line):
    say(line)
    sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
