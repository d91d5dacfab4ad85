"""scikit-learn's MLPClassifier: an epoch is one `partial_fit` of all rows.

Its initial biases are its own (small random numbers); everything else is as for the others.
"""

from __future__ import annotations

from protocol import options, serve
from task import task_of, telling

chosen = options()

import numpy as np  # noqa: E402  (after the options have bound the process to its CPUs)
import sklearn  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402


def prepare(case: str):
    task = task_of(case, chosen)
    model = MLPClassifier(
        task.sizes[1:-1],
        batch_size=task.batch,
        alpha=0.0,
        learning_rate_init=1e-3,
        epsilon=1e-7,
        random_state=chosen.seed,
    )
    classes = np.arange(task.sizes[-1])
    return telling(lambda: model.partial_fit(task.x, task.y, classes=classes).loss_)


serve(prepare, {"sklearn": sklearn.__version__}, chosen.threads)
