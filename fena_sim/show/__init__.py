"""What a run shows: figures with one style sheet, structure, tables, reports, a live page, exports."""
