"""`python -m faceprint` is `faceprint`."""

from faceprint.cli import main

if __name__ == "__main__":
    main()
