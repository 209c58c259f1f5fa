"""Graph in, graph out: one file each, named by its verb or the name everybody knows."""

from collections.abc import Callable
from typing import Any, Final

from nnvm.passes.cancel_layout import cancel_layout
from nnvm.passes.cse import cse
from nnvm.passes.dce import dce
from nnvm.passes.decompose import decompose
from nnvm.passes.fold_constants import fold_constants
from nnvm.passes.fold_normalization import fold_normalization
from nnvm.passes.infer_types import infer_types
from nnvm.passes.optimize_bodies import optimize_bodies
from nnvm.passes.order_mutations import order_mutations
from nnvm.passes.place_devices import place_devices
from nnvm.passes.recognize import recognize
from nnvm.passes.set_dims import set_dims
from nnvm.passes.simplify import simplify

Pass = Callable[..., Any]

DEFAULT: Final[tuple[Pass, ...]] = (
    infer_types, fold_constants, simplify, recognize, cancel_layout, fold_normalization, fold_constants, cse, dce,
    optimize_bodies,
)  # fmt: skip
"""What `nnvm.optimize` runs, over and over until the graph stays the same, a few rounds at most."""

_NAMED: Final[tuple[Pass, ...]] = (
    cancel_layout, cse, dce, decompose, fold_constants, fold_normalization, infer_types, optimize_bodies,
    order_mutations, recognize, simplify,
)  # fmt: skip
PASSES: Final[dict[str, Pass]] = {each.__name__: each for each in _NAMED}

__all__ = [
    "DEFAULT", "PASSES", "Pass", "cancel_layout", "cse", "dce", "decompose", "fold_constants", "fold_normalization",
    "infer_types", "optimize_bodies", "order_mutations", "place_devices", "recognize", "set_dims", "simplify",
]  # fmt: skip
