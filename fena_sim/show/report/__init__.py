"""A page that can be sent to a colleague: what was run, on which model, and what came out."""
