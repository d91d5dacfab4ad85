"""JAX: the rules written out, jitted, with donated buffers."""

from __future__ import annotations

from functools import partial

from protocol import options, serve

chosen = options()

import jax  # noqa: E402  (after the process is bound to its CPUs)
import jax.numpy as jnp  # noqa: E402


def adam(w, g, m, v, t, decay=0.0):
    m = m + (g - m) * 0.1
    v = v + (g * g - v) * 0.001
    rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return w - w * 1e-3 * decay - rate * m / (jnp.sqrt(v) + 1e-7), m, v


def momentum(w, g, v, t):
    v = 0.9 * v - 1e-3 * g
    return w + v, v


RULES = {  # and how many slots
    "adam": (adam, 2),
    "adamw": (partial(adam, decay=0.01), 2),
    "momentum": (momentum, 1),
    "sgd": (lambda w, g, t: (w - 1e-3 * g,), 0),
}


def prepare(case: str):
    name, size = case.split()
    values = jax.random.normal(jax.random.key(chosen.seed), (int(size),))
    if name == "copy":
        copy = jax.jit(lambda x: x.copy())
        return lambda: copy(values).block_until_ready()
    rule, slots = RULES[name]
    g, t = values * 0.5, jnp.float32(1)
    state = (values, *(jnp.zeros_like(values) for _ in range(slots)))
    run = jax.jit(lambda state, g, t: rule(state[0], g, *state[1:], t), donate_argnums=0)

    def step() -> None:
        nonlocal state
        state = run(state, g, t)
        jax.block_until_ready(state)

    return step


serve(prepare, {"jax": jax.__version__}, chosen.threads)
