"""NumPy, by hand: no array is made in a step."""

from __future__ import annotations

from protocol import options, serve

chosen = options()

import numpy as np  # noqa: E402  (after the process is bound to its CPUs)


def prepare(case: str):
    name, size = case.split()
    random = np.random.default_rng(chosen.seed)
    w, g = random.normal(size=(2, int(size))).astype(np.float32)
    m, v, a, b = np.zeros((4, int(size)), np.float32)

    def adam(decay: float = 0.0) -> None:
        np.subtract(g, m, out=a)
        np.multiply(a, np.float32(0.1), out=a)
        np.add(m, a, out=m)
        np.multiply(g, g, out=a)
        np.subtract(a, v, out=a)
        np.multiply(a, np.float32(0.001), out=a)
        np.add(v, a, out=v)
        np.sqrt(v, out=a)
        np.add(a, np.float32(1e-7), out=a)
        np.multiply(m, np.float32(3e-4), out=b)
        np.divide(b, a, out=a)
        if decay:
            np.multiply(w, np.float32(1 - 1e-3 * decay), out=w)
        np.subtract(w, a, out=w)

    def momentum() -> None:
        np.multiply(g, np.float32(1e-3), out=a)
        np.multiply(v, np.float32(0.9), out=v)
        np.subtract(v, a, out=v)
        np.add(w, v, out=w)

    def sgd() -> None:
        np.multiply(g, np.float32(1e-3), out=a)
        np.subtract(w, a, out=w)

    steps = {"adam": adam, "adamw": lambda: adam(0.01), "momentum": momentum, "sgd": sgd}
    return steps.get(name, lambda: np.copyto(a, w))


serve(prepare, {"numpy": np.__version__}, chosen.threads)
