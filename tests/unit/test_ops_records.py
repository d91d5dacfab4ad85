"""The records themselves: each op fits its kernel's signature, its reference keeps the float type,
and wrong calls are refused with a sentence that helps. No native code runs here."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from fastnn import ops
from fastnn.graph import Graph, Node, Tensor
from fastnn.ops._op import define, not_differentiable
from fastnn.planner.signature import match_dims, signatures
from tests.op_samples import SAMPLES

CASES = [
    pytest.param(ops.registry[name], sample, id=f"{name}-{i}")
    for name, samples in SAMPLES.items()
    for i, sample in enumerate(samples)
]


def node_of(op, sample) -> Node:
    """The node that a call with this sample records; its floats are float32 unless the op says."""
    tensors = []
    for x, declared in zip(sample.inputs, op.inputs, strict=True):
        dtype = declared.dtype
        if dtype == "any":
            dtype = x.dtype.name if op.name == "gather" else "float32"
        tensors.append(None if x is None else Tensor(x.shape, dtype))
    with Graph() as graph:
        op(*tensors, **sample.attrs)
    return graph.nodes[-1]


@pytest.mark.parametrize("name", list(ops.registry))
def test_every_op_has_samples(name):
    assert SAMPLES.get(name), f"{name} has no samples in tests/op_samples.py"


@pytest.mark.parametrize("name", list(ops.registry))
def test_record_is_complete(name):
    op = ops.registry[name]
    assert op.name == name and op.__doc__ and getattr(ops, name) is op
    module = Path(ops.__file__).parent / f"{name.removesuffix('_grad')}.py"
    assert f'"{name}"' in module.read_text()


@pytest.mark.parametrize(("op", "sample"), [c for c in CASES if not c.values[0].alias])
def test_op_fits_its_kernel(op, sample):
    """Number, order and dtypes of operands; dims that give the operands' sizes; attributes."""
    node = node_of(op, sample)
    sig = signatures()[op.opcode(node)]
    assert len(node.inputs) <= len(sig.reads) and len(node.outputs) <= len(sig.writes)
    operands = [None] * len(sig.operands)
    for position, t in [*zip(sig.reads, node.inputs, strict=False),
                        *zip(sig.writes, node.outputs, strict=False)]:  # fmt: skip
        operands[position] = t
    dims = match_dims(sig, [None if t is None else t.shape for t in operands], op.dims(node))
    for operand, t in zip(sig.operands, operands, strict=True):
        if t is None:
            assert operand.optional
            continue
        assert t.dtype == operand.dtype
        names = [d[0] if isinstance(d, tuple) else d for d in operand.dims]
        sizes = [t.shape[0] if n == "*" else n if isinstance(n, int) else dims[n] for n in names]
        assert math.prod(sizes) == t.size
    for declared, operand in zip(op.inputs, (sig.operands[i] for i in sig.reads), strict=False):
        assert declared.dtype in ("any", operand.dtype)
        assert declared.optional <= operand.optional
    assert op.effect == (any(sig.operands[i].written for i in sig.reads) or not sig.writes)
    values = op.native_attrs(node)
    assert all(math.isfinite(values[a]) or a == "max_value" for a in sig.attrs)
    assert op.flops(node) >= 0


def test_every_opcode_is_used():
    used = {op.opcode(node_of(op, s)) for op, s in (c.values for c in CASES)}
    assert set(signatures()) <= used


def test_no_opcode_of_an_activation_is_out_of_order():
    header = Path(__file__).parents[2] / "csrc/cpu/activation.h"
    body = re.search(r"enum class Activation.*?\{(.*?)count", header.read_text(), re.S)[1]
    assert list(ops.ACTIVATIONS) == re.findall(r"\w+", body)
    assert list(ops.ACTIVATIONS.values()) == list(range(len(ops.ACTIVATIONS)))


def test_type_checkers_see_every_op():
    stub = Path(ops.__file__).with_suffix(".pyi").read_text()
    assert re.findall(r"^(\w+): Op$", stub, re.M) == list(ops.registry)


