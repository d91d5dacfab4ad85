"""Checks of what `Model.compile` is given."""

from __future__ import annotations

from fastnn.training.arguments import whole


def check_compile_arguments(loss_weights, metrics, weighted_metrics, run_eagerly,
                            steps_per_execution, jit_compile) -> None:  # fmt: skip
    """Refuses what would change the meaning of a program and is not supported.

    Raises:
        ValueError, TypeError: naming the argument.
    """
    if loss_weights not in (None, 1, 1.0, [1], [1.0]):
        raise ValueError(
            f"compile(loss_weights={loss_weights!r}) is not supported by fastnn: a model has one "
            "output. Multiply the loss itself, or the sample weights."
        )
    if run_eagerly:
        raise ValueError(
            f"compile(run_eagerly={run_eagerly!r}) is not supported by fastnn: steps are planned "
            "once and run natively. Look at single layers by calling them on arrays."
        )
    for name, group in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
        if group is not None and not isinstance(group, list | tuple):
            raise TypeError(f"compile: `{name}` must be a list; {group!r:.60} came.")
    if steps_per_execution != "auto":
        whole("steps_per_execution", steps_per_execution, 1)
    if jit_compile not in ("auto", True, False, None):
        raise ValueError(
            f"compile: `jit_compile` must be True, False or 'auto'. Received: {jit_compile!r}"
        )
