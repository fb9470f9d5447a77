"""optuna-dashboard on the storage of the runs, served from this process."""

import errno
import ipaddress
import logging
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import click

from mnist_core.errors import UserError
from search.study.pages import Pages
from search.study.studies import Studies

PORT = 8080
_TRIED = 20  # ports looked at, from PORT on, where none is asked for
_log = logging.getLogger(__name__)


def serve(
    studies: Studies,
    study_name: str | None = None,
    host: str = "127.0.0.1",
    port: int | None = None,
    ready: Callable[[str], None] = click.echo,
) -> None:
    """Serve the dashboard until Ctrl-C.

    It runs in this process, on the storage already open: a command line with the storage's URL
    would show its password to everyone on the machine.

    study_name: open at this study's page instead of the list of studies.
    host: the address to bind; one that other machines can reach is warned of in the log.
    port: None for 8080 or the next free one, 0 for any free one.
    ready: called once, with the address, when the server answers.

    Raises UserError where there is no such study or the address and port cannot be had.
    """
    page = "/dashboard"
    if study_name is not None:
        page += f"/studies/{studies.get(study_name).optuna._study_id}"
    with _bound(host, port) as server:
        if not server.local:
            _log.warning(
                "The dashboard has no login: whoever can reach %s can read, change and delete "
                "every study in this storage.",
                server.netloc,
            )
        server.set_app(Pages(studies.storage))
        with suppress(KeyboardInterrupt):
            ready(f"http://{server.netloc}{page}")
            server.serve_forever()


class _Handler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """No line for each request."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a request still open must not hold up the end

    def __init__(self, family: socket.AddressFamily, host: str, port: int) -> None:
        self.address_family = family
        super().__init__((host, port), _Handler)

    @property
    def address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        return ipaddress.ip_address(str(self.server_address[0]))

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.address.is_loopback

    @property
    def netloc(self) -> str:
        """Host and port as a URL has them."""
        host = socket.gethostname() if self.address.is_unspecified else str(self.address)
        return f"[{host}]:{self.server_port}" if ":" in host else f"{host}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a browser that left is no news
            _log.error("a request to the dashboard failed", exc_info=True)


def _bound(host: str, port: int | None) -> _Server:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UserError(f"--host {host!r}: is no address of this machine") from None
    family, *_, address = found[0]
    for number in range(PORT, PORT + _TRIED) if port is None else [port]:
        try:
            return _Server(family, str(address[0]), number)
        except OverflowError:
            raise UserError(f"--port {port}: is not between 0 and 65535") from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise UserError(f"--host {host!r}: is no address of this machine") from None
            if error.errno != errno.EADDRINUSE:
                raise UserError(f"{host}, port {number}: {error.strerror}") from None
    if port is None:
        raise UserError(f"ports {PORT} to {PORT + _TRIED - 1} are all in use; choose one: --port N")
    raise UserError(f"--port {port}: is in use; choose another, or leave --port away")
