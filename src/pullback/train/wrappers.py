"""Optimizers around optimizers: they see all weights at once, by name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import reduce
from operator import add
from typing import Any, Self

from pullback.core.ranges import check_number
from pullback.errors import OptionError
from pullback.gates.choose import minimum
from pullback.gates.curves import sqrt
from pullback.gates.reduce import sum
from pullback.passes.optimizer import Optimizer, State, States, prefixed

Arrays = Mapping[str, Any]


class Wrapper(Optimizer):
    """What changes pulls, weights or state around the steps of an inner optimizer.

    Write a frozen dataclass with a field `inner` and override `begin` and `step`.
    """

    inner: Optimizer

    @property
    def learning_rate(self) -> Any:  # type: ignore[override]  # it is the inner one's
        return self.inner.learning_rate

    def start(self, weight: Any) -> State:
        return self.inner.start(weight)

    def update(self, weight: Any, grad: Any, state: State) -> tuple[Any, State]:
        raise OptionError(f"{type(self).__name__} moves all weights at once; call `step`.")

    def begin(self, weights: Arrays) -> States:
        return self.inner.begin(weights)

    @abstractmethod
    def step(
        self, weights: Arrays, grads: Arrays, states: Mapping[str, State]
    ) -> tuple[dict[str, Any], States]:
        """All weights and states after one step, under the names they came with."""

    def at(self, learning_rate: Any) -> Self:
        return replace(self, inner=self.inner.at(learning_rate))  # type: ignore[type-var]


@dataclass(frozen=True)
class Clipped(Wrapper):
    """Gradient clipping: all gradients together, as one vector, have at most the norm `norm`.

    grads <- grads min(1, norm / length), length = sqrt(sum of the squares of all pulls)

    Source: Pascanu et al. 2013. Limits: norm > 0.

    >>> import numpy as np
    >>> from pullback.train import SGD
    >>> clipped, w = Clipped(SGD(1.0), norm=5.0), {"w": np.zeros(2)}
    >>> clipped.step(w, {"w": np.array([6.0, 8.0])}, clipped.begin(w))[0]["w"]
    array([-3., -4.])
    """

    inner: Optimizer
    norm: float = 1.0

    def __post_init__(self) -> None:
        check_number("norm", self.norm, above=0)

    def step(
        self, weights: Arrays, grads: Arrays, states: Mapping[str, State]
    ) -> tuple[dict[str, Any], States]:
        length = sqrt(reduce(add, [sum(grad * grad) for grad in grads.values()]))
        shorter = minimum(self.norm / (length + 1e-12), 1.0)
        return self.inner.step(weights, {n: g * shorter for n, g in grads.items()}, states)


@dataclass(frozen=True)
class Averaged(Wrapper):
    """Beside each weight a running average of it, which predicts better than the weight of any one step.

    average <- decay average + (1 - decay) weight; it starts as the weight. The average of `W` is
    the state `W_average`.

    Source: Polyak and Juditsky 1992. Limits: 0 <= decay < 1.

    >>> import numpy as np
    >>> from pullback.train import SGD
    >>> averaged, w = Averaged(SGD(1.0), decay=0.5), {"w": np.array([2.0])}
    >>> averaged.step(w, {"w": np.array([1.0])}, averaged.begin(w))[1]["w"]["average"]
    array([1.5])
    """

    inner: Optimizer
    decay: float = 0.999

    def __post_init__(self) -> None:
        check_number("decay", self.decay, least=0, below=1)

    def begin(self, weights: Arrays) -> States:
        started = self.inner.begin(weights)
        averages = {n: {**started.get(n, {}), "average": +weight} for n, weight in weights.items()}
        return {**started, **averages}

    def step(
        self, weights: Arrays, grads: Arrays, states: Mapping[str, State]
    ) -> tuple[dict[str, Any], States]:
        inner = {n: {k: v for k, v in s.items() if k != "average"} for n, s in states.items()}
        moved, kept = self.inner.step(weights, grads, inner)
        for name, weight in moved.items():
            with prefixed(weight, f"{name}_"):
                average = self.decay * states[name]["average"] + (1 - self.decay) * weight
            kept[name] = {**kept.get(name, {}), "average": average}
        return moved, kept


@dataclass(frozen=True)
class Proximal(Wrapper):
    """Proximal gradient: after each step the weights are moved by the proximal operator of a penalty.

    weight <- prox(weight, learning_rate), for weights whose name fits `only`

    prox: minimises penalty(w) + |w - weight|^2 / (2 learning_rate), written in operators. Source:
    Parikh and Boyd 2014.

    >>> import numpy as np
    >>> from pullback.train import SGD
    >>> soft = lambda w, rate: np.sign(w) * np.maximum(np.abs(w) - rate, 0.0)
    >>> sparse, w = Proximal(SGD(0.5), soft), {"w": np.array([2.0, 0.3])}
    >>> sparse.step(w, {"w": np.zeros(2)}, sparse.begin(w))[0]["w"]
    array([1.5, 0. ])
    """

    inner: Optimizer
    prox: Callable[[Any, Any], Any]
    only: str = "*"

    def step(
        self, weights: Arrays, grads: Arrays, states: Mapping[str, State]
    ) -> tuple[dict[str, Any], States]:
        moved, kept = self.inner.step(weights, grads, states)
        for name, weight in moved.items():
            if fnmatchcase(name, self.only):
                with prefixed(weight, f"{name}_"):
                    moved[name] = self.prox(weight, self.learning_rate)
        return moved, kept


@dataclass(frozen=True)
class Each(Optimizer):
    """Another optimizer for each group of weights: the first whose pattern fits a weight's name.

    A learning rate on a wire is that of the first; the others keep their ratio to it.

    >>> from pullback.train import SGD
    >>> each = Each({"*_b": SGD(0.1), "*": SGD(0.2, momentum=0.9)})
    >>> list(each.begin({"layer1_W": 1.0, "layer1_b": 1.0})["layer1_W"])
    ['velocity']
    """

    groups: Mapping[str, Optimizer]

    def __post_init__(self) -> None:
        if not self.groups:
            raise OptionError("Each has no groups.", fix='Each({"*": SGD(0.1)})')

    @property
    def learning_rate(self) -> Any:  # type: ignore[override]  # it is the first group's
        return next(iter(self.groups.values())).learning_rate

    def at(self, learning_rate: Any) -> Self:
        own = self.learning_rate
        rates = {p: learning_rate * (o.learning_rate / own) for p, o in self.groups.items()}
        return type(self)({p: o.at(rates[p]) for p, o in self.groups.items()})

    def start(self, weight: Any) -> State:
        raise OptionError("Each has to know a weight's name; call `begin`.")

    def update(self, weight: Any, grad: Any, state: State) -> tuple[Any, State]:
        raise OptionError("Each has to know a weight's name; call `step`.")

    def begin(self, weights: Arrays) -> States:
        found: States = {}
        for pattern, names in self._names(weights).items():
            started = self.groups[pattern].begin({n: weights[n] for n in names})
            _put(found, started, self._end(pattern))
        return found

    def step(
        self, weights: Arrays, grads: Arrays, states: Mapping[str, State]
    ) -> tuple[dict[str, Any], States]:
        moved: dict[str, Any] = {}
        kept: States = {}
        for pattern, names in self._names(weights).items():
            end = self._end(pattern)
            own = {n: states[n] for n in names if n in states}
            own[""] = {
                k.removesuffix(end): v for k, v in states.get("", {}).items() if k.endswith(end)
            }
            mine, pulls = ({n: some[n] for n in names} for some in (weights, grads))
            after, remembered = self.groups[pattern].step(mine, pulls, own)
            moved |= after
            _put(kept, remembered, end)
        return {name: moved[name] for name in weights}, kept

    def _end(self, pattern: str) -> str:
        """What the shared state of a group is called by, so that two groups do not meet."""
        return f"_group{list(self.groups).index(pattern) + 1}"

    def _names(self, weights: Arrays) -> dict[str, list[str]]:
        """The weights of each group that has any."""
        found: dict[str, list[str]] = {}
        for name in weights:
            fitting = [p for p in self.groups if fnmatchcase(name, p)]
            if not fitting:
                known = ", ".join(map(repr, self.groups))
                raise OptionError(f"no group fits the weight {name!r}; there are {known}.")
            found.setdefault(fitting[0], []).append(name)
        return found


def _put(found: States, state: States, end: str) -> None:
    """Put the states of one group beside the others', what its weights share under names of its own."""
    shared = {f"{key}{end}": value for key, value in state.pop("", {}).items()}
    found |= state
    if shared:
        found.setdefault("", {}).update(shared)
