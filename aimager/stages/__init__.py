"""The tasks' work: one module for each task, whose request is a frozen dataclass with ``run()``."""
