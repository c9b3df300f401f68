"""Showing models and runs: figures with one style sheet, structure, tables, reports, a live
page, exports.
"""
