"""The founding network in JAX: a whole epoch is one jitted function, its steps one scan."""

from __future__ import annotations

from functools import partial

from data import mnist
from protocol import options, serve

chosen = options()

import jax  # noqa: E402  (after the options have bound the process to its CPUs)
import jax.numpy as jnp  # noqa: E402

RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


def forward(weights, x):
    w1, b1, w2, b2 = weights
    return jnp.maximum(x @ w1 + b1, 0) @ w2 + b2


def cross_entropy(weights, x, y):
    log_p = jax.nn.log_softmax(forward(weights, x))
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


@partial(jax.jit, donate_argnums=0)
def epoch(state, key, data):
    """All steps of an epoch, the short last batch too; returns the state and the mean loss."""
    count = len(data[0])
    order = jax.random.permutation(key, count)
    full = count // chosen.batch
    batches = order[: full * chosen.batch].reshape(full, chosen.batch)
    state, losses = jax.lax.scan(lambda s, rows: step(s, rows, data), state, batches)
    total = losses.sum() * chosen.batch
    rest = order[full * chosen.batch :]
    if len(rest):
        state, loss = step(state, rest, data)
        total += loss * len(rest)
    return state, total / count


def first_state(key):
    glorot = jax.nn.initializers.glorot_uniform()
    k1, k2 = jax.random.split(key)
    weights = [glorot(k1, (784, 128)), jnp.zeros(128), glorot(k2, (128, 10)), jnp.zeros(10)]
    zeros = jax.tree.map(jnp.zeros_like, weights)
    return weights, zeros, jax.tree.map(jnp.zeros_like, weights), jnp.float32(0)


x_train, y_train, x_test, y_test = map(jnp.asarray, mnist(chosen))
key = jax.random.key(chosen.seed)
key, first = jax.random.split(key)
state = first_state(first)


def run() -> dict[str, float]:
    global key, state
    key, now = jax.random.split(key)
    state, loss = epoch(state, now, (x_train, y_train))
    return {"loss": float(loss)}  # waits for the result


def finish() -> dict[str, float]:
    accuracy = (forward(state[0], x_test).argmax(1) == y_test).mean()
    return {"test_accuracy": float(accuracy)}


serve(lambda case: run, {"jax": jax.__version__}, chosen.threads, finish)
