"""What `python -m nnvm.cli` runs."""

from nnvm.cli import main

main()
