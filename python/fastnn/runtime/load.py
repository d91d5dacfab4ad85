"""The native modules, imported when something first needs them."""

from __future__ import annotations

import os
from types import ModuleType

_core: ModuleType | None = None


def core() -> ModuleType:
    """`fastnn._core`.

    Raises:
        ImportError: it is not built, does not fit this Python, or refuses the environment.
    """
    global _core
    if _core is None:
        try:
            from fastnn import _core as module
        except ImportError as error:
            raise ImportError(_explain(error)) from error
        _core = module
    return _core


def cuda() -> ModuleType:
    """The native module behind device="cuda": `fastnn._cuda`, or, where the environment says
    FASTNN_CUDA_EMULATOR=1, the emulator that tests build (`tools/build_emulator.py`).

    Raises:
        ImportError: it does not load.
    """
    if os.environ.get("FASTNN_CUDA_EMULATOR") == "1":
        try:
            import fastnn_cuda_emulator as module
        except ImportError as error:
            raise ImportError(
                "FASTNN_CUDA_EMULATOR is 1, but the emulator cannot be imported: build it with "
                "`python tools/build_emulator.py`, and put build-emulator on PYTHONPATH "
                f"({error})."
            ) from error
        return module
    try:
        from fastnn import _cuda as module
    except ImportError as error:
        raise ImportError(
            f"fastnn's CUDA module cannot be loaded: {error}. Reinstall with "
            "`pip install --force-reinstall fastnn-native`, or `pip install .` in the source tree."
        ) from error
    return module


def _explain(error: ImportError) -> str:
    import glob
    import sysconfig

    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    there = sorted(os.path.basename(path) for path in glob.glob(os.path.join(folder, "_core*")))
    there = [name for name in there if not name.endswith(".pyi")]
    if "_core" + suffix in there:
        cause = f"_core{suffix} is there but does not load: {error}."
    elif there:
        cause = f"this Python needs _core{suffix}, but the installation has {', '.join(there)}."
    else:
        cause = f"there is no _core{suffix} in {folder} (is this a source tree that is not built?)."
    return (
        f"fastnn's native module cannot be loaded: {cause} Reinstall with "
        "`pip install --force-reinstall fastnn-native`, or `pip install .` in the source tree. "
        'device="numpy" works without it.'
    )
