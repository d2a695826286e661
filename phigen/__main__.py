"""`python -m phigen` is the command `phigen`."""

from phigen.cli import main

if __name__ == "__main__":
    main()
