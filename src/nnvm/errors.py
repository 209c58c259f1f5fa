"""The one exception that bad input ends in; it lies below both towers, so every part may raise it."""


class Error(Exception):
    """Say what is wrong with a graph, a file, a program or a request, and how to cure it."""


class MissingExtra(Error):
    """Name the `pip install` that brings a library which this call needs and the base install leaves out."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is not installed; run: pip install 'nnvm[{extra}]'")
