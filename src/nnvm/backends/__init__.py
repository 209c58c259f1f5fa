"""The machines that programs run on, one folder each."""
