"""Sums of products that an equation of letters describes."""

from itertools import pairwise

from nnvm.attrs import macs
from nnvm.ir import Node, TensorType, Value, op, product
from nnvm.ir.dims import Size
from nnvm.ops.typing import broadcast, one_dtype, require

Term = tuple[str, ...]


@op
def einsum(*xs: Value, equation: str) -> TensorType:
    """Sum products over the letters that the output of `equation` leaves out, as NumPy's einsum does (ONNX Einsum).

    A letter twice in a term takes a diagonal, "..." stands for leading dimensions that broadcast, and without "->" the
    letters that occur once are the output, sorted. A dimension of one goes with any other of its letter.
    """
    require(xs, "there must be at least one input")
    dtype = one_dtype(xs)
    terms, output = labels(equation, tuple(len(x.shape) for x in xs))
    sizes = sizes_of(terms, tuple(x.shape for x in xs))
    return dtype[tuple(sizes[label] for label in output)]


def labels(equation: str, ranks: tuple[int, ...]) -> tuple[tuple[Term, ...], Term]:
    """Return the label of each axis of each input, and of the output; those of "..." are numbers from the last on.

    Raises ValueError for an equation that does not fit inputs of these ranks.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    written = left.split(",")
    require(len(written) == len(ranks), f"{equation!r} is about {len(written)} inputs, not {len(ranks)}")
    terms = tuple(_term(term, rank, equation) for term, rank in zip(written, ranks, strict=True))
    numbers = [label for term in terms for label in term if label.isdigit()]
    dots = tuple(str(i) for i in reversed(range(1 + max(map(int, numbers), default=-1))))
    used = [label for term in terms for label in term if not label.isdigit()]
    if not arrow:
        return terms, (*dots, *sorted(label for label in set(used) if used.count(label) == 1))
    require(right.count("...") == 1 or not dots, f"the output of {equation!r} lacks the dots of its inputs")
    before, ellipsis, after = right.partition("...")
    require((before + after).isalpha() or not before + after, f"{right!r} is no term of letters")
    output = (*before, *(dots if ellipsis else ()), *after)
    twice = any(p == q for p, q in pairwise(sorted(output)))
    require(
        not twice and set(before + after) <= set(used), f"the output of {equation!r} repeats a letter or has a new one"
    )
    return terms, output


def _term(text: str, rank: int, equation: str) -> Term:
    before, ellipsis, after = text.partition("...")
    require((before + after).isalpha() or not before + after, f"{text!r} in {equation!r} is no term of letters")
    named = len(before) + len(after)
    require(named <= rank if ellipsis else named == rank, f"{text!r} in {equation!r} is not about {rank} dimensions")
    return (*before, *(str(i) for i in reversed(range(rank - named))), *after)


def sizes_of(terms: tuple[Term, ...], shapes: tuple[tuple[Size, ...], ...]) -> dict[str, Size]:
    """Return how long each label is; raise ValueError where two lengths of one label disagree."""
    sizes: dict[str, Size] = {}
    for term, shape in zip(terms, shapes, strict=True):
        own: dict[str, Size] = {}
        for label, size in zip(term, shape, strict=True):
            known = own.setdefault(label, size)
            alike = not (isinstance(known, int) and isinstance(size, int)) or known == size
            require(alike, f"the diagonal {label!r} is of {known} and {size}")
            own[label] = known if isinstance(known, int) else size
        for label, size in own.items():
            if label not in sizes:
                sizes[label] = size
                continue
            (sizes[label],) = broadcast((sizes[label],), (size,))
    return sizes


@macs(einsum)
def _(node: Node) -> Size:
    terms, _ = labels(node.params["equation"], tuple(len(x.shape) for x in node.inputs))
    every = product(sizes_of(terms, tuple(x.shape for x in node.inputs)).values())
    return every * (len(node.inputs) - 1)
