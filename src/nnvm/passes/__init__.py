"""Graph in, graph out: one file each, named by its verb or the name everybody knows."""

from collections.abc import Callable
from typing import Any, Final

from nnvm.passes.cancel_layout import cancel_layout
from nnvm.passes.cse import cse
from nnvm.passes.dce import dce
from nnvm.passes.fold_constants import fold_constants
from nnvm.passes.fold_normalization import fold_normalization
from nnvm.passes.infer_types import infer_types
from nnvm.passes.optimize_bodies import optimize_bodies
from nnvm.passes.order_mutations import order_mutations
from nnvm.passes.place_devices import place_devices
from nnvm.passes.set_dims import set_dims
from nnvm.passes.simplify import simplify

Pass = Callable[..., Any]

DEFAULT: Final[tuple[Pass, ...]] = (
    infer_types, fold_constants, simplify, cancel_layout, fold_normalization, fold_constants, cse, dce,
    optimize_bodies,
)  # fmt: skip
"""What `nnvm.optimize` runs, over and over until the graph stays the same, a few rounds at most."""

PASSES: Final[dict[str, Pass]] = {
    each.__name__: each
    for each in (
        cancel_layout, cse, dce, fold_constants, fold_normalization, infer_types, optimize_bodies, order_mutations,
        simplify,
    )  # fmt: skip
}

__all__ = [
    "DEFAULT", "PASSES", "Pass", "cancel_layout", "cse", "dce", "fold_constants", "fold_normalization", "infer_types",
    "optimize_bodies", "order_mutations", "place_devices", "set_dims", "simplify",
]  # fmt: skip
