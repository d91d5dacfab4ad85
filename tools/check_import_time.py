"""How much longer `import fastnn` takes than `import numpy`.

    python tools/check_import_time.py [pairs]

Fresh processes take turns, so that what else the machine does hits both alike; each measures its
own import, without the interpreter's start. Exits with 1 when the medians are too far apart.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

MAX_EXTRA_MS = 60.0

_TIMED = """
import time
start = time.perf_counter()
import {module}
print((time.perf_counter() - start) * 1e3)
"""


def import_ms(module: str) -> float:
    """Milliseconds that a fresh process takes to import `module`."""
    command = [sys.executable, "-c", _TIMED.format(module=module)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def medians(pairs: int) -> tuple[float, float]:
    """Median milliseconds of importing numpy and of importing fastnn, the first pair left out."""
    times = [(import_ms("numpy"), import_ms("fastnn")) for _ in range(pairs + 1)][1:]
    numpy_ms, fastnn_ms = zip(*times, strict=True)
    return statistics.median(numpy_ms), statistics.median(fastnn_ms)


def main() -> None:
    numpy_ms, fastnn_ms = medians(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
    extra = fastnn_ms - numpy_ms
    print(f"import numpy {numpy_ms:.1f} ms, import fastnn {fastnn_ms:.1f} ms: {extra:.1f} ms more")
    sys.exit(f"more than {MAX_EXTRA_MS} ms" if extra > MAX_EXTRA_MS else None)


if __name__ == "__main__":
    main()
