"""What takes minutes or a quiet machine. A package, so that no test run finds `search.py` where it
looks for the room of that name."""
