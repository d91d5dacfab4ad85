"""The network in JAX: an epoch is one jitted function, its steps one scan, its buffers donated."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
from task import task_of, telling

RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


def product(x, w, bf16):
    """bf16: of factors rounded to it; weights stay float32."""
    if not bf16:
        return x @ w
    return jnp.dot(x.astype(jnp.bfloat16), w.astype(jnp.bfloat16)).astype(jnp.float32)


def cross_entropy(weights, x, y, bf16):
    for w, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = jnp.maximum(product(x, w, bf16) + b, 0)
    log_p = jax.nn.log_softmax(product(x, weights[-2], bf16) + weights[-1])
    return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()


def step(state, rows, data, bf16):
    """One step of Adam on the given rows: (weights, m, v, t) -> the same, and the loss."""
    weights, m, v, t = state
    x, y = data
    loss, gradients = jax.value_and_grad(cross_entropy)(weights, x[rows], y[rows], bf16)
    t = t + 1
    m = jax.tree.map(lambda m, g: m + (g - m) * (1 - BETA_1), m, gradients)
    v = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - BETA_2), v, gradients)
    rate = RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, m, v)
    return (weights, m, v, t), loss


@partial(jax.jit, donate_argnums=0, static_argnums=(3, 4))
def epoch(state, key, data, batch, bf16):
    order = jax.random.permutation(key, len(data[0])).reshape(-1, batch)
    state, losses = jax.lax.scan(lambda s, rows: step(s, rows, data, bf16), state, order)
    return state, losses.mean()


def prepare(case: str, chosen: SimpleNamespace, bf16: bool) -> Callable[[], dict]:
    """A case that trains an epoch, and tells its losses."""
    task = task_of(case, chosen)
    weights = [jnp.asarray(w) for w in task.weights]
    zeros = [jnp.zeros_like(w) for w in weights]
    state = weights, zeros, [jnp.zeros_like(w) for w in weights], jnp.float32(0)
    data = jnp.asarray(task.x), jnp.asarray(task.y)
    key = jax.random.key(chosen.seed)

    def call() -> float:
        nonlocal key, state
        key, now = jax.random.split(key)
        state, loss = epoch(state, now, data, task.batch, bf16)
        return float(loss)  # waits for the result

    return telling(call)
