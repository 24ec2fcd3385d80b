"""`python -m foldship` is `foldship`."""

from foldship.cli.main import main

if __name__ == "__main__":  # not again in the processes that folds are trained in
    main()
