"""A protocol over a grid of settings and seeds: many ordinary runs, one labelled result."""
