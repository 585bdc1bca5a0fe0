"""Unknown faces into people."""
