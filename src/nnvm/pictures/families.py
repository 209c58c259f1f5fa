"""Which family of operators an operator belongs to, with the colour of each family."""

from collections.abc import Mapping
from typing import Any, Final

from nnvm.ir import Op

PALETTE: Final[Mapping[str, tuple[str, str]]] = {
    "network": ("#0072B2", "#4BA3D9"),
    "linear": ("#2F9BD6", "#7CC7F0"),
    "activation": ("#D55E00", "#FF9A57"),
    "arithmetic": ("#C98A00", "#F0B840"),
    "reduction": ("#B0568A", "#E09AC4"),
    "shape": ("#009E73", "#3FCFA5"),
    "index": ("#8A8200", "#E6DC4A"),
    "state": ("#5B4BB5", "#A79BF0"),
    "other": ("#6B7280", "#A3ABB8"),
    "end": ("#374151", "#C5CCD6"),
}
"""Family -> its colour on light and on dark ground, after Okabe and Ito, whom the colour-blind can tell apart too."""

_MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "network": ("nn", "recurrent", "attention", "image", "loss"),
    "linear": ("linear", "einsum", "quantize"),
    "activation": ("activation",),
    "arithmetic": ("arithmetic", "bits", "signal"),
    "reduction": ("reduce",),
    "shape": ("shape",),
    "index": ("index", "selection"),
    "state": ("state", "random", "control"),
}
_OF_MODULE: Final = {module: family for family, modules in _MODULES.items() for module in modules}


def family(op: Op[..., Any]) -> str:
    """Return the family of an operator, by the module of ours that holds it; "other" for anybody else's."""
    home, _, module = op.module.rpartition(".")
    return _OF_MODULE.get(module, "other") if home == "nnvm.ops" else "other"
