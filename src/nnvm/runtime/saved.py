"""The file a program is saved in: a magic word, a JSON header, and the aligned bytes of its constants."""

import json
import math
import mmap
import os
import secrets
import stat
from typing import Any, BinaryIO, Final, NoReturn

from nnvm.errors import Error
from nnvm.runtime.expressions import parse
from nnvm.runtime.parts import VERSION, Buffer, Bytes, Raw, Step
from nnvm.runtime.program import Program
from nnvm.runtime.wellformed import DEEPEST_VALUE

MAGIC: Final = b"NNVMPROG"
ALIGNMENT: Final = 64
CHUNK: Final = 1 << 20
LARGEST_HEADER: Final = 1 << 30
DEEPEST_PROGRAM: Final = 16


class Mapped:
    """Bytes of a constant that stay in the file until somebody looks."""

    __slots__ = ("_length", "_map", "_start", "path")

    def __init__(self, mapped: mmap.mmap, start: int, length: int, path: str) -> None:
        self._map: Final = mapped
        self._start: Final = start
        self._length: Final = length
        self.path: Final = path

    def read(self) -> memoryview:
        """Give the bytes, read only; raises Error where the file has been cut since it was loaded."""
        if self._map.size() < self._start + self._length:  # touching what is gone would kill the process
            raise Error(f"{self.path} has shrunk since it was loaded; load it again")
        return memoryview(self._map)[self._start : self._start + self._length]

    def __reduce__(self) -> tuple[type[Raw], tuple[bytes]]:
        return Raw, (bytes(self.read()),)


def save(program: Program, path: str | os.PathLike[str]) -> None:
    """Write `program` to one file beside its final place, then move it there. Raises Error where that fails."""
    target = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(target)
    part = os.path.join(folder, f".{name}.{secrets.token_hex(6)}.part")
    pieces = _Pieces()
    try:
        header = json.dumps(_encode(program, pieces), separators=(",", ":"), allow_nan=False).encode("ascii")
    except ValueError as error:
        raise Error(f"cannot save the program: {error}") from error
    if len(header) > LARGEST_HEADER:
        raise Error(f"the program's header would take {len(header)} bytes, above the {LARGEST_HEADER} that can be read")
    try:
        try:
            with open(part, "xb") as file:
                _write(file, header, pieces)
            os.replace(part, target)
        finally:
            if os.path.exists(part):
                os.unlink(part)
    except OSError as error:
        raise Error(f"cannot save the program as {target}: {error.strerror or error}") from error


def load(path: str | os.PathLike[str]) -> Program:
    """Read the program that `save` wrote; raises Error, saying what is wrong, for any other file."""
    name = os.fspath(path)
    try:
        if not stat.S_ISREG(os.stat(name).st_mode):
            raise Error(f"{name} is not a file")
        with open(name, "rb") as file:
            return _load(file, name)
    except OSError as error:
        raise Error(f"cannot read {name}: {error.strerror or error}") from error
    except Error as error:
        raise Error(f"{name} is no saved program that can run: {error}") from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError) as error:
        raise Error(f"{name} is damaged: its header is not what a saved program has ({error})") from error


class _Pieces:
    """The constants to write, each object once, and where each lies after the header."""

    __slots__ = ("end", "known", "listed")

    def __init__(self) -> None:
        self.known: dict[int, tuple[int, int]] = {}
        self.listed: list[tuple[int, int, Bytes]] = []
        self.end = 0

    def add(self, data: Bytes, length: int) -> tuple[int, int]:
        if self.known.get(id(data), (0, length))[1] != length:
            raise Error("one constant is shared by buffers of different sizes")
        if id(data) not in self.known:
            start = _aligned(self.end)
            self.known[id(data)] = (start, length)
            self.listed.append((start, length, data))
            self.end = start + length
        return self.known[id(data)]


