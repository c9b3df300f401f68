"""Reading users' files, and where the shipped ones are."""
