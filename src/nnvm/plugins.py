"""What other packages bring to nnvm, found through their entry points when it is first asked for."""

import os
import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from nnvm.errors import Error

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

WANTED: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "nnvm.attrs": ("module", ()),
    "nnvm.backends": ("backend", ("name", "call", "run")),
    "nnvm.frontends": ("frontend", ("load",)),
    "nnvm.ops": ("operator", ("infer", "inputs")),
    "nnvm.passes": ("pass", ("__call__",)),
    "nnvm.rules": ("rule", ("apply",)),
}
"""From a group of entry points to what each of its objects is, and the attributes by which that shows."""

_FLOORS: Final = ("nnvm.attrs", "nnvm.ops", "nnvm.passes")

_offers: dict[str, dict[str, list["EntryPoint"]]] = {}
_loaded: dict[tuple[str, str], Any] = {}
_problems: list[str] = []


def find(group: str, name: str) -> Any | None:
    """Return what a package offers under a name in a group; None where nobody does, or where it is broken.

    The broken are told in a RuntimeWarning, once. Raises Error where two packages offer the name.
    """
    offers = _group(group).get(name)
    if offers is None:
        return None
    _refuse_conflict(group, name, offers)
    found = _load(group, name, offers[0])
    _tell()
    return found


def every(group: str) -> dict[str, Any]:
    """Return all that packages offer in a group, by name and sorted; what is broken is told and left out.

    Raises Error where two packages offer the same name.
    """
    found = {}
    for name, offers in _group(group).items():
        _refuse_conflict(group, name, offers)
        found[name] = _load(group, name, offers[0])
    _tell()
    return {name: each for name, each in found.items() if each is not None}


def names(group: str, ours: Iterable[str] = ()) -> list[str]:
    """Return the names that packages offer in a group, sorted, and import nothing.

    Raises Error where two packages offer the same name, or one offers a name that is `ours`.
    """
    taken = frozenset(ours)
    for name, offers in _group(group).items():
        _refuse_conflict(group, name, offers)
        if name in taken:
            raise Error(_conflict(group, name, [_package(offers[0]), "nnvm"]))
    return list(_group(group))


def mentioned(group: str, text: str, ours: Iterable[str] = ()) -> dict[str, Any]:
    """Return what packages offer in a group under names that a text calls, `NAME(`; no other is imported.

    Raises Error where two packages offer such a name, or one offers a name that is `ours`.
    """
    called = [name for name in _group(group) if f"{name}(" in text]
    taken = frozenset(ours)
    for name in called:
        if name in taken:
            raise Error(_conflict(group, name, [_package(_group(group)[name][0]), "nnvm"]))
    found = {name: find(group, name) for name in called}
    return {name: each for name, each in found.items() if each is not None}


def load_columns() -> bool:
    """Import the modules that fill columns (nnvm.attrs), each once; called before a column is first read.

    False, for later, while nnvm's own floors are being imported: plugins import those floors.
    """
    if any(floor in sys.modules and not hasattr(sys.modules[floor], "__all__") for floor in _FLOORS):
        return False
    for name, offers in _group("nnvm.attrs").items():
        for i, offer in enumerate(offers):  # names in this group are labels: two packages may choose the same
            _load("nnvm.attrs", f"{name} {i}", offer)
    _tell()
    return True


def rules() -> tuple[Any, ...]:
    """Return the rules that packages bring, by name; an entry point may hold a rule or a tuple of them."""
    found: list[Any] = []
    for each in every("nnvm.rules").values():
        found += each if isinstance(each, tuple) else (each,)
    return tuple(found)


def installed() -> Iterable["EntryPoint"]:
    """Yield the entry points of the installed packages that have any for nnvm; of two versions, the first on sys.path.

    A look at the folders there costs a millisecond; importlib.metadata, imported only where it finds some, costs fifty.
    """
    if not any(map(_mentions_nnvm, sys.path)):
        return
    from importlib.metadata import distributions

    seen: set[str] = set()
    for dist in distributions():
        if "[nnvm." in (dist.read_text("entry_points.txt") or "") and dist.name not in seen:
            seen.add(dist.name)
            yield from dist.entry_points


def forget() -> None:
    """Look again at what is installed when next asked; what was imported stays imported."""
    _offers.clear()
    _loaded.clear()
    _problems.clear()


def _mentions_nnvm(folder: str) -> bool:
    try:
        inside = [entry.path for entry in os.scandir(folder or ".") if entry.name.lower().endswith("-info")]
    except NotADirectoryError:
        return True  # an archive: importlib.metadata reads it
    except OSError:
        return False
    for path in inside:
        try:
            with open(os.path.join(path, "entry_points.txt"), "rb") as file:
                if b"[nnvm." in file.read():
                    return True
        except OSError:
            continue
    return False


def _group(group: str) -> dict[str, list["EntryPoint"]]:
    """Return the entry points of a group by name, sorted by name and by package."""
    if not _offers:
        found: dict[str, dict[str, list[EntryPoint]]] = {known: {} for known in WANTED}
        ours = [offer for offer in installed() if offer.group in WANTED]
        for offer in sorted(ours, key=lambda offer: (offer.name, _package(offer), offer.value)):
            found[offer.group].setdefault(offer.name, []).append(offer)
        _offers.update(found)
    if group not in _offers:
        raise Error(f"there is no group of plugins {group!r}; there is: {', '.join(WANTED)}")
    return _offers[group]


def _load(group: str, name: str, offer: "EntryPoint") -> Any | None:
    """Import what an entry point names, once; note what is wrong with it."""
    key = (group, name)
    if key in _loaded:
        return _loaded[key]
    _loaded[key] = None
    try:
        found = offer.load()
    except (Exception, SystemExit) as error:
        problem: str | None = f"{type(error).__name__}: {error}"
    else:
        problem = _misfit(group, offer.name, found)
    if problem is None:
        _loaded[key] = found
        return found
    place = f"its entry point {group}: {offer.name} = {offer.value}"
    _problems.append(f"plugin {_package(offer)} is broken and left out: {place}: {problem}; update or uninstall it")
    return None


def _misfit(group: str, name: str, found: Any) -> str | None:
    """Return why an object does not belong in a group; kernels for a backend are a module of any content."""
    what, wanted = WANTED[group]
    if group == "nnvm.backends" and "." in name:
        return None
    for each in found if group == "nnvm.rules" and isinstance(found, tuple) else (found,):
        lacking = [attribute for attribute in wanted if not hasattr(each, attribute)]
        if lacking:
            return f"this {type(each).__name__} is no {what}: it has no {', '.join(lacking)}"
    return None


def _tell() -> None:
    while _problems:
        warnings.warn(_problems.pop(0), RuntimeWarning, stacklevel=3)


def _refuse_conflict(group: str, name: str, offers: list["EntryPoint"]) -> None:
    if len(offers) > 1:
        raise Error(_conflict(group, name, [f"{_package(offer)} ({offer.value})" for offer in offers]))


def _conflict(group: str, name: str, packages: Iterable[str]) -> str:
    return f"the {WANTED[group][0]} {name!r} is offered by {' and by '.join(packages)}; uninstall all but one"


def _package(offer: "EntryPoint") -> str:
    dist = offer.dist
    return f"{dist.name} {dist.version}" if dist is not None else offer.value.partition(":")[0]
