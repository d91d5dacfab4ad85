"""The native module, imported when something first needs it."""

from __future__ import annotations

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


def _explain(error: ImportError) -> str:
    import glob
    import os
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
