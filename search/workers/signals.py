"""The signals that ask a process to end. Nothing slow is imported: the command line needs them."""

import signal


def to_heed() -> list[signal.Signals]:
    """SIGTERM, and SIGHUP, which a terminal sends that is closed, unless we were started to ignore
    it, as nohup does."""
    asking = [signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        asking.append(signal.SIGHUP)
    return asking
