"""Reading users' files: what they declare, what `--set` changes in it, and where the shipped ones are."""

from . import user_file  # noqa: F401  (finds users' modules, also for another process that unpickles)
