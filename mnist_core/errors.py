"""The one error that is the user's to mend."""


class UserError(Exception):
    """Bad input, said in one line; the command line prints it and exits with 2."""
