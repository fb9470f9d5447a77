"""optuna-dashboard on the storage of the runs, served from this process."""

import ipaddress
import logging
import socket
import urllib.parse
from collections.abc import Callable
from itertools import pairwise
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import click
import optuna_dashboard
from optuna.storages import RDBStorage

from mnist_core.errors import UserError
from search.storage import load_study

PORT = 8080
_TRIED = 20  # ports looked at from PORT on where none is asked for
_log = logging.getLogger(__name__)


def serve(
    storage: RDBStorage,
    study_name: str | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    ready: Callable[[str], None] = click.echo,
) -> None:
    """Serve the dashboard until Ctrl-C. It runs in this process and is handed the open storage:
    a command line with the storage's URL would show its password to everyone on the machine.

    study_name: open on this study's page instead of the list of studies.
    host: the address to bind; any that other machines can reach is warned of in the log.
    port: None is 8080 or the next free one, 0 any free one.
    ready: called once with the address, when it answers.

    Raises UserError where there is no such study, or the address or the port cannot be had.
    """
    page = "/dashboard"
    if study_name is not None:
        study = load_study(storage, study_name)
        page = f"/dashboard/studies/{storage.get_study_id_from_name(study.study_name)}"
    with _bound(host, port) as server:
        if not _is_local(server):
            _log.warning(
                "the dashboard has no login: everyone who can reach %s:%d can read, change and "
                "delete all studies in this storage",
                *server.server_address[:2],
            )
        server.set_app(optuna_dashboard.wsgi(storage))
        ready(f"http://{_netloc(server)}{page}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            _log.debug("stopped by Ctrl-C")
