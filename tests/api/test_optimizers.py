"""Optimizers: whole steps against rules written by hand in float64; tables, clipping, decay, names.

The rules are those of the papers in Keras' form. Every case has hyperparameters of its own, weight
decay among them, so that a default in a wrong place shows.
"""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import optimizers
from fastnn.graph import Graph, Variable
from fastnn.optimizers import schedules
from fastnn.planner import plan
from fastnn.runtime.program import make_program
from fastnn.training.parameters import Parameters

SHAPES = {"kernel": (5, 3), "bias": (3,), "scale": (21,)}
STEPS = 6
RNG = np.random.default_rng(2)
START = {name: RNG.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
# The second step's gradients are the largest by far: amsgrad differs from Adam after it.
GRADS = [
    {n: (RNG.normal(size=s) * (9 if t == 1 else 1)).astype(np.float32) for n, s in SHAPES.items()}
    for t in range(STEPS)
]


def run(optimizer, device: str) -> dict[str, np.ndarray]:
    """The variables after all steps, done by programs that hold nothing but the optimizer's ops."""
    variables = [Variable(value, name=name) for name, value in START.items()]
    parameters = Parameters(variables, optimizer.slot_initial_values())
    with Graph() as graph:
        optimizer.emit(parameters)
    program = make_program(plan(graph), parameters.buffers, device)
    for step, grads in enumerate(GRADS):
        for v in variables:
            parameters.gradient(v)[...] = grads[v.name]
        optimizer.iterations = step
        program.run({}, step=step, scalars=optimizer.scalar_table(step, 1))
    assert all(np.isfinite(v.value).all() for v in variables)
    padding = parameters.params.buffer.view(np.float32).copy()
    for v in variables:
        padding[v.offset // 4 : v.offset // 4 + v.size] = 0
    assert not padding.any()  # what lies between the variables stays zero
    return {v.name: v.numpy() for v in variables}


def by_hand(rule, rate, decay=0.0, decayed=tuple(SHAPES), clip=lambda grads: grads):
    """`rule(p, g, state, t, rate)` gives the new p; `state` is a dict of its own per variable."""
    values = {n: v.astype(np.float64) for n, v in START.items()}
    states: dict[str, dict] = {n: {} for n in values}
    for t, grads in enumerate(GRADS, start=1):
        grads = clip({n: g.astype(np.float64) for n, g in grads.items()})
        r = rate(t - 1) if callable(rate) else rate
        for n in values:
            p = values[n] * (1 - r * decay) if n in decayed else values[n]
            values[n] = rule(p, grads[n], states[n], t, r)
    return values


def slot(state, name, like, start=0.0):
    return state.setdefault(name, np.full_like(like, start))


def sgd(p, g, s, t, r):
    return p - r * g


def momentum(mu, nesterov):
    def rule(p, g, s, t, r):
        v = s["v"] = mu * slot(s, "v", p) - r * g
        return p + (mu * v - r * g if nesterov else v)

    return rule


def adam(b1, b2, eps, amsgrad=False, corrected=True):
    def rule(p, g, s, t, r):
        m = s["m"] = b1 * slot(s, "m", p) + (1 - b1) * g
        v = s["v"] = b2 * slot(s, "v", p) + (1 - b2) * g * g
        if amsgrad:
            v = s["top"] = np.maximum(slot(s, "top", p), v)
        if corrected:
            r = r * np.sqrt(1 - b2**t) / (1 - b1**t)
        return p - r * m / (np.sqrt(v) + eps)

    return rule


def rmsprop(rho, mu, eps, centered):
    def rule(p, g, s, t, r):
        v = s["v"] = rho * slot(s, "v", p) + (1 - rho) * g * g
        a = s["a"] = rho * slot(s, "a", p) + (1 - rho) * g
        w = s["w"] = mu * slot(s, "w", p) + r * g / np.sqrt(v - (a * a if centered else 0) + eps)
        return p - w

    return rule


def adagrad(start, eps):
    def rule(p, g, s, t, r):
        a = s["a"] = slot(s, "a", p, start) + g * g
        return p - r * g / np.sqrt(a + eps)

    return rule


def adadelta(rho, eps):
    def rule(p, g, s, t, r):
        a = s["a"] = rho * slot(s, "a", p) + (1 - rho) * g * g
        step = np.sqrt(slot(s, "d", p) + eps) / np.sqrt(a + eps) * g
        s["d"] = rho * s["d"] + (1 - rho) * step * step
        return p - r * step

    return rule


def adamax(b1, b2, eps):
    def rule(p, g, s, t, r):
        m = s["m"] = b1 * slot(s, "m", p) + (1 - b1) * g
        u = s["u"] = np.maximum(b2 * slot(s, "u", p), np.abs(g))
        return p - r / (1 - b1**t) * m / (u + eps)

    return rule


def nadam(b1, b2, eps):
    def mu(t):
        return b1 * (1 - 0.5 * 0.96**t)

    def rule(p, g, s, t, r):
        m = s["m"] = b1 * slot(s, "m", p) + (1 - b1) * g
        v = s["v"] = b2 * slot(s, "v", p) + (1 - b2) * g * g
        s["U"] = s.get("U", 1.0) * mu(t)
        m_hat = mu(t + 1) * m / (1 - s["U"] * mu(t + 1)) + (1 - mu(t)) * g / (1 - s["U"])
        return p - r * m_hat / (np.sqrt(v / (1 - b2**t)) + eps)

    return rule


# name: (how to make the optimizer, rule, rate)
CASES = {
    "sgd": (lambda **k: optimizers.SGD(0.05, **k), sgd, 0.05),
    "momentum": (lambda **k: optimizers.SGD(0.05, 0.8, **k), momentum(0.8, False), 0.05),
    "nesterov": (lambda **k: optimizers.SGD(0.05, 0.8, True, **k), momentum(0.8, True), 0.05),
    "adam": (lambda **k: optimizers.Adam(0.05, 0.8, 0.95, 0.1, **k), adam(0.8, 0.95, 0.1), 0.05),
    "adam, uncorrected": (
        lambda **k: optimizers.Adam(0.05, 0.8, 0.95, 0.1, bias_correction=False, **k),
        adam(0.8, 0.95, 0.1, corrected=False), 0.05,
    ),
    "amsgrad": (
        lambda **k: optimizers.Adam(0.05, 0.8, 0.6, 0.1, amsgrad=True, **k),
        adam(0.8, 0.6, 0.1, amsgrad=True), 0.05,
    ),
    "rmsprop": (
        lambda **k: optimizers.RMSprop(0.05, 0.7, epsilon=0.1, **k), rmsprop(0.7, 0, 0.1, False),
        0.05,
    ),
    "rmsprop, momentum": (
        lambda **k: optimizers.RMSprop(0.05, 0.7, 0.6, 0.1, **k), rmsprop(0.7, 0.6, 0.1, False),
        0.05,
    ),
    "rmsprop, centered": (
        lambda **k: optimizers.RMSprop(0.05, 0.7, 0.6, 0.1, True, **k),
        rmsprop(0.7, 0.6, 0.1, True), 0.05,
    ),
    "rmsprop, centered only": (
        lambda **k: optimizers.RMSprop(0.05, 0.7, 0.0, 0.1, True, **k),
        rmsprop(0.7, 0, 0.1, True), 0.05,
    ),
    "adagrad": (lambda **k: optimizers.Adagrad(0.05, 0.3, 0.1, **k), adagrad(0.3, 0.1), 0.05),
    "adadelta": (lambda **k: optimizers.Adadelta(0.9, 0.8, 0.1, **k), adadelta(0.8, 0.1), 0.9),
    "adamax": (
        lambda **k: optimizers.Adamax(0.05, 0.8, 0.7, 0.1, **k), adamax(0.8, 0.7, 0.1), 0.05,
    ),
    "nadam": (lambda **k: optimizers.Nadam(0.05, 0.8, 0.7, 0.1, **k), nadam(0.8, 0.7, 0.1), 0.05),
}  # fmt: skip
# A float32 step of at most 16 roundings on values, moments and movements of at most 10; in float64
# the references still take the float32 scalars of the table, and hand float32 values on.
BOUND = STEPS * 16 * 10 * 2**-24
DEVICES = [fastnn.default_device(), "numpy:float64"]


def assert_same(got, expected):
    for name, value in expected.items():
        np.testing.assert_allclose(got[name], value, rtol=0, atol=BOUND, err_msg=name)
        assert np.abs(got[name] - START[name]).max() > 100 * BOUND  # it has moved, far beyond


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", CASES)
def test_steps_with_weight_decay(name, device):
    make, rule, rate = CASES[name]
    assert_same(run(make(weight_decay=0.3), device), by_hand(rule, rate, decay=0.3))


@pytest.mark.parametrize("name", CASES)
def test_a_schedule_and_no_decay(name):
    make, rule, rate = CASES[name]
    optimizer = make()
    optimizer.learning_rate = schedules.ExponentialDecay(rate, 2, 0.5, staircase=True)
    assert_same(
        run(optimizer, fastnn.default_device()),
        by_hand(rule, lambda step: rate * 0.5 ** (step // 2)),
    )


def test_adamw_is_adam_with_decay():
    optimizer = optimizers.AdamW(0.05, 0.3, 0.8, 0.95, 0.1)
    assert_same(
        run(optimizer, fastnn.default_device()), by_hand(adam(0.8, 0.95, 0.1), 0.05, decay=0.3)
    )
    assert optimizers.AdamW().weight_decay == 0.004


def norm(g):
    return np.sqrt(sum((x**2).sum() for x in g))


CLIPPED = {
    "clipvalue": lambda grads: {n: np.clip(g, -0.6, 0.6) for n, g in grads.items()},
    "clipnorm": lambda grads: {n: g * min(1, 0.6 / norm([g])) for n, g in grads.items()},
    "global_clipnorm": lambda grads: {
        n: g * min(1, 0.6 / norm(grads.values())) for n, g in grads.items()
    },
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("how", CLIPPED)
def test_clipping(how, device):
    got = run(optimizers.SGD(0.5, **{how: 0.6}), device)
    assert_same(got, by_hand(sgd, 0.5, clip=CLIPPED[how]))
    loose = run(optimizers.SGD(0.05, **{how: 1e6}), device)  # a limit that nothing reaches
    assert_same(loose, by_hand(sgd, 0.05))


@pytest.mark.parametrize("name", ["sgd", "adam", "nadam"])
@pytest.mark.parametrize(
    ("options", "clip"),
    [({}, lambda g: g), ({"clipnorm": 0.6}, CLIPPED["clipnorm"])],
    ids=["plain", "clipnorm"],
)
def test_excluded_from_weight_decay(name, options, clip):
    make, rule, rate = CASES[name]
    optimizer = make(weight_decay=0.3, **options)
    optimizer.exclude_from_weight_decay(var_names=["^bi", "nothing"])
    got = run(optimizer, fastnn.default_device())
    assert_same(got, by_hand(rule, rate, 0.3, decayed=("kernel", "scale"), clip=clip))
    with pytest.raises(ValueError, match="before"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def emitted(optimizer, **exclude):
    variables = [Variable(value, name=name) for name, value in START.items()]
    if exclude:
        optimizer.exclude_from_weight_decay([variables[i] for i in exclude["places"]])
    with Graph() as graph:
        optimizer.emit(Parameters(variables, optimizer.slot_initial_values()))
    return [(n.op.name, n.inputs[0].size, n.attrs.get("column")) for n in graph.nodes]


def test_one_op_where_nothing_differs():
    # 15 and 3 values, padded to 16 each, then 21
    assert emitted(optimizers.Adam()) == [("adam", 53, 0)]
    assert emitted(optimizers.Adam(weight_decay=0.1)) == [("adam", 53, 0)]
    assert emitted(optimizers.SGD(clipvalue=1.0)) == [("sgd", 53, 0)]
    assert [n for n, *_ in emitted(optimizers.SGD(global_clipnorm=1.0))] == [
        "square_sums", "norm_scale", "sgd",
    ]  # fmt: skip
    per_variable = [n for n, *_ in emitted(optimizers.SGD(clipnorm=1.0))]
    assert per_variable == ["square_sums", "norm_scale", "sgd"] * 3


def test_ranges_where_decay_differs():
    optimizer = optimizers.Nadam(weight_decay=0.1)
    assert emitted(optimizer, places=[2]) == [("nadam", 19, 0), ("nadam", 21, 5)]
    table = optimizer.scalar_table(0, 2)
    assert table.shape == (2, 10)
    np.testing.assert_array_equal(table[:, [0, 2, 3, 4]], table[:, [5, 7, 8, 9]])
    np.testing.assert_allclose(table[:, 1], 0.0001)
    assert (table[:, 6] == 0).all()
    # without decay there is nothing to exclude
    assert emitted(optimizers.Nadam(), places=[2]) == [("nadam", 53, 0)]


def test_no_trainable_variables():
    with Graph() as graph:
        optimizers.Adam(global_clipnorm=1.0).emit(Parameters([], [0.0, 0.0]))
    assert graph.nodes == []


@pytest.mark.parametrize("cls", [optimizers.Adam, optimizers.Nadam, optimizers.Adamax])
def test_a_table_does_not_depend_on_where_it_is_cut(cls):
    optimizer = cls(weight_decay=0.1)
    whole = optimizer.scalar_table(0, 3000)
    assert whole.dtype == np.float32 and np.isfinite(whole).all()
    parts = [optimizer.scalar_table(a, b - a) for a, b in ((0, 1), (1, 998), (998, 3000))]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_nadams_product_far_out():
    """Against the plain product, past the 1000 factors that are kept."""
    optimizer = optimizers.Nadam(beta_1=0.999)
    t = np.arange(1, 3001)
    u = 0.999 * (1 - 0.5 * 0.96**t)
    expected = (1 - u) / (1 - np.cumprod(u))
    np.testing.assert_allclose(optimizer.scalar_table(0, 3000)[:, 3], expected, rtol=1e-6)


def test_learning_rate():
    optimizer = optimizers.SGD(0.5)
    assert optimizer.learning_rate == 0.5
    optimizer.learning_rate = 0.25
    assert optimizer.scalar_table(7, 1)[0, 0] == 0.25
    optimizer = optimizers.SGD(schedules.PiecewiseConstantDecay([1], [1.0, 0.5]))
    assert optimizer.learning_rate == 1.0
    optimizer.iterations = 2
    assert optimizer.learning_rate == 0.5
    with pytest.raises(TypeError, match="schedule"):
        optimizer.learning_rate = 0.1
    rates = iter([0.5, 0.25])
    optimizer = optimizers.SGD(lambda: next(rates))
    assert optimizer.scalar_table(0, 2)[:, 0].tolist() == [0.5, 0.25]


def test_names():
    assert type(optimizers.get("RMSProp")) is optimizers.RMSprop
    assert type(optimizers.get("SGD")) is type(optimizers.get("sgd")) is optimizers.SGD
    assert type(optimizers.get("adamw")) is optimizers.AdamW
    assert type(optimizers.get(optimizers.Nadam)) is optimizers.Nadam
    adam = optimizers.Adam(name="mine")
    assert optimizers.get(adam) is adam and adam.name == "mine" and optimizers.get(None) is None


DEFAULTS = {
    "SGD": (0.01, {"momentum": 0.0, "nesterov": False}),
    "Adam": (0.001, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}),
    "AdamW": (0.001, {"weight_decay": 0.004, "epsilon": 1e-7}),
    "RMSprop": (0.001, {"rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False}),
    "Adagrad": (0.001, {"initial_accumulator_value": 0.1, "epsilon": 1e-7}),
    "Adadelta": (0.001, {"rho": 0.95, "epsilon": 1e-7}),
    "Adamax": (0.001, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
    "Nadam": (0.001, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_those_of_keras(name):
    rate, settings = DEFAULTS[name]
    config = optimizers.get(name).get_config()
    assert config["learning_rate"] == rate
    assert {k: config[k] for k in settings} == settings
    assert config["clipnorm"] is config["clipvalue"] is config["global_clipnorm"] is None


CONFIGURED = [make(weight_decay=0.1, clipvalue=2.0) for make, *_ in CASES.values()] + [
    optimizers.AdamW(0.1, 0.2, amsgrad=True),
    optimizers.SGD(schedules.CosineDecay(0.1, 10, warmup_target=1.0, warmup_steps=2)),
    optimizers.Adam(global_clipnorm=1.0, name="a"),
]


@pytest.mark.parametrize("optimizer", CONFIGURED, ids=lambda o: type(o).__name__)
def test_a_config_makes_the_same_optimizer(optimizer):
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is type(optimizer) and again.get_config() == optimizer.get_config()
    np.testing.assert_array_equal(again.scalar_table(3, 9), optimizer.scalar_table(3, 9))
    assert again.slot_names == optimizer.slot_names


WRONG = [
    (lambda: optimizers.get("adamm"), ValueError, "'adamm'"),
    (lambda: optimizers.get(0.1), ValueError, "0.1"),
    (lambda: optimizers.get(len), ValueError, "len"),
    (lambda: optimizers.get({"class_name": "Lion", "config": {}}), ValueError, "Lion"),
    (lambda: optimizers.Adam(lr=0.1), TypeError, "'lr'"),
    (lambda: optimizers.Adam("fast"), ValueError, "learning_rate"),
    (lambda: optimizers.Adam(beta_1=1.0), ValueError, "beta_1"),
    (lambda: optimizers.Adam(beta_2=-0.1), ValueError, "beta_2"),
    (lambda: optimizers.Adam(epsilon=None), ValueError, "epsilon"),
    (lambda: optimizers.SGD(momentum=1.5), ValueError, "momentum"),
    (lambda: optimizers.RMSprop(rho=2), ValueError, "rho"),
    (lambda: optimizers.Adagrad(initial_accumulator_value=-1), ValueError, "initial_acc"),
    (lambda: optimizers.Adadelta(rho="a"), ValueError, "rho"),
    (lambda: optimizers.AdamW(weight_decay=None), ValueError, "weight_decay"),
    (lambda: optimizers.SGD(clipnorm=1.0, clipvalue=1.0), ValueError, "only one of"),
    (lambda: optimizers.SGD(clipnorm=-1.0), ValueError, "clipnorm"),
    (lambda: optimizers.SGD(weight_decay=True), ValueError, "weight_decay"),
    (lambda: optimizers.SGD(use_ema=True), ValueError, "use_ema"),
    (lambda: optimizers.SGD(loss_scale_factor=2.0), ValueError, "loss_scale_factor"),
    (lambda: optimizers.SGD(gradient_accumulation_steps=2), ValueError, "gradient_accumulation"),
    (lambda: optimizers.SGD(lambda: 0.1).get_config(), ValueError, "function of your own"),
]


@pytest.mark.parametrize(("make", "error", "message"), WRONG)
def test_wrong_use_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
