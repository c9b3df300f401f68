"""Analysis of stored runs: each measure is defined once here, and returns labelled arrays or
tables.
"""
