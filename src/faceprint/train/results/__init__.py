"""What a training run found, as a report."""
