"""When a smaller graph still shows what the large one showed: a pass fails alike, or a command says so."""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final

from nnvm.errors import Error
from nnvm.frontends import save
from nnvm.ir import Graph
from nnvm.options import Stage
from nnvm.pipeline import PassError, optimize, stages
from nnvm.verifying import Refusal, Verifier

_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|\bNone\b")
_HEAD: Final = re.compile(r"[^(\[{<=\n]*")


class Failure:
    """How a pass failed: its name, one word for the way, the rule at fault or None, and the head of what was said.

    `kind` is a Refusal's where verification found it; else the type of what the pass raised.
    """

    __slots__ = ("head", "kind", "rule", "stage")

    def __init__(self, error: PassError) -> None:
        cause = error.__cause__
        self.stage: Final = error.stage.name
        if isinstance(cause, Refusal):
            self.kind, self.rule, self.head = cause.kind, cause.rule, ""
        else:
            self.kind, self.rule, self.head = type(cause).__name__, None, _head(str(cause))

    def shows(self, other: "Failure") -> bool:
        """Say whether another failure is of the same kind; where no rule was found at fault here, any will do."""
        ours, theirs = (self.stage, self.kind, self.head), (other.stage, other.kind, other.head)
        return ours == theirs and self.rule in (None, other.rule)

    def __repr__(self) -> str:
        rule = f" of rule {self.rule}" if self.rule else ""
        return f"<{self.stage}: {self.kind}{rule}{f': {self.head}' if self.head else ''}>"


def _head(said: str) -> str:
    """Return what a message begins with, without names, numbers and whatever else goes with a graph."""
    found = _HEAD.match(_QUOTED.sub("'…'", said))
    return " ".join(re.sub(r"\d+", "#", found.group() if found else "").split())


class FailingPass:
    """The test that a pass still fails in the same way; `graph` is what the pass was given when it did first.

    Passes before the one that fails run once, to get that graph; what is reduced is a graph on which the pass fails
    alone. With `verify` a pass fails too where --verify-each refuses what it made. Raises Error where nothing fails.
    """

    __slots__ = ("_limits", "_seed", "_stage", "_verify", "error", "failure", "graph")

    def __init__(
        self,
        graph: Graph,
        passes: str | Iterable[str | Callable[..., Graph]] | None = None,
        *,
        verify: bool = True,
        seed: int = 0,
        limits: tuple[float, float] | None = None,
    ) -> None:
        self._verify: Final = verify
        self._seed: Final = seed
        self._limits: Final = limits
        chosen = None if passes is None else [_bound(stage) for stage in stages(passes)]
        error = self._run(graph, chosen)
        if error is None:
            raise Error(
                f"no pass fails on graph {graph.name}{' under verification' if verify else ''}: nothing to reduce"
            )
        self.error: Final = error
        self.failure: Final = Failure(error)
        self.graph: Final = error.before
        self._stage: Final = _bound(error.stage)

    def __call__(self, graph: Graph) -> bool:
        """Say whether the pass fails on a graph as it did on the first."""
        error = self._run(graph, [self._stage])
        return error is not None and self.failure.shows(Failure(error))

    def _run(self, graph: Graph, passes: Iterable[str | Callable[..., Graph]] | None) -> PassError | None:
        try:
            optimize(graph, passes, verify_each=Verifier(self._seed, self._limits) if self._verify else False)
        except PassError as error:
            return error
        return None


def _bound(stage: Stage) -> str | Callable[..., Graph]:
    """Return what runs a stage again: its function where it has no options, else its text."""
    return str(stage) if stage.options else stage.function


class Command:
    """The test that a command exits with status 0 for a graph in a file; a context, whose file goes at its end.

    The path stands for `{}` in the command, or behind it; `suffix` says in what format. What cannot be saved so, and
    what takes longer than `timeout` seconds, is not interesting. The command's own output is not shown. Raises Error
    where there is no such command.
    """

    __slots__ = ("_folder", "_path", "_words", "timeout", "unsaved")

    def __init__(self, command: str, suffix: str = ".nnvm", timeout: float | None = None) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise Error(f"the test {command!r} cannot be read: {error}") from error
        if not words:
            raise Error("the test is empty; give a command whose exit status says whether a model is interesting")
        self._folder: Final = TemporaryDirectory(prefix="nnvm-reduce-")
        self._path: Final = Path(self._folder.name) / f"candidate{suffix}"
        self._words: Final = [*words] if "{}" in command else [*words, "{}"]
        self.timeout: Final = timeout
        self.unsaved: str | None = None

    def __enter__(self) -> "Command":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def __call__(self, graph: Graph) -> bool:
        """Say whether the command finds a graph interesting."""
        try:
            save(graph, self._path)
        except Error as error:
            self.unsaved = str(error)
            return False
        words = [word.replace("{}", str(self._path)) for word in self._words]
        quiet = subprocess.DEVNULL
        try:
            process = subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
        except OSError as error:
            raise Error(f"the test {words[0]!r} cannot be run: {error.strerror}") from error
        try:
            return process.wait(self.timeout) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            if process.poll() is None:
                _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process and those that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, OSError):  # no groups on this system, or it has ended meanwhile
        process.kill()
    process.wait()
