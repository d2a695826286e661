"""Run the command `phigen` as `python -m phigen`."""

from phigen.cli import main

if __name__ == "__main__":
    main(prog_name="phigen")
