"""How much longer `import fastnn` takes than `import numpy`.

    python tools/check_import_time.py [rounds]

Fresh processes take turns, and each measures the CPU time of its own imports, so that what else the
machine does counts little. NumPy is imported in all of them: `fastnn` alone, which imports nothing
before it is used, would be faster than NumPy. Exits with 1 when the medians are too far apart.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

MAX_EXTRA_MS = 60.0

STATEMENTS = {
    "numpy": "import numpy",
    "fastnn": "import numpy, fastnn",
    "all of its Keras": "import numpy, fastnn.keras as k; "
    "k.activations, k.callbacks, k.datasets, k.initializers, k.layers, k.losses, k.metrics, "
    "k.models, k.optimizers, k.regularizers, k.utils",
}

_TIMED = "import time; start = time.process_time(); {}; print(time.process_time() - start)"


def import_ms(statement: str) -> float:
    """Milliseconds that a fresh process takes for `statement`."""
    command = [sys.executable, "-c", _TIMED.format(statement)]
    came = subprocess.run(command, check=True, capture_output=True, text=True)
    return 1e3 * float(came.stdout)


def medians(rounds: int) -> dict[str, float]:
    """Median milliseconds of each statement; the first round warms up and is left out."""
    times = [{n: import_ms(s) for n, s in STATEMENTS.items()} for _ in range(rounds + 1)][1:]
    return {name: statistics.median(t[name] for t in times) for name in STATEMENTS}


def main() -> None:
    times = medians(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
    for name, ms in times.items():
        print(f"{name:<18} {ms:6.1f} ms, {ms - times['numpy']:+.1f} ms")
    late = times["fastnn"] - times["numpy"] > MAX_EXTRA_MS
    sys.exit(f"fastnn takes more than {MAX_EXTRA_MS} ms longer" if late else None)


if __name__ == "__main__":
    main()
