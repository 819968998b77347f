"""Where the daemon is, and what to say when it cannot be reached there."""

from __future__ import annotations

import os
import urllib.parse
from typing import NamedTuple

from .errors import Error, InvalidInput, PermissionDenied, Timeout, Unavailable

DEFAULT_PORT = 7411
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
CONNECT_TIMEOUT_S = 5.0
_UNIX = "unix:"
_PATH_MAX = 107  # sun_path of unix(7) has 108 bytes, the last of them zero


class Address(NamedTuple):
    """`path` is that of a Unix socket, or None for TCP; `prefix` goes before every path of HTTP."""

    url: str
    host: str
    port: int
    prefix: str = ""
    path: str | None = None


def find(url: str | None) -> Address:
    """The address to use: `url`, else WINDLASS_URL, else the default. Raises InvalidInput."""
    return parse(url or os.environ.get("WINDLASS_URL") or DEFAULT_URL)


def parse(url: str) -> Address:
    """Reads http://HOST[:PORT][/PREFIX], without a port DEFAULT_PORT, and unix:/PATH, whose PATH is
    taken as it stands."""
    if url.startswith(_UNIX):
        return Address(url, "localhost", 0, path=_socket_path(url))
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname
        port = DEFAULT_PORT if parts.port is None else parts.port
    except ValueError as error:
        raise InvalidInput(f"{url!r} is not an address: {error}") from error
    if parts.scheme != "http" or not host or not port or parts.query or parts.fragment:
        raise InvalidInput(
            f"{url!r} is not an address like http://127.0.0.1:7411 or unix:/run/windlass.sock"
        )
    return Address(url, host, port, parts.path.rstrip("/"))


def _socket_path(url: str) -> str:
    path = url[len(_UNIX) :]
    if not path.startswith("/") or "\0" in path:
        raise InvalidInput(
            f"{url!r} is not an address: an absolute path must follow, as in "
            "unix:/run/windlass.sock"
        )
    size = len(os.fsencode(path))
    if size > _PATH_MAX:
        raise InvalidInput(
            f"{url!r} is not an address: its path has {size} bytes, and {_PATH_MAX} are the most "
            "for a Unix socket; put the socket into a folder with a shorter name"
        )
    return path


# What is raised, and why, in the same words by both clients.


def not_connected(address: Address, error: OSError) -> Error:
    if address.path is not None and isinstance(error, PermissionError):
        return PermissionDenied(
            f"{address.url} does not let this user in: run as the user whose daemon it is"
        )
    is_absent = address.path is not None and isinstance(error, FileNotFoundError)
    if is_absent or isinstance(error, ConnectionRefusedError):
        return Unavailable(
            f"nothing listens at {address.url}: start the daemon with `windlass serve`, "
            "or set WINDLASS_URL to where it runs",
            reason="connection_refused",
        )
    return Unavailable(
        f"no connection to {address.url} within {CONNECT_TIMEOUT_S:g} s: {error}",
        reason="connection_failed",
    )


def not_sent(address: Address, error: BaseException | None) -> Error:
    return Unavailable(
        f"{address.url} closed the connection before the whole request was sent "
        f"({error}): it has not run",
        reason="connection_lost",
    )


def not_answered(address: Address, error: BaseException) -> Error:
    return Unavailable(
        f"the connection to {address.url} broke before the answer came ({error}): the request "
        "may or may not have run",
        reason="connection_lost",
    )


def too_late(address: Address, limit_s: float) -> Error:
    return Timeout(
        f"{address.url} did not answer within {limit_s:g} s; the daemon should have ended the "
        "request before that: see whether it is stuck, or pass a longer timeout"
    )
