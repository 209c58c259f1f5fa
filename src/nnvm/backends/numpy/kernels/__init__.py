"""Every NumPy kernel by its name in a saved program."""
