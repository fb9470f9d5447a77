"""The errors that are not the program's own."""


class UserError(Exception):
    """Bad input, said in one line; the command line prints it and exits with `exit_code`."""

    exit_code = 2


class Lost(UserError):
    """Something else took away what was being worked on; what had finished is kept where it is."""

    exit_code = 1


class InVain(UserError):
    """What was asked for was done, and came to nothing."""

    exit_code = 1
