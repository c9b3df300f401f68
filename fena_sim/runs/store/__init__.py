"""The run folder: written once, found again, read lazily."""
