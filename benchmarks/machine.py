"""Which machine the figures come from, and which process takes them."""

import ctypes
import os
import platform
import sys
from importlib import import_module, metadata
from pathlib import Path

SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Set on some machines for the sake of old builds of OpenBLAS; both slow the one in NumPy."""


def unslow(module: str) -> None:
    """Start this program again as `python -m module`, without the settings that slow NumPy, unless there are none."""
    if not any(name in os.environ for name in SLOWING):
        return
    kept = {name: value for name, value in os.environ.items() if name not in SLOWING}
    os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], kept)


def describe(*libraries: str) -> str:
    """Return one line: processor, cores, load, versions, and the kernels that NumPy's BLAS chose."""
    versions = ", ".join(f"{name} {_version(name)}" for name in libraries)
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {os.cpu_count()} cores, load {load:.1f}; Python {platform.python_version()}; {versions}; "
        f"NumPy's BLAS: {blas_kernels()}"
    )


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "missing"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def blas_kernels() -> str:
    """Return the kernels that NumPy's BLAS runs, from threadpoolctl or from OpenBLAS itself."""
    try:
        import numpy as np
    except ImportError:
        return "no NumPy"
    try:
        pools = import_module("threadpoolctl").threadpool_info()
    except ImportError:
        return _openblas_core(Path(np.__file__).parent.parent / "numpy.libs")
    return ", ".join(f"{pool['internal_api']} {pool.get('architecture')}" for pool in pools)


def _openblas_core(folder: Path) -> str:
    """Ask the OpenBLAS that lies in a wheel."""
    for library in sorted(folder.glob("*openblas*")):
        handle = ctypes.CDLL(str(library))
        for symbol in ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename"):
            ask = getattr(handle, symbol, None)
            if ask is not None:
                ask.restype = ctypes.c_char_p
                return f"openblas {ask().decode()}"
    return "unknown"
