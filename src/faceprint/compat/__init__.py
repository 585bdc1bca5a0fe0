"""Other libraries' function names over faceprint, so that their users can change one import."""
