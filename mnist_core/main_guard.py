"""What a worker process does before it works: it reads the script that started it anew."""

from multiprocessing.process import current_process


def check_main() -> None:
    """Ends a worker that is still reading that script, where the script would launch everything
    again: one that has no `if __name__ == "__main__":` before it calls drilldown."""
    # As multiprocessing's own check does it, which comes when a process is started.
    if getattr(current_process(), "_inheriting", False):
        raise SystemExit(
            'Error: a script that calls drilldown needs `if __name__ == "__main__":` before it '
            "does, as each worker reads the script too"
        )
