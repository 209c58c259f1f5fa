"""Packing problems in files of comma-separated values, one buffer a line, as MiniMalloc reads and writes them."""

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from nnvm.errors import Error
from nnvm.packing.budget import Progress
from nnvm.packing.portfolio import pack
from nnvm.packing.problem import Buffer, Gap, Packing, Pool, Problem

NAMES: Final = {"begin": "lower", "start": "lower", "end": "upper", "buffer": "id", "buffer_id": "id"}
"""Other names of columns; times in an `end` column are the last at which a buffer lives, so one is added."""

WRITING: Final = 1e-6
"""Seconds that writing takes for each line, which belong to the limit."""

NEEDED: Final = ("id", "lower", "upper", "size")


class Table:
    """A file as it was read: its header, its lines, and the problem in them."""

    __slots__ = ("header", "problem", "rows")

    def __init__(self, header: list[str], rows: list[list[str]], problem: Problem) -> None:
        self.header: Final = header
        self.rows: Final = rows
        self.problem: Final = problem


def read(path: str | Path, *, alignment: int = 1) -> Table:
    """Read a problem with one pool of this alignment.

    Columns: id, lower, upper, size, and if they are there alignment, gaps (`3-5 8-9@0:16`: bytes 0 to 15 stay in use),
    offset (where it is filled in, the buffer is fixed) and hint. Raises Error that names the file and the line.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Error(f"{path} cannot be read as comma-separated values: {error}") from error
    if not lines:
        raise Error(f"{path} is empty; its first line names the columns: {','.join(NEEDED)}")
    header, *rows = lines
    said = [name.strip().lower() for name in header]
    columns = {NAMES.get(name, name): i for i, name in enumerate(said)}
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise Error(f"{path} has no column {missing[0]!r}; it has: {', '.join(said)}")
    if len(columns) != len(said):
        raise Error(f"{path} has two columns that mean the same: {', '.join(said)}")
    later = 1 if "end" in said else 0
    buffers = []
    for number, row in enumerate(rows, 2):
        try:
            if len(row) != len(said):
                raise Error(f"it has {len(row)} fields, and there are {len(said)} columns")
            buffers.append(_buffer(row, columns, later))
        except Error as error:
            raise Error(f"{path}, line {number}: {error}") from error
    return Table(header, rows, Problem(buffers, [Pool(alignment=alignment)]))


def write(path: str | Path, table: Table, packing: Packing) -> None:
    """Write a file as it was read, with an `offset` column. Raises Error where it cannot be written."""
    said = [name.strip().lower() for name in table.header]
    at = said.index("offset") if "offset" in said else len(said)
    try:
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*table.header[:at], "offset", *table.header[at + 1 :]])
            for row, offset in zip(table.rows, packing.offsets, strict=True):
                writer.writerow([*row[:at], str(offset), *row[at + 1 :]])
    except OSError as error:
        raise Error(f"{path} cannot be written: {error}") from error


def pack_file(
    path: str | Path,
    output: str | Path | None = None,
    *,
    alignment: int = 1,
    capacity: int | None = None,
    effort: int | None = None,
    time_limit: float | None = None,
    exact: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Pack what a file holds, write it with offsets, and return what `nnvm pack` prints.

    The time limit and `seconds` hold reading, the limit also writing. With a capacity the search ends as soon as all
    fits; `fits` tells whether it does, and what does not is not written.
    """
    began = time.perf_counter()
    table = read(path, alignment=alignment)
    if time_limit is not None:
        written = WRITING * len(table.rows) if output is not None else 0.0
        time_limit = max(time_limit - (time.perf_counter() - began) - written, 0.0)
    packing = pack(
        table.problem, effort=effort, time_limit=time_limit, exact=exact, enough=capacity, progress=progress
    )  # fmt: skip
    result: dict[str, Any] = {
        "buffers": len(table.problem.buffers),
        "height": packing.height,
        "lower_bound": packing.bound,
        "status": packing.status,
        "seconds": round(time.perf_counter() - began, 6),
        "method": packing.method,
    }
    if capacity is not None:
        result |= {"capacity": capacity, "fits": packing.height <= capacity}
    if output is not None and result.get("fits", True):
        write(output, table, packing)
    return result


def _buffer(row: Sequence[str], columns: Mapping[str, int], later: int) -> Buffer:
    def field(name: str) -> str:
        return row[columns[name]].strip() if name in columns else ""

    def number(name: str, default: int | None = None) -> int | None:
        return _integer(field(name), name) if field(name) else default

    return Buffer(
        _integer(field("lower"), "lower"),
        _integer(field("upper"), "upper") + later,
        _integer(field("size"), "size"),
        name=field("id"),
        alignment=number("alignment", 1) or 0,
        gaps=[_gap(text, later) for text in field("gaps").split()],
        offset=number("offset"),
        hint=number("hint"),
    )


def _gap(text: str, later: int) -> Gap:
    times, _, window = text.partition("@")
    lower, dash, upper = times.partition("-")
    start, colon, end = window.partition(":")
    if not dash or bool(window) != bool(colon):
        raise Error(f"{text!r} is no gap; write LOWER-UPPER, or LOWER-UPPER@START:END for bytes that stay in use")
    kept = (_integer(start, "gaps"), _integer(end, "gaps")) if window else (0, 0)
    return Gap(_integer(lower, "gaps"), _integer(upper, "gaps") + later, *kept)


def _integer(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        shown = text if len(text) <= 40 else text[:37] + "..."
        raise Error(f"{name} is {shown!r}, which is no integer") from None
