"""Which step of a program decides each dimension that the shape of no input tells."""

from collections.abc import Container, Mapping, Sequence

from nnvm.errors import Error
from nnvm.runtime.expressions import Expr, leaves
from nnvm.runtime.parts import Buffer, Step


def births(buffers: Sequence[Buffer], steps: Sequence[Step], inputs: Sequence[int]) -> dict[str, int]:
    """Give, for each dimension that is an axis of what a step allocates and that no input tells, the first such step.

    An axis that is a sum or a product of dimensions tells none of them. Takes linear time.
    """
    told = {name for index in inputs for dim in buffers[index].shape or () for name in _names(dim)}
    born: dict[str, int] = {}
    for index, step in enumerate(steps):
        for written in step.outputs if step.allocates else ():
            for dim in buffers[written].shape or ():
                if isinstance(dim, str) and dim not in told:
                    born.setdefault(dim, index)
    return born


def check_births(buffers: Sequence[Buffer], steps: Sequence[Step], born: Mapping[str, int]) -> None:
    """Raise Error for memory planned ahead whose size is not known then, and for sizes used before they are born."""
    if not born:
        return
    for index, buffer in enumerate(buffers):
        if buffer.kind not in ("dynamic", "output") and hangs_on(buffer, born):
            what = f"buffer {index} ({buffer.name!r:.60}) is {buffer.kind}"
            raise Error(f"{what}, but its shape hangs on {_born_names(buffer, born)}, which only a run decides")
    for index, step in enumerate(steps):
        for written in step.outputs:
            late = [name for dim in buffers[written].shape or () for name in _names(dim) if born.get(name, -1) > index]
            if late:
                what = f"step {index} ({step.name!r:.60}, {step.kernel:.60}) writes buffer {written}"
                raise Error(f"{what}, whose size hangs on {late[0]!r:.60}, which step {born[late[0]]} decides later")


def hangs_on(buffer: Buffer, born: Container[str]) -> bool:
    """Say whether the shape of a buffer depends on one of these dimensions."""
    return any(name in born for dim in buffer.shape or () for name in _names(dim))


def _born_names(buffer: Buffer, born: Container[str]) -> str:
    return ", ".join(sorted({name for dim in buffer.shape or () for name in _names(dim) if name in born})[:5])


def _names(dim: Expr) -> list[str]:
    if isinstance(dim, int):
        return []
    return [dim] if isinstance(dim, str) else [leaf for leaf in leaves(dim) if isinstance(leaf, str)]
