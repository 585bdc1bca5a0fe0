"""Training of cascades: boosted Haar-like features, stage by stage, on ever harder backgrounds."""
