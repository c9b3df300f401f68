"""Reading users' files: what a model or protocol file declares, and what `--set` changes in it."""

from . import user_file  # noqa: F401  (finds users' modules, also for another process that unpickles)
