"""What a recipe trains: a network, its loss, and what is measured of it. Needs the extra `train`."""
