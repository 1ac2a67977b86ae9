"""`pullback completion bash`: what a shell needs to complete commands, options, data sets and runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pullback.cli.app import COMMANDS, command
from pullback.cli.printing import say, say_json
from pullback.data.shipped import SHIPPED
from pullback.runs.folder import ROOT, list_runs

# Each asks `pullback --complete WORDS` for candidates, and offers files where there are none.
SCRIPTS = {
    "bash": """\
_pullback() {
    local word=${COMP_WORDS[COMP_CWORD]}
    local IFS=$'\\n'
    COMPREPLY=($(compgen -W "$(pullback --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "$word"))
    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _pullback pullback""",
    "zsh": """\
#compdef pullback
_pullback() {
    local -a found
    found=("${(@f)$(pullback --complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "$found" ]]; then compadd -a found; else _files; fi
}
compdef _pullback pullback""",
    "fish": """\
function __pullback_candidates
    set -l words (commandline -opc) (commandline -ct)
    pullback --complete $words[2..-1] 2>/dev/null
end
complete -c pullback -a '(__pullback_candidates)'""",
}


def completion(shell: Literal["bash", "zsh", "fish"], /, *, json: bool = False) -> int:
    """Print a script that completes commands, options, data sets and runs in your shell.

    Put its output where your shell reads it when it starts. For bash, add this line to ~/.bashrc:

    eval "$(pullback completion bash)"

    shell: bash, zsh or fish
    json: print one JSON document

    $ pullback completion zsh
    """
    script = SCRIPTS[shell]
    if json:
        say_json({"shell": shell, "script": script})
    else:
        say(script)
    return 0


def candidates(words: list[str]) -> list[str]:
    """What the last of `words` may become; nothing where a file or a formula belongs.

    >>> candidates(["pre"]), candidates(["train", "dig"])
    (['predict'], ['digits'])
    """
    *before, last = words or [""]
    if not before:
        return _starting(last, COMMANDS)
    if before[0] not in COMMANDS:
        return []
    function = command(before[0])
    if last.startswith("-"):
        return _starting(last, [f"--{name.replace('_', '-')}" for name in _options(function)])
    if before[-1].startswith("--"):
        return _starting(last, _choices(function, before[-1][2:].replace("-", "_")))
    return _starting(last, _positional(before, function))


def _starting(start: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(start)]


def _options(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [*(p.name for p in parameters if p.kind is p.KEYWORD_ONLY), "help"]


def _choices(function: Callable[..., Any], option: str) -> list[str]:
    hint = get_type_hints(function).get(option)
    return [str(choice) for choice in get_args(hint)] if get_origin(hint) is Literal else []


def _positional(before: list[str], function: Callable[..., Any]) -> list[str]:
    """The first word behind a command: a run, a data set, or one of a few words."""
    if len(before) > 1:
        return []
    name = next(iter(inspect.signature(function).parameters))
    if name == "run":
        return ["latest", *_runs(ROOT)]
    return list(SHIPPED) if name == "data" else _choices(function, name)


def _runs(root: Path) -> list[str]:
    return [run.name for run in list_runs(root).usable]