def _aligned(position: int) -> int:
    return -(-position // ALIGNMENT) * ALIGNMENT


def _write(file: BinaryIO, header: bytes, pieces: _Pieces) -> None:
    file.write(MAGIC + len(header).to_bytes(8, "little"))
    file.write(header)
    begin = _aligned(file.tell())
    file.write(bytes(begin - file.tell()))
    for start, length, data in pieces.listed:
        file.write(bytes(begin + start - file.tell()))
        view = data.read().cast("B")
        if len(view) != length:
            raise Error(f"a constant has {len(view)} bytes where its buffer has {length}")
        for at in range(0, length, CHUNK):
            file.write(view[at : at + CHUNK])
    file.flush()
    os.fsync(file.fileno())


def _encode(program: Program, pieces: _Pieces, depth: int = DEEPEST_PROGRAM) -> dict[str, object]:
    if not depth:
        raise Error(f"programs are nested deeper than {DEEPEST_PROGRAM}")
    return {
        "version": program.version,
        "backend": program.backend,
        "alignment": program.alignment,
        "peak": program.peak,
        "buffers": [[b.kind, b.dtype, b.shape, b.offset, b.alias_of, b.view_of, b.name] for b in program.buffers],
        "steps": [_encode_step(step) for step in program.steps],
        "inputs": program.inputs,
        "outputs": program.outputs,
        "output_names": program.output_names,
        "donated": program.donated,
        "constants": [
            [index, *pieces.add(data, program.buffers[index].nbytes({}))] for index, data in program.constants.items()
        ],
        "programs": [_encode(nested, pieces, depth - 1) for nested in program.programs],
        "meta": {key: _encode_value(value) for key, value in program.meta.items()},
    }


def _encode_step(step: Step) -> list[object]:
    params = {key: _encode_value(value) for key, value in step.params.items()}
    return [
        step.kernel,
        step.inputs,
        step.outputs,
        params,
        step.workspace,
        step.scratch,
        step.allocates,
        step.waits,
        step.name,
        step.inplace,
        step.joins,
    ]


def _encode_value(value: Any) -> object:
    """Spell what JSON lacks (tuples, nan, infinities, and a dict that is no tag) as an object with one key."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, tuple):
        return {"tuple": [_encode_value(item) for item in value]}
    if isinstance(value, list):
        return [_encode_value(item) for item in value]
    if isinstance(value, dict):
        return {"dict": [[key, _encode_value(item)] for key, item in value.items()]}
    return value


def _decode_value(data: Any, depth: int = DEEPEST_VALUE + 1) -> object:
    if not depth:
        raise Error(f"a value is nested deeper than {DEEPEST_VALUE}")
    if isinstance(data, list):
        return [_decode_value(item, depth - 1) for item in data]
    if not isinstance(data, dict):
        return data
    if len(data) != 1:
        raise Error(f"a value has the keys {sorted(data)[:9]}; it must have one of float, tuple and dict")
    ((tag, inside),) = data.items()
    if tag == "float" and inside in ("nan", "inf", "-inf"):
        return float(inside)
    if tag == "tuple" and isinstance(inside, list):
        return tuple(_decode_value(item, depth - 1) for item in inside)
    if tag == "dict" and isinstance(inside, list):
        return {key: _decode_value(item, depth - 1) for key, item in inside}
    raise Error(f"a value is tagged {tag!r:.60}; the tags are float, tuple and dict")


def _load(file: BinaryIO, name: str) -> Program:
    size = os.fstat(file.fileno()).st_size
    start = file.read(16)
    if start[:8] != MAGIC:
        raise Error("it does not start with NNVMPROG")
    length = int.from_bytes(start[8:], "little")
    if len(start) < 16 or length > min(size - 16, LARGEST_HEADER):
        raise Error(f"its header should have {length} bytes, and the whole file has {size}: it is cut short")
    header = json.loads(file.read(length).decode("ascii"), parse_constant=_refuse)
    begin = _aligned(16 + length)
    reader = _Reader(name, begin, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    program = reader.program(header)
    if size != begin + reader.end:
        raise Error(f"it should have {begin + reader.end} bytes, but has {size}")
    return program


def _refuse(constant: str) -> NoReturn:
    raise Error(f"its header has {constant}, which is no JSON")


class _Reader:
    """Turns headers into programs, and knows which bytes of the file they have claimed."""

    __slots__ = ("begin", "claimed", "end", "mapped", "name")

    def __init__(self, name: str, begin: int, mapped: mmap.mmap) -> None:
        self.name = name
        self.begin = begin
        self.mapped = mapped
        self.claimed: dict[tuple[int, int], Mapped] = {}
        self.end = 0

    def program(self, header: Any, depth: int = DEEPEST_PROGRAM) -> Program:
        if not depth:
            raise Error(f"programs are nested deeper than {DEEPEST_PROGRAM}")
        if not isinstance(header, dict):
            raise Error("its header is no JSON object")
        if header.get("version") != VERSION:
            raise Error(f"it has version {header.get('version')!r:.60}; this nnvm reads version {VERSION}")
        buffers = [_decode_buffer(row, len(header["buffers"])) for row in _list(header["buffers"])]
        constants = self._constants(_list(header["constants"]))
        return Program(
            header["backend"],
            buffers,
            [_decode_step(row) for row in _list(header["steps"])],
            _ints(header["inputs"]),
            _ints(header["outputs"]),
            output_names=_list(header["output_names"]),
            donated=_ints(header["donated"]),
            constants=constants,
            programs=[self.program(nested, depth - 1) for nested in _list(header["programs"])],
            peak=parse(header["peak"], ends=len(buffers)),
            alignment=header["alignment"],
            meta={key: _decode_value(value) for key, value in header["meta"].items()},
        )

    def _constants(self, rows: list[Any]) -> dict[int, Bytes]:
        """Claim the bytes of each constant: right after the last one's, or just those that another has."""
        constants: dict[int, Bytes] = {}
        for row in rows:
            index, start, length = _ints(row)
            if (start, length) not in self.claimed:
                if start != _aligned(self.end) or length < 0:
                    raise Error(f"constant {index} lies at {start}, not at {_aligned(self.end)}, after the one before")
                self.end = start + length
                if self.begin + self.end > len(self.mapped):
                    raise Error(f"constant {index} ends {self.end} bytes after the header: the file is cut short")
                self.claimed[start, length] = Mapped(self.mapped, self.begin + start, length, self.name)
            if index in constants:
                raise Error(f"constant {index} is listed twice")
            constants[index] = self.claimed[start, length]
        return constants


def _decode_buffer(row: Any, count: int) -> Buffer:
    kind, dtype, shape, offset, alias_of, view_of, name = row
    if not isinstance(dtype, str) or not isinstance(kind, str):
        raise Error("a buffer has a kind or a dtype that is not text")
    dims = None if shape is None else [parse(dim) for dim in _list(shape)]
    return Buffer(kind, dtype, dims, parse(offset, ends=count), alias_of, view_of, name)


def _decode_step(row: Any) -> Step:
    kernel, inputs, outputs, params, workspace, scratch, allocates, waits, name, inplace, joins = row
    return Step(
        kernel,
        [None if i is None else _int(i) for i in _list(inputs)],
        _ints(outputs),
        {key: _decode_value(value) for key, value in params.items()},
        workspace=parse(workspace),
        scratch=scratch,
        allocates=allocates,
        waits=_ints(waits),
        name=name,
        inplace=_ints(inplace),
        joins=joins,
    )


def _list(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise Error(f"its header has {str(data)[:60]!r} where a list belongs")
    return data


def _int(data: Any) -> int:
    if type(data) is not int:
        raise Error(f"its header has {str(data)[:60]!r} where an integer belongs")
    return data


def _ints(data: Any) -> list[int]:
    return [_int(item) for item in _list(data)]
