"""Imports the module that its mode names in a fresh process, and adds up what is installed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from protocol import options, serve

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Imported by keras, though it does not require it.
BACKENDS = {"keras": ["tensorflow-cpu"]}
# What fastnn requires, where it is not installed but run from its source tree.
REQUIRED = {"fastnn": ["numpy", "tqdm"]}
# `import fastnn` alone loads little: names are looked up when they are used, so these are used.
USED = {"fastnn.keras": "import fastnn.keras as k; k.Sequential, k.layers.Dense, k.losses"}
RESIDENT = "open('/proc/self/statm').read().split()[1]"  # pages


def prepare(case: str):
    statement = USED.get(chosen.mode, f"import {chosen.mode}") if case == "import" else "pass"
    page = os.sysconf("SC_PAGE_SIZE")

    def call() -> dict:
        command = [sys.executable, "-c", f"{statement}; print({RESIDENT})"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return {"resident": int(printed) * page, "installed": installed}

    return call


def bytes_installed(module: str) -> int:
    """Of the distributions that `module` comes from, and of all that they require."""
    found = importlib.metadata.packages_distributions().get(module, [])
    missing = found + BACKENDS.get(module, [])
    total, seen = 0, set()
    if not found:
        for folder in importlib.util.find_spec(module).submodule_search_locations:
            files = (file for file in Path(folder).rglob("*") if "__pycache__" not in file.parts)
            total += sum(file.stat().st_size for file in files if file.is_file())
        missing += REQUIRED[module]
    while missing:
        name = re.sub("[-_.]+", "-", missing.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:  # for another system or version
            continue
        for file in distribution.files or []:
            path = Path(file.locate())
            if path.is_file() and path.suffix != ".pyc":
                total += path.stat().st_size
        for required in distribution.requires or []:
            if "extra ==" not in required:
                missing.append(re.match(r"[\w.-]+", required)[0])
    return total


chosen = options()
module = chosen.mode.partition(".")[0]
installed = bytes_installed(module)
found = importlib.metadata.packages_distributions().get(module, [])
versions = {name: importlib.metadata.version(name) for name in found}
serve(prepare, versions or {module: "from its source tree"}, chosen.threads)
