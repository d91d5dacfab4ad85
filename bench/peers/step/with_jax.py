"""JAX: an epoch is one jitted function, its steps one scan, its buffers donated.

"bf16 scan" rounds the factors of every product to bf16 and keeps float32 weights.
"""

from __future__ import annotations

from functools import partial

from protocol import options, serve
from task import task_of, telling

chosen = options()

import jax  # noqa: E402  (after the options have bound the process to its CPUs)
import jax.numpy as jnp  # noqa: E402

RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


def product(x, w):
    if chosen.mode == "scan":
        return x @ w
    return jnp.dot(x.astype(jnp.bfloat16), w.astype(jnp.bfloat16)).astype(jnp.float32)


def cross_entropy(weights, x, y):
    for w, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = jnp.maximum(product(x, w) + b, 0)
    log_p = jax.nn.log_softmax(product(x, weights[-2]) + weights[-1])
    return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()


def step(state, rows, data):
    """One step of Adam on the given rows: (weights, m, v, t) -> the same, and the loss."""
    weights, m, v, t = state
    x, y = data
    loss, gradients = jax.value_and_grad(cross_entropy)(weights, x[rows], y[rows])
    t = t + 1
    m = jax.tree.map(lambda m, g: m + (g - m) * (1 - BETA_1), m, gradients)
    v = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - BETA_2), v, gradients)
    rate = RATE * jnp.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, m, v)
    return (weights, m, v, t), loss


@partial(jax.jit, donate_argnums=0, static_argnums=3)
def epoch(state, key, data, batch):
    order = jax.random.permutation(key, len(data[0])).reshape(-1, batch)
    state, losses = jax.lax.scan(lambda s, rows: step(s, rows, data), state, order)
    return state, losses.mean()


def prepare(case: str):
    task = task_of(case, chosen)
    weights = [jnp.asarray(w) for w in task.weights]
    zeros = [jnp.zeros_like(w) for w in weights]
    state = weights, zeros, [jnp.zeros_like(w) for w in weights], jnp.float32(0)
    data = jnp.asarray(task.x), jnp.asarray(task.y)
    key = jax.random.key(chosen.seed)

    def call() -> float:
        nonlocal key, state
        key, now = jax.random.split(key)
        state, loss = epoch(state, now, data, task.batch)
        return float(loss)  # waits for the result

    return telling(call)


serve(prepare, {"jax": jax.__version__}, chosen.threads)
