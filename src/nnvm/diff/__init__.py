"""What changed from one graph to another, by structure and contents, whatever the nodes are called."""

from nnvm.diff.align import Alignment, align
from nnvm.diff.changes import Change, Diff, Move, diff

__all__ = ["Alignment", "Change", "Diff", "Move", "align", "diff"]
