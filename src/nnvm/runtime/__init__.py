"""Programs and what runs them: the standard library and nothing else of ours."""
