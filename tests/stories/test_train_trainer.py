"""The minibatch loop: the same seed, the same weights; interrupted, nothing but a step is lost."""

import hashlib

import numpy as np
import pytest
from laws.alarm import Alarm, needs_alarm

from pullback.errors import DataError, OptionError, RunError
from pullback.nn import CrossEntropy, Linear, MeanSquaredError, ReLU, Sequential
from pullback.train import SGD, Examples, Plan, Task, Training

TASK = Task(Sequential(Linear(8), ReLU(), Linear(3)), CrossEntropy(), SGD(0.05, momentum=0.9))


def examples(rows=70, seed=0, noise=1.0):
    """Three clouds, one a class; with noise they overlap, so that validation can get worse."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, rows)
    centres = np.array([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])
    x = centres[labels] + noise * generator.normal(size=(rows, 2))
    return Examples(x.astype(np.float32), labels)


def hashed(arrays):
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays.values())).hexdigest()


def of_net(training):
    """What the net needs, after the last step."""
    return {name: training.now.carried[name] for name in training.weights}


class Diary:
    """A monitor that remembers, and stops training like Ctrl-C after `last` epochs."""

    def __init__(self, last=None):
        self.records, self.last = [], last

    def epoch(self, record):
        self.records.append(record)
        if record.epoch == self.last:
            raise KeyboardInterrupt


def trained(plan, last=None, validation=None, task=TASK, state=None, rows=70):
    training, diary = Training(task, plan, examples(rows), validation, state), Diary(last)
    training.run(diary)
    return training, diary.records


def test_the_same_seed_gives_the_same_weights_bit_for_bit():
    one, two, other = (trained(Plan(max_epochs=3, seed=s))[0] for s in (1, 1, 2))
    assert hashed(one.now.carried) == hashed(two.now.carried) != hashed(other.now.carried)


def test_training_learns():
    training, records = trained(Plan(max_epochs=30))
    assert training.stopped == "max_epochs"
    assert records[-1].loss < 0.5 * records[0].loss
    assert 0.8 < records[-1].accuracy <= 1.0


def test_every_epoch_meets_every_row_once_in_an_order_of_its_own():
    first, second = (Plan(seed=4).order(epoch, 50) for epoch in (1, 2))
    assert sorted(first) == sorted(second) == list(range(50))
    assert list(first) != list(second)


def test_the_loss_of_an_epoch_weighs_every_row_alike_in_a_short_last_batch_too():
    still = Task(Linear(3), TASK.loss, SGD(1e-30))
    training, records = trained(Plan(batch_size=32, max_epochs=1), task=still)  # 32 + 32 + 6
    loss, accuracy = training.evaluate(training.train)
    assert records[0].loss == pytest.approx(loss, rel=1e-6)  # float32 sums of 70 rows
    assert records[0].accuracy == accuracy


def test_a_batch_larger_than_the_rows_is_one_step_an_epoch():
    training, _ = trained(Plan(batch_size=1000, max_epochs=2))
    assert training.now.epoch == 2


def test_patience_keeps_the_best_weights_on_validation():
    validation = examples(40, seed=9, noise=2.5)
    training, records = trained(Plan(max_epochs=300, patience=5), validation=validation)
    losses = [r.validation_loss for r in records]
    assert training.stopped == "patience"
    assert len(losses) == np.argmin(losses) + 1 + 5
    assert training.evaluate(validation, times=300)[0] == min(losses)
    assert [r.best for r in records].count(True) == sum(
        loss < min(losses[:i], default=np.inf) for i, loss in enumerate(losses)
    )


def test_without_validation_the_last_weights_are_kept():
    training, _ = trained(Plan(max_epochs=2, patience=1))
    assert hashed(training.weights) == hashed(of_net(training))


@pytest.mark.parametrize("last", [1, 2, 4])
def test_a_training_that_goes_on_ends_as_if_it_had_never_stopped(last):
    validation = examples(40, seed=9)
    plan = Plan(max_epochs=6, seed=3)
    whole, _ = trained(plan, validation=validation)
    first, _ = trained(plan, last, validation)
    second, _ = trained(plan, validation=validation, state=first.now)
    assert first.stopped == "interrupted"
    assert hashed(second.now.carried) == hashed(whole.now.carried)
    assert hashed(second.weights) == hashed(whole.weights)
    assert second.now.best_loss == whole.now.best_loss


@needs_alarm
@pytest.mark.parametrize("milliseconds", [3, 7, 13, 19, 29, 37, 43, 53])
def test_an_interruption_at_any_moment_leaves_a_full_step_to_go_on_from(milliseconds):
    plan = Plan(batch_size=4, max_epochs=12)
    whole, _ = trained(plan)
    training = Training(TASK, plan, examples())
    with Alarm(milliseconds):
        training.run()
    after, _ = trained(plan, state=training.now)
    assert (
        training.now.step <= 18
    )  # of 70 examples, 4 at a time: a finished epoch counts from 0 again
    assert hashed(after.now.carried) == hashed(whole.now.carried)


def test_interrupted_weights_are_those_of_the_last_step_not_the_best():
    validation = examples(40, seed=9, noise=2.5)
    training, records = trained(Plan(max_epochs=300, patience=50), 40, validation)
    assert not records[-1].best
    assert hashed(training.weights) == hashed(of_net(training))


def test_a_learning_rate_far_too_large_names_the_wire_that_went_first():
    wild = Task(TASK.net, TASK.loss, SGD(1e30))
    with pytest.raises(RunError, match=r"epoch 1, step 2: 'layer\d_\w+' is -?inf") as caught:
        trained(Plan(batch_size=4), task=wild)
    assert "learning_rate is 1e+30" in str(caught.value)


@pytest.mark.parametrize("executor", ["reference", "native"])
@pytest.mark.parametrize("size", [1, 4, 32, 100])
def test_a_number_that_is_not_finite_is_found_in_the_rows(executor, size):
    data = examples()
    data.x[41, 1] = np.nan
    with pytest.raises(RunError, match="'x' is nan at row 41, column 1") as caught:
        Training(TASK, Plan(size, 3), data, executor=executor).run()
    assert "learning_rate" not in str(caught.value)
    assert caught.value.fix == "leave that row out"


def test_a_number_that_is_not_finite_is_found_in_the_rows_to_be_judged_by():
    judged = examples(40, seed=9)
    judged.x[3, 0] = np.inf
    with pytest.raises(RunError, match="'x' of the validation rows is inf at row 3, column 0"):
        trained(Plan(max_epochs=3), validation=judged)


def test_a_number_that_is_not_finite_is_found_in_the_weights_to_start_from():
    begun = Training(TASK, Plan(max_epochs=3), examples())
    begun.now.carried["layer1_W"][0, 1] = np.nan
    with pytest.raises(RunError, match=r"'layer1_W' starts as nan at index \(0, 1\)"):
        trained(Plan(max_epochs=3), state=begun.now)


@pytest.mark.parametrize("rows", [1, 2], ids=["found after the epoch", "found in the next step"])
def test_a_weight_that_leaves_the_numbers_unseen_by_the_loss_is_found_too(rows):
    wild = Task(Linear(1, bias=False), MeanSquaredError(), SGD(1e38))
    data = Examples(np.full((rows, 1), 10, np.float32), np.full((rows, 1), 5, np.float32))
    with pytest.raises(RunError, match="epoch 1, step 1: 'W_step' is -?inf"):
        Training(wild, Plan(max_epochs=1, batch_size=1), data).run()


def test_regression_counts_no_right_rows():
    data = Examples(np.ones((6, 2), np.float32), np.ones((6, 1), np.float32))
    diary = Diary()
    Training(Task(Linear(1), MeanSquaredError(), SGD(0.1)), Plan(max_epochs=2), data).run(diary)
    assert diary.records[-1].accuracy is None


def test_no_rows_are_a_data_error():
    with pytest.raises(DataError, match="no rows"):
        Training(TASK, Plan(), examples(0))


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"max_epochs": -1}, {"patience": 0},
                                     {"seed": -1}, {"seed": 1.5}])  # fmt: skip
def test_a_plan_has_ranges(options):
    with pytest.raises(OptionError, match=next(iter(options))):
        Plan(**options)
