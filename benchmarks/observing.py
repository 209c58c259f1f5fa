"""What a run takes, as tracemalloc sees it from outside, beside what its executor says that it takes."""

import gc
import tracemalloc
from collections.abc import Mapping
from typing import Any

import numpy as np

WARM = 3
"""Runs before the one that is measured, so that the interpreter's own lists are as long as they get."""


def observe(run: Any, inputs: Mapping[str, Any]) -> tuple[int, int]:
    """Return the bytes that a run takes as tracemalloc sees them, and the sum of what the executor reports.

    What is seen: the arrays that are held between runs (arena and workspace; told by NumPy's domain, for the calls laid
    out beside them are no arrays), and what one more run allocates beyond them at the most, outputs and all.
    """
    tracemalloc.start()
    gc.disable()
    try:
        run.run(inputs)
        domain = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
        held = sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([domain]).traces)
        for _ in range(WARM):
            run.run(inputs)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        run.run(inputs)
        seen = held + tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    told = run.stats
    return seen, told.planned_bytes + told.adopted_bytes + told.transient_bytes + told.output_bytes
