"""Write the gallery: one page a family of gates, from what the gates say of themselves.

python docs/gallery/make.py writes the pages; with --check it fails when they are out of date.
"""

import doctest
import inspect
import sys
from pathlib import Path

import numpy as np

import pullback.gates  # noqa: F401 - fills the registry
from pullback.core.gate import GATES, Gate
from pullback.lens.conventions import CONVENTIONS, Convention
from pullback.passes.pull import pull_inputs

HERE = Path(__file__).parent
WIDTH, HEIGHT, REACH, EDGE = 240, 120, 4.0, 12
BLUE, VERMILION = "#0b5cad", "#c2410c"
FLOWS = {
    "distributes": "hands its pull on to every input unchanged",
    "routes": "sends its pull to the chosen input alone",
    "swaps": "pulls each input with the other's value",
}


def pages() -> dict[str, str]:
    """Every page by file name."""
    families: dict[str, list[Gate]] = {}
    for gate in GATES.values():
        family = gate.__module__.rpartition(".")[2]
        families.setdefault(family, []).append(gate)
    made = {f"{family}.md": page(family, gates) for family, gates in sorted(families.items())}
    return made | {"index.md": index(families), "conventions.md": conventions()}


def conventions() -> str:
    """The result of every executor at corners, ties and NaN, beside those of other libraries."""
    head = f"# Conventions\n\n{inspect.getdoc(sys.modules[Convention.__module__])}\n\n"
    head += "| case | expression | at | value | pull | torch | JAX |\n| --- |" + " --- |" * 6 + "\n"
    return head + "".join(
        f"| {c.case} | `{c.expression}` | {shown(c.inputs)} | {shown((c.value,))} "
        f"| {shown(c.pulls)} | {shown(c.torch)} | {shown(c.jax)} |\n"
        for c in CONVENTIONS
    )


def shown(numbers: tuple | None) -> str:
    if numbers is None:
        return "-"
    return ", ".join(f"[{shown(n)}]" if isinstance(n, tuple) else f"{n:.4g}" for n in numbers)


def index(families: dict[str, list[Gate]]) -> str:
    rows = [
        f"| [{family}]({family}.md) | {', '.join(f'`{g.name}`' for g in gates)} |"
        for family, gates in sorted(families.items())
    ]
    head = f"# Gallery\n\nAll {len(GATES)} gates, generated from their definitions.\n\n"
    head += "[Conventions](conventions.md): the results at corners, ties and NaN.\n\n"
    return head + "| family | gates |\n| --- | --- |\n" + "\n".join(rows) + "\n"


def page(family: str, gates: list[Gate]) -> str:
    module = sys.modules[gates[0].__module__]
    head = f"# {family}\n\n{inspect.getdoc(module)}\n\n"
    return head + "\n".join(card(gate) for gate in gates)


def card(gate: Gate) -> str:
    words, prompt, example = inspect.getdoc(gate.__wrapped__).partition("\n\n>>>")
    parts = [f"## {gate.name}", words]
    drawn = curve(gate)
    if drawn:
        parts.append(drawn)
    parts.append(facts(gate))
    if example:
        parts.append(blocks(gate.name, prompt.strip() + example))
    if gate.rule is not None:
        source = inspect.getsource(gate.rule).split("\n", 1)[1].rstrip()
        parts.append(f"Its pull rule:\n\n```text\n{source}\n```")
    return "\n\n".join(parts) + "\n"


def blocks(name: str, examples: str) -> str:
    """A docstring's examples as code that can be copied, each output in a block of its own."""
    code, parts = [f"import numpy as np\nfrom pullback import {name}\n"], []
    for one in doctest.DocTestParser().get_examples(examples):
        code.append(one.source)
        if one.want:
            parts.append(f"```python\n{''.join(code)}```\n\n```output\n{one.want}```")
            code = []
    return "\n\n".join([*parts, *([f"```python\n{''.join(code)}```"] if code else [])])


