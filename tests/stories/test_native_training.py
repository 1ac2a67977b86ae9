"""Training in machine code keeps every promise of training: resumed bit for bit, interrupted anywhere."""

import hashlib
import warnings

import numpy as np
import pytest
from laws.alarm import Alarm, needs_alarm

import pullback.executors
from pullback.errors import OptionError, RangeError, RunError
from pullback.executors.native.llvm import jit
from pullback.nn import CrossEntropy, Linear, ReLU, Sequential
from pullback.train import SGD, Examples, Plan, Task, Training

TASK = Task(Sequential(Linear(8), ReLU(), Linear(3)), CrossEntropy(), SGD(0.05, momentum=0.9))


def examples(rows=70):
    generator = np.random.default_rng(0)
    return Examples(
        generator.normal(size=(rows, 2)).astype(np.float32), generator.integers(0, 3, rows)
    )


def hashed(arrays):
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays.values())).hexdigest()


def trained(plan, state=None, executor="native", task=TASK, data=None):
    training = Training(task, plan, data or examples(), state=state, executor=executor)
    training.run()
    return training


def test_the_same_seed_gives_the_same_weights():
    one, two = (trained(Plan(max_epochs=3, batch_size=16)) for _ in range(2))
    assert hashed(one.now.carried) == hashed(two.now.carried)


def test_it_learns_what_numpy_learns():
    ours, theirs = (trained(Plan(max_epochs=3), executor=e) for e in ("native", "reference"))
    pairs = zip(ours.weights.values(), theirs.weights.values(), strict=True)
    assert all(np.allclose(a, b, 1e-4, 1e-5) for a, b in pairs)
    assert ours.now.step == theirs.now.step


@needs_alarm
@pytest.mark.parametrize("milliseconds", [2, 5, 11, 23])
# Interrupted while the cache is read, Python leaves a file for its collector to close.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupted_anywhere_it_goes_on_bit_for_bit(milliseconds):
    plan = Plan(batch_size=4, max_epochs=40)
    whole, training = trained(plan), Training(TASK, plan, examples(), executor="native")
    with Alarm(milliseconds):
        training.run()
    after = trained(plan, state=training.now)
    assert training.now.step <= 18
    assert hashed(after.now.carried) == hashed(whole.now.carried)


class InOrder(Plan):
    """No time goes by until the first step."""

    def order(self, epoch, rows):
        return np.arange(rows)


@needs_alarm
def test_one_long_epoch_is_left_in_its_middle():
    rows = 4_000_000
    data = examples(rows)
    training = Training(TASK, InOrder(batch_size=4, max_epochs=1), data, executor="native")
    training.loop._portion(4, np.arange(8))  # compiled
    with Alarm(60):
        training.run()
    assert training.stopped == "interrupted"
    assert 2 < training.now.step < rows // 4
    assert np.isfinite(training.now.sums["loss"])


@pytest.mark.parametrize("batch", [4, 70])
def test_the_wire_that_went_bad_first_is_named(batch):
    wild = Task(TASK.net, TASK.loss, SGD(1e30))
    with pytest.raises(RunError, match=r"epoch [12], step [12]: 'layer\d_\w+' is -?inf"):
        trained(Plan(batch_size=batch), task=wild)


def test_a_label_out_of_range_is_named():
    data = examples()
    data.target[69] = 3
    wrong = Training(TASK, Plan(batch_size=10), data, executor="native")
    with pytest.raises(RangeError, match=r"index 3 at \d lies outside 0\.\.2"):
        wrong.run()


def test_an_unknown_executor_is_refused():
    with pytest.raises(OptionError, match="'nativ'"):
        trained(Plan(max_epochs=1), executor="nativ")


def test_without_llvmlite_numpy_trains_and_says_so(monkeypatch):
    monkeypatch.setattr(jit, "lacking", lambda: "llvmlite is not installed")
    monkeypatch.setattr(pullback.executors, "_warned", {})
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = trained(Plan(max_epochs=2))
    assert hashed(found.now.carried) == hashed(
        trained(Plan(max_epochs=2), executor="reference").now.carried
    )
    assert ["llvmlite is not installed" in str(w.message) for w in said] == [True]
