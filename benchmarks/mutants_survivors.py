"""Why mutants survive, by the mutant's name: each reason is that of somebody who looked at it."""

from collections.abc import Mapping
from typing import Final

REASONS: Final[Mapping[str, str]] = {}