def facts(gate: Gate) -> str:
    rows = [("inputs", ", ".join(gate.inputs) + (" ..." if gate.variadic else ""))]
    if gate.defaults:
        rows.append(("attributes", ", ".join(f"{k}={said(v)}" for k, v in gate.defaults.items())))
    if gate.shape is not None:
        rows.append(("shapes", getattr(gate.shape, "text", "follow from the attributes")))
    if gate.pattern:
        rows.append(("pull", FLOWS[gate.pattern]))
    if gate.kink is not None:
        rows.append(("corner", "the slope jumps there; the check calls it a kink"))
    if gate.recipe:
        rows.append(("made of", "other gates: a recipe"))
    elif gate.inside is not None:
        rows.append(("opens", f"into plainer gates: `f.expand({gate.name!r})`"))
    rows += [
        (language, f"`{text}`") for language, text in gate.faces.items() if language != "latex"
    ]
    return "| | |\n| --- | --- |\n" + "\n".join(f"| {a} | {escaped(b)} |" for a, b in rows)


def said(value: object) -> str:
    return "required" if value is inspect.Parameter.empty else repr(value)


def escaped(text: str) -> str:
    return text.replace("|", "\\|")


def curve(gate: Gate) -> str:
    """The value (blue) and the slope (vermilion) of a gate with one real input, as a small picture."""
    real = gate.elementwise and len(gate.inputs) == 1 and gate.result is None and not gate.variadic
    if not real or gate.name in ("stop_gradient", "negative"):
        return ""
    x = np.linspace(-REACH, REACH, 161)
    with np.errstate(all="ignore"):
        y = np.asarray(gate(x))
        slope = pull_inputs(gate, np.ones_like(x), y, [x], gate.bind({}))[0]
    lines = [path(x, y, BLUE)]
    if slope is not None:  # where there is no value there is no slope
        lines.append(path(x, np.where(np.isnan(y), np.nan, np.asarray(slope)), VERMILION))
    name = f'role="img" aria-label="{gate.name}: value in blue, slope in vermilion, from -4 to 4"'
    wide, high = WIDTH + 2 * EDGE, HEIGHT + 2 * EDGE
    return (
        f'<svg {name} width="{wide}" height="{high}" viewBox="{-EDGE} {-EDGE} {wide} {high}">'
        f"{axes()}{''.join(lines)}</svg>"
    )


def axes() -> str:
    """Both axes with whole numbers, and the names of the two curves."""
    drawn = [f'<path d="M0 {HEIGHT / 2}H{WIDTH}M{WIDTH / 2} 0V{HEIGHT}" stroke="#888" fill="none"/>']
    text = 'font-size="9" font-family="Helvetica, Arial, sans-serif"'
    for x in (-4, -2, 2, 4):
        at = (x + REACH) / 2 / REACH * WIDTH
        drawn.append(f'<path d="M{at:g} {HEIGHT / 2 - 2}v4" stroke="#888"/>')
        drawn.append(
            f'<text x="{at:g}" y="{HEIGHT / 2 + 12}" {text} fill="#777" text-anchor="middle">{x}</text>'
        )
    for y in (-2, -1, 1, 2):
        at = HEIGHT / 2 - y * HEIGHT / REACH
        drawn.append(f'<path d="M{WIDTH / 2 - 2} {at:g}h4" stroke="#888"/>')
        drawn.append(
            f'<text x="{WIDTH / 2 - 5}" y="{at + 3:g}" {text} fill="#777" text-anchor="end">{y}</text>'
        )
    for y, said, ink in ((6, "value", BLUE), (18, "slope", VERMILION)):
        drawn.append(f'<text x="2" y="{y}" {text} fill="{ink}">{said}</text>')
    return "".join(drawn)


def path(x: np.ndarray, y: np.ndarray, colour: str) -> str:
    drawn = []
    pen = "M"
    for a, b in zip(x, y, strict=True):
        if not np.isfinite(b) or abs(b) > REACH / 2:
            pen = "M"
            continue
        drawn.append(
            f"{pen}{(a + REACH) / 2 / REACH * WIDTH:.1f} {HEIGHT / 2 - b * HEIGHT / REACH:.1f}"
        )
        pen = "L"
    return f'<path d="{"".join(drawn)}" stroke="{colour}" stroke-width="2" fill="none"/>'


def main() -> int:
    wanted = pages()
    old = [name for name, text in wanted.items() if _read(HERE / name) != text]
    gone = [p.name for p in HERE.glob("*.md") if p.name not in wanted]
    if "--check" in sys.argv:
        for name in [*old, *gone]:
            print(f"out of date: docs/gallery/{name}; run python docs/gallery/make.py")
        return 1 if old or gone else 0
    for name in old:
        (HERE / name).write_text(wanted[name], encoding="utf-8")
    for name in gone:
        (HERE / name).unlink()
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
