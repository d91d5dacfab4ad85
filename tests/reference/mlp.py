"""A classifier written out by hand in float64: forward, softmax cross-entropy, backward, Adam.

Imports nothing of fastnn; the whole-step tests hold the package against it.
"""

from __future__ import annotations

import numpy as np


class Classifier:
    """Dense layers with ReLU between them and softmax at the end; x [n, d], labels [n]."""

    def __init__(self, weights: list[np.ndarray]):
        """weights: kernel [in, out], bias [out], kernel, bias, ... in order."""
        self.weights = [w.astype(np.float64) for w in weights]
        self.m = [np.zeros_like(w) for w in self.weights]
        self.v = [np.zeros_like(w) for w in self.weights]
        self.t = 0

    def forward(self, x: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """The inputs of every layer, and the class probabilities."""
        inputs = [x.astype(np.float64)]
        for k in range(0, len(self.weights), 2):
            z = inputs[-1] @ self.weights[k] + self.weights[k + 1]
            inputs.append(np.maximum(z, 0))
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return inputs[:-1], e / e.sum(axis=1, keepdims=True)

    def loss(self, x: np.ndarray, labels: np.ndarray) -> float:
        _, p = self.forward(x)
        return float(-np.log(p[np.arange(len(labels)), labels]).mean())

    def gradients(self, x: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
        """Of the mean cross-entropy, in the order of the weights."""
        inputs, p = self.forward(x)
        dz = p.copy()
        dz[np.arange(len(labels)), labels] -= 1
        dz /= len(labels)
        grads: list[np.ndarray] = []
        for k in range(len(self.weights) - 2, -1, -2):
            layer_input = inputs[k // 2]
            grads[:0] = [layer_input.T @ dz, dz.sum(axis=0)]
            if k:
                dz = (dz @ self.weights[k].T) * (layer_input > 0)
        return grads

    def adam(self, grads, rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7) -> None:
        """One step of Adam as Keras writes it (epsilon outside of the bias correction)."""
        self.t += 1
        alpha = rate * np.sqrt(1 - beta_2**self.t) / (1 - beta_1**self.t)
        for w, m, v, g in zip(self.weights, self.m, self.v, grads, strict=True):
            m += (g - m) * (1 - beta_1)
            v += (g * g - v) * (1 - beta_2)
            w -= alpha * m / (np.sqrt(v) + epsilon)
