"""Cards by what they do, one file each."""
