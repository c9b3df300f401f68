"""The model: populations, projections, plasticity, and the hierarchy that they make up."""
