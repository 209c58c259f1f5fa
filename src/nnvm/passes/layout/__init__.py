"""How what only moves, joins or cuts elements meets its like, and is undone."""
