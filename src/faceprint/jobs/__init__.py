"""Long work in the background: progress, cancelling, results that outlive a restart."""
