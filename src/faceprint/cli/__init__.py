"""The command line: `faceprint`."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Runs the command line on `sys.argv` and exits with 0, 1 (different, for verify) or 2 (trouble)."""
    from faceprint.cli.app import run

    run()
