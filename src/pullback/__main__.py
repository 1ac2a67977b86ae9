"""`python -m pullback`: the same as `pullback`, where the command is not on the path."""

from pullback.cli import main

if __name__ == "__main__":
    main()
