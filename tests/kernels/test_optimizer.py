"""One and more steps of every optimizer against float64, with every optional operand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference import optimizers as reference

from .helpers import assert_close, normal, uniform

SIZES = [0, 1, 15, 17, 1023, 2500]
RATE, DECAY, STEPS, COLUMN = 0.03, 0.01, 3, 2


def adam_rate(t, beta_1, beta_2):
    return RATE * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)


def nadam_columns(t, beta_1, beta_2):
    u, product = reference.nadam_momentum(t, beta_1)
    u_next, product_next = reference.nadam_momentum(t + 1, beta_1)
    return [u_next / (1 - product_next), (1 - u) / (1 - product), 1 / (1 - beta_2**t)]


BETAS = {"beta_1": 0.8, "beta_2": 0.95}
# opcode, slots (None: absent), attributes, reference step, first column (None: the learning rate).
CASES = {
    "sgd": ("sgd", [None], {"momentum": 0.0, "nesterov": 0.0}, reference.sgd, None),
    "momentum": ("sgd", ["v"], {"momentum": 0.7, "nesterov": 0.0}, reference.sgd, None),
    "nesterov": ("sgd", ["v"], {"momentum": 0.7, "nesterov": 1.0}, reference.sgd, None),
    "adam": ("adam", ["m", "v", None], {**BETAS, "epsilon": 1e-4}, reference.adam, adam_rate),
    "amsgrad": ("adam", ["m", "v", "v_max"], {**BETAS, "epsilon": 1e-4}, reference.adam, adam_rate),
    "rmsprop": (
        "rmsprop",
        ["v", None, None],
        {"rho": 0.8, "momentum": 0.0, "epsilon": 1e-4},
        reference.rmsprop,
        None,
    ),
    "rmsprop momentum": (
        "rmsprop",
        ["v", "velocity", None],
        {"rho": 0.8, "momentum": 0.6, "epsilon": 1e-4},
        reference.rmsprop,
        None,
    ),
    "rmsprop centered": (
        "rmsprop",
        ["v", "velocity", "mean"],
        {"rho": 0.8, "momentum": 0.6, "epsilon": 1e-2},
        reference.rmsprop,
        None,
    ),
    "adagrad": ("adagrad", ["a"], {"epsilon": 1e-4}, reference.adagrad, None),
    "adadelta": (
        "adadelta",
        ["squares", "steps"],
        {"rho": 0.8, "epsilon": 1e-4},
        reference.adadelta,
        None,
    ),
    "adamax": (
        "adamax",
        ["m", "u"],
        {**BETAS, "epsilon": 1e-4},
        reference.adamax,
        lambda t, beta_1, beta_2: RATE / (1 - beta_1**t),
    ),
    "nadam": ("nadam", ["m", "v"], {**BETAS, "epsilon": 1e-4}, reference.nadam, None),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("clip, factor", [(0.0, None), (0.5, 0.4)])
def test_steps(kernel, case, n, clip, factor):
    opcode, slots, attrs, step, rate_of = CASES[case]
    p = normal(n, seed=1)
    state = {s: np.full(n, 0.1 if opcode == "adagrad" else 0.0, np.float32) for s in slots if s}
    exact_p = p.astype(np.float64)
    exact = {s: v.astype(np.float64) for s, v in state.items()}
    start = p.astype(np.float64)
    for t in range(1, STEPS + 1):
        g = normal(n, seed=10 + t, scale=2)
        scale = None if factor is None else np.array([factor], np.float32)
        betas = {k: v for k, v in attrs.items() if k in BETAS}
        rate = rate_of(t, **betas) if rate_of else RATE
        extra = nadam_columns(t, **betas) if opcode == "nadam" else []
        scalars = [*[np.nan] * COLUMN, rate, DECAY, *extra]

        used = g.astype(np.float64) * (1.0 if factor is None else float(scale[0]))
        used = np.clip(used, -clip, clip) if clip else used
        arguments = {k: v for k, v in attrs.items() if k != "nesterov"}
        if opcode == "sgd":
            arguments["nesterov"] = bool(attrs["nesterov"])
        if opcode in ("adam", "adamax", "nadam"):
            arguments["t"] = t
        exact_p = step(exact_p * (1 - DECAY), used, RATE, **exact, **arguments)

        operands = [p, g, *(state.get(s) for s in slots), scale]
        out = kernel(opcode, *operands, column=COLUMN, clip=clip, scalars=scalars, **attrs)
        out = [o for o in (out if isinstance(out, tuple) else (out,)) if o is not None]
        p, state = out[0], dict(zip(state, out[1:], strict=True))

    # Each step rounds p, and rounds its movement by a dozen operations; the bound stays far below a
    # tenth of a step.
    moved = np.abs(exact_p - start) + STEPS * RATE
    assert_close(p, exact_p, np.abs(exact_p) + 8 * moved, 2 * STEPS, case)
    for s in state:
        size = np.abs(exact[s]) + (0.05 if s in ("m", "v", "velocity", "mean") else 1e-3)
        assert_close(state[s], exact[s], size, 12 * STEPS, f"{case} {s}")


def test_a_zero_gradient_moves_nothing(kernel):
    p, zero = normal(40), np.zeros(40, np.float32)
    for case, (opcode, slots, attrs, *_) in CASES.items():
        operands = [p, zero, *(zero if s else None for s in slots), None]
        scalars = [RATE, 0.0, 1.0, 1.0, 1.0]
        out = kernel(opcode, *operands, column=0, clip=0.0, scalars=scalars, **attrs)
        out = out[0] if isinstance(out, tuple) else out
        assert out.tobytes() == p.tobytes(), case


@pytest.mark.parametrize("case", CASES)
def test_nan_gradients_are_seen(kernel, case):
    opcode, slots, attrs, *_ = CASES[case]
    p, g = normal(20), uniform(20)
    g[7] = np.nan
    slot = np.full(20, 0.5, np.float32)
    operands = [p, g, *(slot if s else None for s in slots), None]
    scalars = [RATE, 0.0, 1.0, 1.0, 1.0]
    out = kernel(opcode, *operands, column=0, clip=0.25, scalars=scalars, **attrs)
    out = out[0] if isinstance(out, tuple) else out
    assert np.isnan(out).tolist() == [i == 7 for i in range(20)]


@pytest.mark.parametrize("case", [c for c in CASES if c not in ("sgd", "adagrad")])
def test_slots_that_have_decayed_become_zero(kernel, case):
    """No number below the least normal one stays behind: they would be slow, and stay for good."""
    opcode, slots, attrs, *_ = CASES[case]
    p, zero = normal(40), np.zeros(40, np.float32)
    sizes = np.float32(2.0) ** np.arange(-149, -109)  # from the least denormal to 2^-110
    operands = [p, zero, *(sizes if s else None for s in slots), None]
    out = kernel(opcode, *operands, column=0, clip=0.0, scalars=[RATE, 0, 1, 1, 1], **attrs)
    for slot in out[1:3] if case == "amsgrad" else out[1:]:  # its largest v never decays
        if slot is not None:
            assert (slot[:23] == 0).all() and (slot[25:] >= 2.0**-126).all(), slot
