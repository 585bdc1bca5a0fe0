"""A network that finds the one face of a photo: its crops, its loss, its run.

`places` and `crops` need NumPy alone; what imports PyTorch is imported by name.
"""
