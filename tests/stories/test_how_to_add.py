"""What the guide adds, really added, in a module of its own: laws and commands that do not know it ask it."""

import importlib.util
import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from laws import test_layers, test_optimizers

import pullback as pb
from pullback.cli import answer
from pullback.errors import OptionError
from pullback.models.evaluate import evaluate_table
from pullback.models.job import train_problem
from pullback.models.predictions import predict_table
from pullback.models.problem import Question
from pullback.models.registry import ESTIMATORS
from pullback.models.rerun import rerun
from pullback.models.tables import open_problem

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "how-to-add.md"
HEAD = """from dataclasses import dataclass
from typing import ClassVar
import numpy as np
import pullback as pb
"""


@pytest.fixture
def added(request, tmp_path, monkeypatch):
    """The class that a section of the page defines, from a file that holds nothing else."""
    section, name = request.param
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    block = next(
        b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if f"class {name}" in b
    )
    more = "from pullback.nn import Linear\n" if section == "An estimator" else ""
    path = tmp_path / "added_by_a_test.py"
    path.write_text(HEAD + more + block, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("added_by_a_test", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "added_by_a_test", module)
    spec.loader.exec_module(module)
    return getattr(module, name)


def laws_of(module, about):
    """The laws of a module that are asked of every layer, or of every optimizer."""
    found = inspect.getmembers(module, inspect.isfunction)
    return [
        law
        for name, law in found
        if name.startswith("test_") and about in inspect.signature(law).parameters
    ]


def ways(law):
    """Every value of the other parameters of a law."""
    known = {"dtype": ["float32", "float64"], "training": [True, False]}
    others = [p for p in inspect.signature(law).parameters if p in known]
    cases = [{}]
    for name in others:
        cases = [{**case, name: value} for case in cases for value in known[name]]
    return cases


@pytest.mark.parametrize("law", laws_of(test_layers, "layer"), ids=lambda law: law.__name__)
@pytest.mark.parametrize("added", [("A layer", "BatchNorm")], indirect=True)
def test_an_added_layer_keeps_every_law(added, law):
    for way in ways(law):
        law(layer=added(), **way)


@pytest.mark.parametrize("law", laws_of(test_optimizers, "optimizer"), ids=lambda law: law.__name__)
@pytest.mark.parametrize("added", [("An optimizer", "RMSProp")], indirect=True)
def test_an_added_optimizer_keeps_every_law(added, law):
    law(optimizer=added())


def table(path):
    generator = np.random.default_rng(0)
    kinds = generator.choice(["oak", "elm", "ash"], 90)
    places = {"oak": 0.0, "elm": 4.0, "ash": 8.0}
    lines = [f"{places[k] + generator.normal():.3f},{generator.normal():.3f},{k}" for k in kinds]
    path.write_text("\n".join(["height,width,kind", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("added", [("An estimator", "NearestMean")], indirect=True)
def test_an_added_estimator_is_known_to_runs_files_and_commands(
    added, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(ESTIMATORS, "NearestMean", "added_by_a_test")  # its registry line
    data, root = table(tmp_path / "trees.csv"), tmp_path / "runs"
    problem, source = open_problem(str(data), Question("kind"), seed=0)
    outcome = train_problem(problem, added(sharpness=2.0), source, root=root)
    assert outcome.test_accuracy > 0.8
    assert Path(outcome.report).read_text(encoding="utf-8").count("NearestMean")
    model = pb.load(root / "trees-1" / "model.safetensors")
    assert (type(model), model.sharpness) == (added, 2.0)
    assert evaluate_table("trees-1", data, root=root).metrics.score > 0.8
    assert predict_table("trees-1", data, root=root).labels[0] in {"oak", "elm", "ash"}
    assert rerun("trees-1", root=root).same
    assert answer(["predict", "trees-1", str(data), "--runs", str(root)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 90


@pytest.mark.parametrize("added", [("An estimator", "NearestMean")], indirect=True)
def test_an_added_estimator_checks_its_options_before_it_writes_anything(added, tmp_path):
    problem, source = open_problem(str(table(tmp_path / "trees.csv")), Question("kind"), seed=0)
    with pytest.raises(OptionError, match="sharpness"):
        train_problem(problem, added(sharpness=0.0), source, root=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
