"""NumPy by hand: every large array is made once and written into (`out=`)."""

from __future__ import annotations

from protocol import options, serve
from task import task_of, telling

chosen = options()

import numpy as np  # noqa: E402  (after the options have bound the process to its CPUs)

RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


class Network:
    """Weights and Adam's moments each lie in one array, so that a step of Adam is a few calls."""

    def __init__(self, weights: list[np.ndarray], batch: int) -> None:
        self.flat = np.concatenate([w.ravel() for w in weights])
        self.gradient, self.m, self.v, self.temporary = (np.zeros_like(self.flat) for _ in range(4))
        self.w, self.dw = [], []
        start = 0
        for w in weights:
            place = slice(start, start + w.size)
            self.w.append(self.flat[place].reshape(w.shape))
            self.dw.append(self.gradient[place].reshape(w.shape))
            start += w.size
        self.a = [np.empty((batch, len(b)), np.float32) for b in self.w[1::2]]
        self.da = [np.empty_like(a) for a in self.a]
        self.rows = np.arange(batch)
        self.t = 0

    def step(self, x: np.ndarray, y: np.ndarray) -> float:
        """Train on a minibatch; returns its loss."""
        last = len(self.a) - 1
        inputs = [x, *self.a[:-1]]
        for i, a in enumerate(self.a):
            np.matmul(inputs[i], self.w[2 * i], out=a)
            a += self.w[2 * i + 1]
            if i < last:
                np.maximum(a, 0, out=a)
        p, d = self.a[last], self.da[last]
        p -= p.max(axis=1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(axis=1, keepdims=True)
        loss = -np.log(p[self.rows, y]).mean()
        np.copyto(d, p)
        d[self.rows, y] -= 1
        d /= len(x)
        for i in range(last, -1, -1):
            np.matmul(inputs[i].T, self.da[i], out=self.dw[2 * i])
            np.sum(self.da[i], axis=0, out=self.dw[2 * i + 1])
            if i > 0:
                np.matmul(self.da[i], self.w[2 * i].T, out=self.da[i - 1])
                self.da[i - 1] *= self.a[i - 1] > 0
        self.adam()
        return loss

    def adam(self) -> None:
        self.t += 1
        g, t = self.gradient, self.temporary
        self.m *= BETA_1
        self.m += np.multiply(g, 1 - BETA_1, out=t)
        self.v *= BETA_2
        np.multiply(g, g, out=t)
        self.v += np.multiply(t, 1 - BETA_2, out=t)
        rate = RATE * np.sqrt(1 - BETA_2**self.t) / (1 - BETA_1**self.t)
        np.sqrt(self.v, out=t)
        t += EPSILON
        np.divide(self.m, t, out=t)
        self.flat -= np.multiply(t, np.float32(rate), out=t)


def prepare(case: str):
    task = task_of(case, chosen)
    network = Network(task.weights, task.batch)
    random = np.random.default_rng(chosen.seed)

    def epoch() -> float:
        order = random.permutation(len(task.x)).reshape(-1, task.batch)
        return np.mean([network.step(task.x[rows], task.y[rows]) for rows in order])

    return telling(epoch)


serve(prepare, {"numpy": np.__version__}, chosen.threads)
