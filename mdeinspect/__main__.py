"""`python -m mdeinspect` and the `mdeinspect` program."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from mdeinspect.cli import cli

    cli.main(prog_name="mdeinspect")


if __name__ == "__main__":
    main()
