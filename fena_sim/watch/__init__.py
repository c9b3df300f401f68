"""Following a run live: what is read from its folder while it is written, and the page that shows
it.
"""
