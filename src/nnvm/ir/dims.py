"""What a dimension is: a whole number, or a small normalised expression (+ - * // max min) over names."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias


class Dim:
    """A dimension that is not a plain number: a sum of products of names, interned, so `is` compares.

    Arithmetic gives an `int` again where the names cancel. Every name stands for a whole number that is not negative.
    """

    __slots__ = ("_text", "terms")
    terms: "Final[tuple[Term, ...] | None]"

    def __init__(self, terms: "tuple[Term, ...] | None") -> None:
        self.terms = terms
        self._text: str | None = None

    def __reduce__(self) -> "tuple[Callable[[tuple[Term, ...] | None], Size], tuple[tuple[Term, ...] | None]]":
        return _intern, (self.terms,)

    def __str__(self) -> str:
        if self._text is None:
            self._text = _print(self)
        return self._text

    def __repr__(self) -> str:
        return repr(str(self))

    def __bool__(self) -> bool:
        raise TypeError(f"the truth of the dimension {self} is not known; ask `equal` or `at_least`")

    def __add__(self, other: "Size") -> "Size":
        return _combine("+", self, other)

    def __radd__(self, other: "Size") -> "Size":
        return _combine("+", other, self)

    def __sub__(self, other: "Size") -> "Size":
        return _combine("-", self, other)

    def __rsub__(self, other: "Size") -> "Size":
        return _combine("-", other, self)

    def __mul__(self, other: "Size") -> "Size":
        return _combine("*", self, other)

    def __rmul__(self, other: "Size") -> "Size":
        return _combine("*", other, self)

    def __floordiv__(self, other: "Size") -> "Size":
        return _combine("//", self, other)

    def __rfloordiv__(self, other: "Size") -> "Size":
        return _combine("//", other, self)

    def __neg__(self) -> "Size":
        return _combine("-", 0, self)


Size: TypeAlias = int | Dim
Atom: TypeAlias = str | tuple[str, Size, Size]
Term: TypeAlias = tuple[tuple[Atom, ...], int]

_interned: dict[tuple[Term, ...] | None, Dim] = {}
_memo: dict[tuple[str, Size, Size], Size] = {}
_lows: dict[Dim, int | None] = {}

UNKNOWN: Final = Dim(None)
"""The dimension of which nothing is known; it is not even equal to itself."""
_interned[None] = UNKNOWN


def dim(name: str) -> Size:
    """Return the dimension called `name`; the same object for the same name."""
    return _from_terms({(name,): 1})


def larger(a: Size, b: Size) -> Size:
    """Return max(a, b)."""
    return _combine("max", a, b)


def smaller(a: Size, b: Size) -> Size:
    """Return min(a, b)."""
    return _combine("min", a, b)


def equal(a: Size, b: Size) -> bool | None:
    """Say whether two dimensions are equal: True, False, or None where that depends on the binding."""
    if a is UNKNOWN or b is UNKNOWN:
        return None
    if a is b:
        return True
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    difference = a - b
    if isinstance(difference, int):
        return difference == 0
    return False if _least(difference, 1) or _least(0 - difference, 1) else None


def at_least(a: Size, bound: Size) -> bool | None:
    """Say whether a >= bound: True, False, or None where that depends on the binding."""
    if a is UNKNOWN or bound is UNKNOWN:
        return None
    difference = a - bound
    if isinstance(difference, int):
        return difference >= 0
    if _least(difference, 0):
        return True
    return False if _least(0 - difference, 1) else None


def names(size: Size) -> tuple[str, ...]:
    """Return the names that a dimension is made of, sorted."""
    found: set[str] = set()
    stack: list[Size] = [size]
    while stack:
        here = stack.pop()
        if isinstance(here, int) or here.terms is None:
            continue
        for atoms, _ in here.terms:
            for atom in atoms:
                if isinstance(atom, str):
                    found.add(atom)
                else:
                    stack += atom[1:]
    return tuple(sorted(found))


def substitute(size: Size, binding: "Mapping[str, Size]") -> Size:
    """Replace names by numbers or other dimensions, and normalise."""
    return _substitute(size, binding, {})


def _substitute(size: Size, binding: "Mapping[str, Size]", done: dict[Size, Size]) -> Size:
    if isinstance(size, int) or size.terms is None:
        return size
    if size in done:
        return done[size]
    total: Size = 0
    for atoms, factor in size.terms:
        product: Size = factor
        for atom in atoms:
            if isinstance(atom, str):
                product = product * binding.get(atom, _from_terms({(atom,): 1}))
            else:
                parts = [_substitute(part, binding, done) for part in atom[1:]]
                product = product * _combine(atom[0], *parts)
        total = total + product
    done[size] = total
    return total


def tree(size: Size) -> "int | str | tuple[object, ...]":
    """Return a dimension as nested tuples, ("+", ("*", 4, "n"), 1), for a Program to keep and evaluate."""
    if isinstance(size, int):
        return size
    if size.terms is None:
        raise ValueError("an unknown dimension has no expression")
    terms = [_term_tree(atoms, factor) for atoms, factor in size.terms]
    return terms[0] if len(terms) == 1 else ("+", *terms)


def _term_tree(atoms: tuple[Atom, ...], factor: int) -> "int | str | tuple[object, ...]":
    factors = [atom if isinstance(atom, str) else (atom[0], tree(atom[1]), tree(atom[2])) for atom in atoms]
    if factor != 1 or not factors:
        return ("*", factor, *factors) if factors else factor
    return factors[0] if len(factors) == 1 else ("*", *factors)


def _combine(operator: str, a: Size, b: Size) -> Size:
    if a is UNKNOWN or b is UNKNOWN:
        return UNKNOWN
    key = (operator, a, b)
    found = _memo.get(key)
    if found is None:
        for size in (a, b):
            if not isinstance(size, (int, Dim)):
                raise TypeError(f"a dimension is a whole number or an expression, not {size!r}")
        found = _memo[key] = _RULES[operator](a, b)
    return found


def _terms(size: Size) -> dict[tuple[Atom, ...], int]:
    if isinstance(size, int):
        return {(): size} if size else {}
    assert size.terms is not None
    return dict(size.terms)


def _from_terms(terms: dict[tuple[Atom, ...], int]) -> Size:
    kept = sorted(((atoms, factor) for atoms, factor in terms.items() if factor), key=_term_order)
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return _intern(tuple(kept))


def _intern(terms: tuple[Term, ...] | None) -> Size:
    found = _interned.get(terms)
    if found is None:
        found = _interned[terms] = Dim(terms)
    return found


def _term_order(term: Term) -> tuple[int, list[str]]:
    return (-len(term[0]), [_print_atom(atom) for atom in term[0]])


def _add(a: Size, b: Size) -> Size:
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    terms = _terms(a)
    for atoms, factor in _terms(b).items():
        terms[atoms] = terms.get(atoms, 0) + factor
    return _from_terms(terms)


def _subtract(a: Size, b: Size) -> Size:
    return _add(a, _multiply(-1, b))


def _multiply(a: Size, b: Size) -> Size:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    product: dict[tuple[Atom, ...], int] = {}
    for left, p in _terms(a).items():
        for right, q in _terms(b).items():
            atoms = tuple(sorted(left + right, key=_print_atom))
            product[atoms] = product.get(atoms, 0) + p * q
    return _from_terms(product)


def _floor_divide(a: Size, b: Size) -> Size:
    if isinstance(a, int) and isinstance(b, int):
        if b == 0:
            raise ZeroDivisionError("a dimension is divided by zero")
        return a // b
    if isinstance(b, int) and b == 0:
        raise ZeroDivisionError("a dimension is divided by zero")
    divisor = _terms(b)
    if len(divisor) > 1:
        return 1 if a is b else _from_terms({(("//", a, b),): 1})
    ((atoms, factor),) = divisor.items()
    whole: dict[tuple[Atom, ...], int] = {}
    rest: dict[tuple[Atom, ...], int] = {}
    for term, p in _terms(a).items():
        left = _without(term, atoms)
        if left is None or p % factor:
            rest[term] = p
        else:
            whole[left] = p // factor
    remainder = _from_terms(rest)
    if isinstance(b, int) and isinstance(remainder, int):
        whole[()] = whole.get((), 0) + remainder // b
    elif remainder != 0:
        quotient: Atom = ("//", remainder, b)
        whole[(quotient,)] = whole.get((quotient,), 0) + 1
    return _from_terms(whole)


def _without(atoms: tuple[Atom, ...], part: tuple[Atom, ...]) -> tuple[Atom, ...] | None:
    left = list(atoms)
    for atom in part:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)


def _extreme(operator: str, a: Size, b: Size) -> Size:
    kept: list[Size] = []
    for part in (*_parts(operator, a), *_parts(operator, b)):
        if any(_covers(operator, other, part) for other in kept):
            continue
        kept = [other for other in kept if not _covers(operator, part, other)]
        kept.append(part)
    first, *rest = sorted(kept, key=str)
    for part in rest:
        first = _from_terms({((operator, first, part),): 1})
    return first


def _covers(operator: str, a: Size, b: Size) -> bool | None:
    """Say whether b adds nothing to the max (min) of a and b."""
    return at_least(a, b) if operator == "max" else at_least(b, a)


def _parts(operator: str, size: Size) -> list[Size]:
    """Return what a max (min) is taken of, or the dimension itself where it is none."""
    parts: list[Size] = []
    while isinstance(size, Dim) and size.terms is not None and len(size.terms) == 1:
        (atoms, factor), *_ = size.terms
        if factor != 1 or len(atoms) != 1 or isinstance(atoms[0], str) or atoms[0][0] != operator:
            break
        _, size, last = atoms[0]
        parts.append(last)
    return [size, *reversed(parts)]


def _least(size: Size, bound: int) -> bool:
    """Say whether a dimension is surely >= bound, knowing that names are not negative."""
    low = _lowest(size)
    return low is not None and low >= bound


def _lowest(size: Size) -> int | None:
    """Return a number that a dimension is surely not below, or None; remembered, for expressions share their parts."""
    if isinstance(size, int):
        return size
    if size not in _lows:
        total: int | None = 0
        for atoms, factor in size.terms or ():
            low = _lowest_product(atoms, factor)
            total = None if total is None or low is None else total + low
        _lows[size] = total
    return _lows[size]


def _lowest_product(atoms: tuple[Atom, ...], factor: int) -> int | None:
    if not atoms:
        return factor
    lows = [0 if isinstance(atom, str) else _lowest_atom(*atom) for atom in atoms]
    if factor < 0 or any(low is None or (low < 0 and len(lows) > 1) for low in lows):
        return None
    product = factor
    for low in lows:
        product *= low or 0
    return product


def _lowest_atom(operator: str, a: Size, b: Size) -> int | None:
    first, second = _lowest(a), _lowest(b)
    if operator == "max":
        return max((low for low in (first, second) if low is not None), default=None)
    if first is None or second is None:
        return None
    if operator == "min":
        return min(first, second)
    if second < 0 or (first < 0 and not isinstance(b, int)):
        return None
    return first // b if isinstance(b, int) else 0


def _print_atom(atom: Atom) -> str:
    if isinstance(atom, str):
        return atom
    operator, a, b = atom
    if operator == "//":
        return f"(({a})//{b})" if isinstance(b, int) else f"(({a})//({b}))"
    return f"{operator}({', '.join(map(str, (*_parts(operator, a), b)))})"


def _print(size: Dim) -> str:
    if size.terms is None:
        return "?"
    text = ""
    for atoms, factor in size.terms:
        product = "*".join(map(_print_atom, atoms))
        amount = abs(factor)
        body = product if product and amount == 1 else f"{amount}*{product}" if product else str(amount)
        sign = "-" if factor < 0 else "+" if text else ""
        text += f" {sign} {body}" if text else f"{sign}{body}"
    return text


_RULES: Final[dict[str, Callable[[Size, Size], Size]]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "//": _floor_divide,
    "max": lambda a, b: _extreme("max", a, b),
    "min": lambda a, b: _extreme("min", a, b),
}
