"""Every gradient rule against central finite differences of the op's reference, in float64.

The whole Jacobian is compared, for every output alone and for all together, by running the backward
graph once for each unit vector. With a step of h = u^(1/3) a central difference is off by about
u^(2/3) (|f'''| / 6 + k |f|), k the number of roundings in f: the samples keep |f'''| below 200, and
k is at most a few dozen.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fastnn import ops
from fastnn.graph import Constant, Graph, Tensor, gradients
from tests.op_samples import SAMPLES, Sample

U = np.finfo(np.float64).eps
H = U ** (1 / 3)
DIFFERENTIABLE = [n for n, op in ops.registry.items() if not hasattr(op.gradient, "why")]
CASES = [
    pytest.param(name, sample, id=f"{name}-{i}")
    for name in DIFFERENTIABLE
    for i, sample in enumerate(SAMPLES.get(name, []))
]


def values_of(graph: Graph, known: dict, sample: Sample) -> dict:
    """Every tensor of the graph, by the references, in float64."""
    value = dict(known)

    def read(t):
        if t is None:
            return None
        if isinstance(t, Constant):
            return t.value.astype(np.float64) if t.dtype == "float32" else t.value
        return value[t]

    for node in graph.nodes:
        extra = {"run": sample.run()} if node.op.run else {}
        results = node.op.reference(*map(read, node.inputs), **node.attrs, **extra)
        results = results if isinstance(results, tuple) else (results,)
        for tensor, result in zip(node.outputs, results, strict=True):
            result = np.asarray(result)
            assert result.shape == tensor.shape, f"{node!r}: the reference gave {result.shape}"
            value[tensor] = result
    return value


def forward(op, inputs, sample: Sample) -> list[np.ndarray]:
    extra = {"run": sample.run()} if op.run else {}
    results = op.reference(*inputs, **{**op.attrs, **sample.attrs}, **extra)
    return [np.asarray(r) for r in (results if isinstance(results, tuple) else (results,))]


def flat(arrays) -> np.ndarray:
    return np.concatenate([np.ravel(a) for a in arrays])


def numeric_jacobian(op, sample: Sample, i: int, outputs) -> np.ndarray:
    """d(outputs) / d(input i), one row an output element."""
    columns = []
    for k in range(sample.inputs[i].size):
        ends = []
        for sign in (1, -1):
            inputs = list(sample.inputs)
            inputs[i] = inputs[i].copy()
            inputs[i].flat[k] += sign * H
            results = forward(op, inputs, sample)
            ends.append((flat(results[o] for o in outputs), inputs[i].flat[k]))
        columns.append((ends[0][0] - ends[1][0]) / (ends[0][1] - ends[1][1]))
    return np.stack(columns, axis=1)


def graph_jacobian(op, sample: Sample, wrt, outputs) -> list[np.ndarray]:
    """The same for each input in `wrt`, from the gradient rule."""
    with Graph() as graph:
        tensors = [
            None if x is None else Tensor(x.shape, "float32" if x.dtype == float else str(x.dtype))
            for x in sample.inputs
        ]
        made = op(*tensors, **sample.attrs)
        made = made if isinstance(made, tuple) else (made,)
        cotangents = [Tensor(made[o].shape) for o in outputs]
        loss = None
        for o, cotangent in zip(outputs, cotangents, strict=True):
            part = ops.weighted_sum(made[o], cotangent)
            loss = part if loss is None else ops.add(loss, part)
        grads = gradients(graph, loss, [tensors[i] for i in wrt])
    known = {t: x for t, x in zip(tensors, sample.inputs, strict=True) if t is not None}
    count = sum(c.size for c in cotangents)
    rows: list[list[np.ndarray]] = [[] for _ in wrt]
    for unit in np.eye(count):
        parts = np.split(unit, np.cumsum([c.size for c in cotangents])[:-1])
        known |= {c: p.reshape(c.shape) for c, p in zip(cotangents, parts, strict=True)}
        value = values_of(graph, known, sample)
        for i, grad, to in zip(wrt, grads, rows, strict=True):
            zero = np.zeros(sample.inputs[i].size)
            to.append(zero if grad is None else value[grad].ravel())
    return [np.stack(r) for r in rows]


def check(name: str, sample: Sample) -> None:
    op = ops.registry[name]
    values = forward(op, sample.inputs, sample)
    count = len(values)
    wrt = [i for i, x in enumerate(sample.inputs) if x is not None and x.dtype == float]
    assert wrt, "a sample needs something to differentiate by"
    for size in range(1, count + 1):
        for outputs in itertools.combinations(range(count), size):
            found = graph_jacobian(op, sample, wrt, outputs)
            for i, jacobian in zip(wrt, found, strict=True):
                expected = numeric_jacobian(op, sample, i, outputs)
                largest = max(np.abs(v).max() for v in values)
                tolerance = U ** (2 / 3) * (200 / 6 + 30 * largest)
                np.testing.assert_allclose(
                    jacobian, expected, rtol=0, atol=tolerance,
                    err_msg=f"{name}: d(outputs {outputs}) / d(input {i}) with {sample.attrs}",
                )  # fmt: skip


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_gradient_is_the_derivative(name, sample):
    check(name, sample)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_every_differentiable_op_has_samples(name):
    assert SAMPLES.get(name), f"{name} has a gradient rule but no samples in tests/op_samples.py"
    defaults = ops.registry[name].attrs
    tried = [{**defaults, **s.attrs} for s in SAMPLES[name]]
    for attr, default in defaults.items():
        assert any(t[attr] != default for t in tried), f"{name}: `{attr}` is always {default}"


@pytest.mark.parametrize("error", [1.0, 1e-6], ids=["missing factor", "a digit too few"])
def test_a_wrong_rule_is_seen(monkeypatch, error):
    right = ops.tanh.gradient
    wrong = lambda node, dy: (ops.affine(right(node, dy)[0], scale=1 + error),)  # noqa: E731
    monkeypatch.setattr(ops.tanh, "gradient", wrong)
    with pytest.raises(AssertionError, match="tanh"):
        check("tanh", SAMPLES["tanh"][0])


# At a corner, where finite differences say nothing, the choice is ours and is written in the docs.
CORNERS = [
    ("relu", [0.0], {}, [[0.0]]),
    ("leaky_relu", [0.0], {"alpha": 0.3}, [[0.3]]),
    ("abs", [0.0], {}, [[0.0]]),
    ("clip", [-1.0, 2.0], {"low": -1.0, "high": 2.0}, [[1.0, 1.0]]),
    ("clipped_relu", [0.5, 1.5], {"threshold": 0.5, "max_value": 1.5}, [[0.0, 1.0]]),
    ("reduce_max", [3.0, 1.0, 3.0], {"axis": 0}, [[0.5, 0.0, 0.5]]),
    ("maximum", (1.0, 1.0), {}, [[0.5], [0.5]]),
    ("minimum", (1.0, 1.0), {}, [[0.5], [0.5]]),
    ("mean_absolute_error", ([2.0], [2.0]), {}, [[0.0], [0.0]]),
    ("hinge", ([1.0], [1.0]), {}, [[-1.0], [-1.0]]),
    ("sign", [0.3], {}, [[0.0]]),
]


@pytest.mark.parametrize(("name", "inputs", "attrs", "expected"), CORNERS)
def test_gradient_at_a_corner(name, inputs, attrs, expected):
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    sample = Sample(tuple(np.array(x) for x in inputs), attrs)
    found = graph_jacobian(ops.registry[name], sample, range(len(inputs)), [0])
    for jacobian, row in zip(found, expected, strict=True):
        np.testing.assert_array_equal(jacobian.sum(axis=0), row)
