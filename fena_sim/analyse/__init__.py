"""What a run means: each measure is defined once here, and returns labelled arrays or tables."""
