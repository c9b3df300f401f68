"""The local page that follows a run live."""