@pytest.mark.parametrize(("op", "sample"), CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_reference_keeps_the_float_type(op, sample, dtype):
    node = node_of(op, sample)
    inputs = [
        x.astype(dtype) if t is not None and t.dtype == "float32" else x
        for x, t in zip(sample.inputs, node.inputs, strict=True)
    ]
    extra = {"run": sample.run(dtype)} if op.run else {}
    results = op.reference(*inputs, **{**op.attrs, **sample.attrs}, **extra)
    results = results if isinstance(results, tuple) else (results,)
    made = list(node.outputs)
    if op.effect:
        sig = signatures()[op.opcode(node)]
        written = (sig.operands[i].written for i in sig.reads)
        made = [t for t, w in zip(node.inputs, written, strict=False) if w and t is not None]
    for result, t in zip(results, made, strict=True):
        assert np.shape(result) == t.shape
        assert np.asarray(result).dtype == (dtype if t.dtype == "float32" else t.dtype)


WRONG = [
    # op, shapes or (shape, dtype) of the inputs, attributes, what the message must say
    ("add", [(3, 4), (2, 4)], {}, r"ops\.add: shapes \(3, 4\) and \(2, 4\) do not broadcast"),
    ("add", [(2, 1, 4), (2, 3, 4)], {}, r"\(2, 1, 4\) and \(2, 3, 4\).*not supported.*Reshape"),
    ("multiply", [(3,), ((3,), "int32")], {}, r"`b` must be float32, int32\[3\] came"),
    ("relu", [None], {}, r"ops\.relu: `x` is missing"),
    ("relu_grad", [(3,), (4,)], {}, r"\(3,\) and \(4,\) must be equal"),
    ("leaky_relu", [(3,)], {"alpha": -0.1}, r"alpha must be at least 0, -0\.1 came"),
    ("elu", [(3,)], {"alpha": -1}, r"alpha must be at least 0"),
    ("clip", [(3,)], {"low": 1, "high": 0}, r"low must not be above high, 1 and 0 came"),
    ("dropout", [(3,)], {"rate": 1.5}, r"rate must be a probability from 0 to 1, 1\.5 came"),
    ("matmul", [(3, 4), (5, 6)], {}, r"inner sizes differ, 4 and 5: shapes \(3, 4\) and \(5, 6\)"),
    ("matmul", [(3,), (3, 4)], {}, r"two matrices are due"),
    ("matmul", [(3, 4), (5, 3)], {"transpose_a": True, "transpose_b": True}, r"both operands"),
    ("matmul", [(3, 4), (4, 5)], {"precision": "low"}, r"'highest', 'high' or 'medium'.*'low'"),
    ("linear", [(3, 4), (4, 5), (4,)], {}, r"bias must have shape \(5,\), \(4,\) came"),
    ("linear", [(3, 4), (4, 5), None, (3, 4)], {}, r"saved must have shape \(3, 5\), \(3, 4\)"),
    ("linear", [(3, 4), (4, 5)], {"activation": "swosh"}, r"'swosh' is not one of linear, relu"),
    ("activation_grad_bias", [(3, 4)], {"activation": "tanh"}, r"tanh needs `saved`"),
    ("activation_grad_bias", [(3,)], {}, r"dy must be a matrix"),
    ("reshape", [(3, 4)], {"shape": (5, -1)}, r"12 elements and cannot become \(5, -1\)"),
    ("reshape", [(3, 4)], {"shape": (-1, -1)}, r"cannot become"),
    ("reshape", [(3, 4)], {"shape": (-3, -4)}, r"cannot become"),
    ("one_hot", [((3,), "int32")], {"depth": 0}, r"depth must be at least 1, 0 came"),
    ("one_hot", [(3,)], {"depth": 3}, r"`labels` must be int32, float32\[3\] came"),
    ("reduce_sum", [(3, 4)], {"axis": 2}, r"axis 2 is out of range for a tensor with 2 axes"),
    ("reduce_max", [(3, 4)], {"axis": -3}, r"axis -3 is out of range"),
    ("reduce_sum", [(3, 4)], {"axis": 0.5}, r"axis must be a whole number, 0\.5 came"),
    ("broadcast_axis", [(3,)], {"axis": 2, "size": 4}, r"axis 2 is out of range"),
    ("broadcast_axis", [(3,)], {"axis": 0, "size": -1}, r"size must not be negative"),
    ("softmax", [(3, 4)], {"axis": 5}, r"axis 5 is out of range"),
    ("softmax_grad", [(3, 4), (3, 5)], {}, r"\(3, 4\) and \(3, 5\) must be equal"),
    ("weighted_sum", [(3,), (4,)], {}, r"\(3,\) and \(4,\) must be equal"),
    (
        "weighted_sum_grad",
        [(), (4,)],
        {"shape": (3,)},
        r"weights \(4,\) must have the shape \(3,\)",
    ),
    ("norm_scale", [(3,)], {"limit": 0}, r"limit must be positive"),
    ("mean_squared_error", [(3, 4), (3, 5)], {}, r"target \(3, 4\) and prediction \(3, 5\)"),
    ("huber", [(3, 4), (3, 4)], {"delta": 0}, r"delta must be positive"),
    ("poisson", [(), ()], {}, r"at least one axis"),
    ("categorical_crossentropy", [(3, 1), (3, 4)], {}, r"Class numbers need the sparse form"),
    ("sparse_categorical_crossentropy", [((4,), "int32"), (3, 5)], {}, r"one label a row"),
    ("sparse_softmax_crossentropy", [(3,), (3, 5)], {}, r"`labels` must be int32"),
    ("hinge_grad", [(3, 4), (3, 4), (4,)], {}, r"drows \(4,\) must be one value a row of \(3, 4\)"),
    ("sparse_top_k", [((3,), "int32"), (3, 5)], {"k": 0}, r"k must be at least 1"),
    ("top_k", [(3, 5), (3, 5)], {"k": -1}, r"k must be at least 1"),
    ("accumulate", [((3,), "float64"), (4,)], {}, r"total must be \(sum, count\)"),
    ("accumulate", [(2,), (4,)], {}, r"`total` must be float64"),
    ("accumulate_confusion", [((4, 2), "float64"), (3,), (3,), None, (5,)], {}, r"totals must be"),
    ("accumulate_confusion", [((4, 2), "float64"), (3,), (3,), (2,)], {}, r"`thresholds` is miss"),
    ("gather", [((3, 4), "float16")], {"batch": 2}, r"float16 to float32 is not among"),
    (
        "gather",
        [((3, 4), "float32")],
        {"batch": 2, "dtype": "int32"},
        r"float32 to int32 is not among",
    ),
    ("gather", [((3,), "uint8")], {"batch": 2, "dtype": "int32", "scale": 2.0}, r"for float32"),
    ("gather", [()], {"batch": 2}, r"data must have rows"),
    ("gather", [(3,)], {"batch": -2}, r"batch must not be negative"),
    ("scatter_rows", [(2, 4), (9, 3)], {}, r"rows of \(2, 4\) do not fit into \(9, 3\)"),
    ("sgd", [(3,), (4,)], {}, r"\(3,\) and \(4,\) must be equal"),
    ("adam", [(3,), (3,), (3,), (3,), None, (2,)], {}, r"factor must be one number"),
]


@pytest.mark.parametrize(("name", "inputs", "attrs", "message"), WRONG)
def test_wrong_shapes_and_attributes_are_refused(name, inputs, attrs, message):
    tensors = [
        None if i is None else Tensor(*i) if i and isinstance(i[-1], str) else Tensor(i)
        for i in inputs
    ]
    op = ops.registry[name]
    tensors += [None] * (len(op.inputs) - len(tensors))
    with pytest.raises(ValueError, match=message) as error:
        op.infer(tensors, {**op.attrs, **attrs})
    assert str(error.value).startswith(f"ops.{name}: ")


def test_arguments():
    x = Tensor((3, 4))
    with Graph():
        assert ops.reshape(x, (4, 3)).shape == (4, 3)
        assert ops.clip(x, -1.0, 1.0).node.attrs == {"low": -1.0, "high": 1.0}
        assert ops.clip(x, -1.0, high=2.0).node.attrs == {"low": -1.0, "high": 2.0}
        for call, message in (
            (lambda: ops.reshape(x), r"`shape` is missing; it takes x, shape"),
            (lambda: ops.relu(), r"takes x; 0 values came"),
            (lambda: ops.relu(x, x), r"takes x; 2 values came"),
            (lambda: ops.softmax(x, axes=1), r"unknown argument 'axes'; it takes x, axis=-1"),
            (lambda: ops.clip(x, 1.0, 2.0, low=0.0), r"'low' came twice"),
            (lambda: ops.relu(x, out=np.zeros((3, 4))), r"`out` is for arrays"),
            (lambda: ops.dropout(x, 0.5, seed=3), r"`seed` is for arrays"),
            (lambda: ops.weighted_sum(), r"takes values, weights=None, divisor=1.0; 0 values"),
        ):
            with pytest.raises(TypeError, match=message):
                call()


def test_constants_beside_tensors():
    x = Tensor((3,))
    with Graph() as graph:
        assert (x + 1).dtype == (np.arange(3) * x).dtype == "float32"
        assert graph.nodes[0].inputs[1].shape == ()
        with pytest.raises(TypeError, match="complex128 came where float32 is due"):
            ops.add(x, np.ones(3, complex))


def test_references_refuse_what_kernels_report():
    run = SAMPLES["gather"][0].run()
    x = np.ones((3, 4))
    for call, error, message in (
        (lambda: ops.one_hot.reference(np.array([1, 3]), 3, run=run), ValueError,
         "label 3 in row 1 is out of range for 3 classes"),
        (lambda: ops.sparse_softmax_crossentropy.reference(np.array([0, -2, 1]), x, ignore=-1),
         ValueError, "label -2 in row 1"),
        (lambda: ops.gather.reference(x, None, 2, "float32", 1.0, 0.0, run=run), IndexError,
         "row 3 was asked for, but the data has 3 rows"),
        (lambda: ops.gather.reference(x, np.array([0, 1, 0, -1]), 2, "float32", 1.0, 0.0, run=run),
         IndexError, "row -1 was asked for"),
        (lambda: ops.scatter_rows.reference(x, x, run=run), IndexError, "rows 2 to 5 of 3"),
        (lambda: ops.check_finite.reference(np.array([1, np.nan]), 7), ValueError, "instruction 7"),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            call()


def test_sum_and_mean_over_several_axes():
    x = Tensor((2, 3, 4))
    with Graph() as graph:
        for axis, keepdims, shape in (
            (None, False, ()), (None, True, (1, 1, 1)), (1, False, (2, 4)), ((0, -1), False, (3,)),
            ((0, 2), True, (1, 3, 1)), ((), False, (2, 3, 4)),
        ):  # fmt: skip
            assert ops.sum(x, axis, keepdims).shape == ops.mean(x, axis, keepdims).shape == shape
        with pytest.raises(ValueError, match=r"ops.sum: an axis is named twice"):
            ops.sum(x, (0, -3))
        with pytest.raises(ValueError, match=r"ops.mean: axis 3 is out of range"):
            ops.mean(x, 3)
        with pytest.raises(ValueError, match=r"ops.mean: the mean of no elements"):
            ops.mean(Tensor((0, 3)), 0)
    assert {n.op.name for n in graph.nodes} == {"reduce_sum", "weighted_sum"}


def test_ops_without_a_gradient_say_why():
    with Graph():
        node = ops.sparse_top_k(Tensor((3,), "int32"), Tensor((3, 5))).node
        with pytest.raises(ValueError, match="sparse_top_k has no gradient: a metric"):
            node.op.gradient(node, Tensor((3,)))


def test_unknown_names():
    with pytest.raises(AttributeError, match="no op 'rleu'"):
        ops.rleu  # noqa: B018
    assert "rleu" not in ops.registry and "_op" not in ops.registry and "relu" in ops.registry
    assert {"relu", "sum", "registry"} <= set(dir(ops))


def test_define_wants_all_rules():
    rules = {"shape": len, "gradient": not_differentiable("x"), "reference": len}
    with pytest.raises(ValueError, match="'relu' is already defined"):
        define("relu", **rules)
    for missing in rules:
        with pytest.raises(TypeError):
            define("new", **{k: v for k, v in rules.items() if k != missing})
        with pytest.raises(TypeError, match="must be functions"):
            define("new", **{**rules, missing: 3})
    assert "new" not in ops.registry


def test_the_guide_quotes_what_is_there():
    root = Path(__file__).parents[2]
    guide = (root / "docs/add_an_op.md").read_text()
    quotes = re.findall(r"^`([\w/.]+)`:\n\n```\w*\n(.*?)```", guide, re.M | re.S)
    assert len(quotes) == guide.count("```") / 2
    for path, text in quotes:
        assert text in (root / path).read_text(), f"{path} does not say:\n{text}"
