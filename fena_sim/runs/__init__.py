"""A protocol on a model: plan, execution in chunks, checkpoints, resume, provenance."""
