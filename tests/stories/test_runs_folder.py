"""Run folders: named, never overwritten, listed and opened even beside damaged ones."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pullback.errors import RunError, UnknownName
from pullback.runs.folder import create_run, list_runs, open_run


def test_a_run_is_read_back_as_it_was_written(tmp_path):
    run = create_run("digits", {"epochs": 2, "layers": [64, 10]}, tmp_path)
    run.log(epoch=1, loss=0.5)
    run.log(epoch=2, loss=0.25)
    run.write_metrics({"accuracy": 0.97})
    again = open_run("digits-1", tmp_path)
    assert again.config.options == {"epochs": 2, "layers": [64, 10]}
    assert again.read_log() == [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]
    assert again.read_metrics() == {"accuracy": 0.97}
    assert again.finished


def test_numpy_numbers_and_paths_are_written_plainly(tmp_path):
    options = {"rate": np.float32(0.5), "mean": np.arange(2), "table": tmp_path / "t.csv"}
    run = create_run("digits", options, tmp_path)
    assert run.config.options == {"rate": 0.5, "mean": [0, 1], "table": str(tmp_path / "t.csv")}


def test_a_loss_that_is_not_finite_comes_back_as_none(tmp_path):
    run = create_run("digits", {}, tmp_path)
    run.log(loss=float("nan"), top=np.inf)
    assert run.read_log() == [{"loss": None, "top": None}]


@pytest.mark.parametrize(
    ("what", "name"),
    [("digits", "digits-1"), ("My Data.csv", "my-data-csv-1"), ("../..", "run-1"), ("é", "run-1"),
     ("x" * 500, "x" * 40 + "-1")],
)  # fmt: skip
def test_any_text_becomes_a_name_that_can_be_typed(tmp_path, what, name):
    assert create_run(what, {}, tmp_path / "runs").name == name


def test_ten_trainings_that_start_at_once_get_ten_folders(tmp_path):
    with ThreadPoolExecutor(10) as pool:
        runs = list(pool.map(lambda i: create_run("digits", {"i": i}, tmp_path), range(10)))
    assert sorted(r.config.options["i"] for r in list_runs(tmp_path).usable) == list(range(10))
    assert len({run.name for run in runs}) == 10


def test_the_numbers_of_removed_runs_are_not_given_again_before_the_last(tmp_path):
    for run in [create_run("digits", {}, tmp_path) for _ in range(3)][:2]:
        (run.path / "config.json").unlink()
        run.path.rmdir()
    assert create_run("digits", {}, tmp_path).name == "digits-4"


def test_runs_are_listed_newest_first_whatever_their_names(tmp_path):
    names = [create_run(what, {}, tmp_path).name for what in ["b", "c", "a", "a"]]
    assert [run.name for run in list_runs(tmp_path).usable] == names[::-1]
    assert open_run("latest", tmp_path).name == "a-2"


def test_options_that_are_no_json_leave_no_folder_behind(tmp_path):
    with pytest.raises(RunError, match="object is not JSON"):
        create_run("digits", {"net": object()}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_opened_by_its_path_from_anywhere(tmp_path):
    run = create_run("digits", {}, tmp_path)
    assert open_run(run.path).name == open_run(str(run.path)).name == "digits-1"


def test_a_misspelt_run_is_told_its_neighbour(tmp_path):
    create_run("digits", {}, tmp_path)
    with pytest.raises(UnknownName, match=r"(?s)no run is called 'digit-1'.*mean 'digits-1'"):
        open_run("digit-1", tmp_path)


@pytest.mark.parametrize("which", ["latest", "digits-1", "a/b", "x" * 5000, "a\0b"])
def test_where_there_are_no_runs_none_is_found(tmp_path, which):
    with pytest.raises(UnknownName, match="no run"):
        open_run(which, tmp_path / "runs")


def test_an_unfinished_run_has_no_scores(tmp_path):
    with pytest.raises(RunError, match="'digits-1' has no final scores"):
        create_run("digits", {}, tmp_path).read_metrics()


DAMAGE = {
    "missing": (None, "digits-2/config.json is missing"),
    "empty": (b"", "damaged"),
    "not text": (b'{"format":1,"started":"\xff","options":{}}', "damaged"),
    "cut off": (b'{"format":1,"sta', "damaged"),
    "another kind": (b'{"format":"1","started":"","options":{}}', "format"),
    "from the future": (b'{"format":2,"started":"","options":{}}', "of format 2"),
    "nested for ever": (b'{"options":{"a":' + b"[" * 100_000, "damaged"),
}


@pytest.mark.parametrize(("data", "reason"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_run_is_named_and_the_others_still_open(tmp_path, data, reason):
    good, bad = create_run("digits", {}, tmp_path), create_run("digits", {}, tmp_path)
    (bad.path / "config.json").unlink()
    if data is not None:
        (bad.path / "config.json").write_bytes(data)
    runs = list_runs(tmp_path)
    assert [run.name for run in runs.usable] == [good.name]
    assert [(d.path.name, reason in d.reason) for d in runs.damaged] == [("digits-2", True)]
    with pytest.raises(RunError, match="digits-2/config.json"):
        open_run("digits-2", tmp_path)


def test_files_and_hidden_folders_beside_the_runs_are_no_runs(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".cache").mkdir()
    assert list_runs(tmp_path).damaged == ()


def test_a_log_line_that_a_crash_cut_off_is_dropped_and_written_over(tmp_path):
    run = create_run("digits", {}, tmp_path)
    run.log(epoch=1)
    with (run.path / "log.jsonl").open("ab") as file:
        file.write(b'{"epoch":2,"lo')
    assert run.read_log() == [{"epoch": 1}]
    run.log(epoch=2)
    assert run.read_log() == [{"epoch": 1}, {"epoch": 2}]


def test_a_log_is_one_plain_json_object_a_line(tmp_path):
    run = create_run("digits", {}, tmp_path)
    run.log(epoch=1, note="a\nb\u2028c")
    lines = (run.path / "log.jsonl").read_bytes().split(b"\n")
    assert [json.loads(line) for line in lines[:-1]] == [{"epoch": 1, "note": "a\nb\u2028c"}]
    assert run.read_log() == [{"epoch": 1, "note": "a\nb\u2028c"}]


def test_a_damaged_log_line_is_named(tmp_path):
    run = create_run("digits", {}, tmp_path)
    (run.path / "log.jsonl").write_bytes(b'{"epoch":1}\n{"epoch":\n{"epoch":3}\n')
    with pytest.raises(RunError, match="digits-1/log.jsonl, line 2 is damaged"):
        run.read_log()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60) | st.text(alphabet='{}[]":,1eftnul\\d8', max_size=60))
def test_any_bytes_for_a_config_are_one_or_a_run_error(tmp_path, data):
    (tmp_path / "config.json").write_bytes(data if isinstance(data, bytes) else data.encode())
    try:
        run = open_run(tmp_path)
    except RunError:
        return
    assert run.config.format == 1


def test_a_file_in_the_place_of_the_runs_is_a_typed_error(tmp_path):
    (tmp_path / "runs").write_text("mine")
    with pytest.raises(RunError, match="cannot make a folder"):
        create_run("digits", {}, tmp_path / "runs")
    with pytest.raises(RunError, match="cannot be listed"):
        list_runs(tmp_path / "runs")
