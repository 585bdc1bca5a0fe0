"""Training: data, sampling, recipes, runs, results and export.

Nothing here imports PyTorch before it trains: `data` and `sampling` need NumPy alone.
"""
