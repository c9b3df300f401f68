"""Benchmarks of speed and memory against other libraries and against the limit of the machine:
`fena bench`.
"""
