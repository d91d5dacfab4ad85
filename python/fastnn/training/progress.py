"""Progress on the screen: a bar while it goes (tqdm), and at the end one line, as Keras writes it:

469/469 ━━━━━━━━━━━━━━━━━━━━ 1s 2ms/step - accuracy: 0.9012 - loss: 0.3456
"""

from __future__ import annotations

import sys
import time

BAR_WIDTH = 20
PATIENCE = 0.2  # seconds: what is done sooner needs no bar


class Bar:
    """The bar of one epoch, or of one evaluate or predict.

    The bar itself is only drawn where it can move, in a terminal or a notebook, and when there is
    still something to wait for.

    Args:
        total: number of steps, None when it is not known yet.
        verbose: 1 for the bar and Keras' line of verbose=1, 2 for that of verbose=2 alone, "auto"
            for the bar, and the line only if it took long enough for one.
    """

    def __init__(self, total: int | None, verbose: int = 1):
        self.total = total
        self.verbose = verbose
        self._started = time.perf_counter()
        self._bar = None

    def update(self, done: int, logs: dict[str, float]) -> None:
        """Shows that `done` steps are done."""
        seconds = time.perf_counter() - self._started
        if self.verbose == 2 or done == self.total or seconds < PATIENCE:
            return
        left = "" if self.total is None else f"{_clock(seconds / done * (self.total - done))} "
        text = f"{left}{_per_step(seconds / done)}{_values(logs)}"
        if self._bar is None:
            self._bar = _open_bar(self.total, done, text)
        self._bar.set_description_str(text, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self, done: int | None = None, logs: dict[str, float] | None = None) -> None:
        """Takes the bar away; writes the line when `done` is given."""
        waited = self._bar is not None
        if waited:
            if done is not None:
                self._bar.n = self._bar.total  # notebooks keep a bar that is not full, in red
            self._bar.close()
            self._bar = None
        if done is None or (self.verbose == "auto" and not waited):
            return
        seconds = time.perf_counter() - self._started
        total = done if self.total is None else self.total
        each = _per_step(seconds / max(done, 1))
        count = f"{done:{len(str(total))}d}/{total}"
        if self.verbose != 2:
            filled = BAR_WIDTH * done // max(total, 1)
            bar = "━" * filled + " " * (BAR_WIDTH - filled)
            print(f"{count} {bar} {seconds:.0f}s {each}{_values(logs or {})}")
        else:
            print(f"{count} - {seconds:.0f}s - {each}{_values(logs or {})}")


def say(text: str) -> None:
    """Prints a line, above the bar if there is one."""
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:
        print(text)
    else:
        tqdm.tqdm.write(text, file=sys.stdout)


def _open_bar(total: int | None, done: int, text: str):
    import shutil

    from tqdm.auto import tqdm

    class WithoutThread(tqdm):
        monitor_interval = 0  # tqdm's watching thread has no work here, and threads outlive a fork

    in_notebook = any(c.__module__ == "tqdm.notebook" for c in tqdm.__mro__)
    width = "" if in_notebook else f":{BAR_WIDTH}"
    digits = len(str(total))
    # 80 x 24 where the terminal does not tell its size: tqdm would then show nothing at all.
    columns, lines = shutil.get_terminal_size()
    layout = f"{{n_fmt:>{digits}}}/{{total_fmt}} {{bar{width}}} {{desc}}"
    return WithoutThread(
        total=total,
        initial=done,
        desc=text,
        file=sys.stdout,
        leave=False,
        mininterval=0.05,
        **({} if in_notebook else {"ncols": columns, "nrows": lines}),
        ascii=" ━",
        bar_format=layout if total is not None else "{n_fmt}/Unknown {desc}",
        disable=not (in_notebook or _in_terminal()),
    )


def _in_terminal() -> bool:
    return sys.stdout.isatty()


def _per_step(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.0f}s/step"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms/step"
    return f"{seconds * 1e6:.0f}us/step"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{seconds:02d}"
    return f"{minutes}:{seconds:02d}" if minutes else f"{seconds}s"


def _values(logs: dict[str, float]) -> str:
    return "".join(
        f" - {name}: {value:.4f}" if abs(value) > 1e-3 else f" - {name}: {value:.4e}"
        for name, value in logs.items()
    )
