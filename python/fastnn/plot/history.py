"""The learning curve."""

from __future__ import annotations

import os

from fastnn.plot._figure import new_figure


def plot_history(history, path: str | os.PathLike | None = None):
    """Draw each quantity of a training run over the epochs, its validation values beside it.

    Args:
        history: what `fit` returned, or its dictionary: name -> one value an epoch. `val_<name>`
            shares the panel of `<name>`.
        path: where to save the picture; its suffix is the format. None: a figure of pyplot, which a
            notebook shows by itself and `matplotlib.pyplot.show()` elsewhere.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: there is nothing to draw.
    """
    curves = getattr(history, "history", history)
    names = [name for name in curves if not (name.startswith("val_") and name[4:] in curves)]
    if not names:
        raise ValueError("plot_history: the history is empty. Train for an epoch first.")
    figure = new_figure(path, (4.8 * len(names), 3.6))
    epochs = [e + 1 for e in getattr(history, "epoch", range(len(curves[names[0]])))]
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in curves:
                # With validation_freq=n there is a validation value at every n-th epoch.
                every = len(epochs) // len(curves[key])
                axes.plot(epochs[every - 1 :: every], curves[key], marker=".", label=label)
        axes.set_xlabel("epoch")
        axes.set_title(name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    if path is not None:
        figure.savefig(path)
    return figure
