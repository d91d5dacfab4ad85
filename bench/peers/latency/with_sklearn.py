"""scikit-learn: MLPClassifier.predict_proba."""

from __future__ import annotations

import warnings
from functools import partial

from protocol import options

chosen = options()

import numpy as np  # noqa: E402  (after the process is bound to its CPUs)
import sklearn  # noqa: E402
from network import Network, work  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402


def make(network: Network):
    classes = np.arange(network.sizes[-1])
    model = MLPClassifier(network.sizes[1:-1], max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        model.fit(np.zeros((len(classes), network.sizes[0]), np.float32), classes)
    model.coefs_ = [kernel for kernel, _ in network.weights]
    model.intercepts_ = [bias for _, bias in network.weights]
    return partial(model.predict_proba, network.x)


work(make, {"sklearn": sklearn.__version__}, chosen)
