"""Which addresses a fetch may connect to: no feed leads us into this machine or its networks."""

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Literal
from urllib.parse import urlsplit

from podcast_pipeline.errors import ForbiddenAddress
from podcast_pipeline.feed.untrusted.addresses import web_address

HostClass = Literal[
    "public", "loopback", "link-local", "private", "shared", "multicast", "reserved", "metadata"
]
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Iterable[str]]
"""From a host and a port to its IP addresses; OSError where there are none."""

METADATA_SERVICES = frozenset(
    ipaddress.ip_address(address)
    for address in (
        *("169.254.169.254", "fd00:ec2::254", "fd20:ce::254"),  # AWS and most others, Google
        *("169.254.170.2", "169.254.170.23", "fd00:ec2::23"),  # tasks and pods on AWS
        *("168.63.129.16", "100.100.100.200", "192.0.0.192"),  # Azure, Alibaba, Oracle
    )
)
"""Services that give credentials to whoever asks from the machine; never fetched, whoever typed them."""

CLASSES: tuple[tuple[HostClass, tuple[str, ...]], ...] = (
    ("loopback", ("127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128")),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    ("shared", ("100.64.0.0/10",)),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("reserved", ("240.0.0.0/4", "192.88.99.0/24", "64:ff9b:1::/48", "100::/64", "3fff::/20", "5f00::/16")),
)
"""Class -> its networks. Source: IANA special-purpose address registries, RFC 6890."""

NETWORKS = tuple((name, ipaddress.ip_network(n)) for name, networks in CLASSES for n in networks)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")


def classify(address: str) -> HostClass:
    """Return the class of an IP address; of an IPv6 one that holds an IPv4 address, that one's."""
    parsed = _embedded(ipaddress.ip_address(address.partition("%")[0]))
    if parsed in METADATA_SERVICES:
        return "metadata"
    for name, network in NETWORKS:
        if parsed.version == network.version and parsed in network:
            return name
    return "public" if parsed.is_global else "reserved"


def _embedded(address: IpAddress) -> IpAddress:
    """Return the IPv4 address inside of an IPv6 one: mapped, compatible, NAT64, 6to4, Teredo."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo:
        return address.teredo[1]
    if address in NAT64 or (address in IPV4_COMPATIBLE and int(address) > 0xFFFF):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def system_addresses(host: str, port: int) -> list[str]:
    """Resolve a host as the system does; OSError or UnicodeError where it has no address."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class HostGuard:
    """Resolves hosts, and refuses addresses that are not public.

    An address of the class that the person typed is allowed: who imports from a server in the house asked for
    it. The typed host keeps the addresses of its first answer, so that none is exchanged afterwards.

    Args:
        resolve: from a host and a port to its addresses.
    """

    def __init__(self, resolve: Resolver = system_addresses) -> None:
        self._resolve = resolve
        self._allowed: set[HostClass] = {"public"}
        self._typed: dict[str, list[str]] = {}

    def trust_hosts_like(self, url: str) -> None:
        """Allow the class of host that the person typed; a host that cannot be resolved allows nothing."""
        host = urlsplit(web_address(url) or "").hostname or ""
        if not host:  # a file
            return
        try:
            addresses = list(self._resolve(host, 0))
        except (OSError, UnicodeError):
            return
        classes = {classify(address) for address in addresses}
        if len(classes) == 1:
            self._typed[host] = addresses
            self._allowed |= classes - {"metadata"}

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host that may be connected to.

        Raises:
            ForbiddenAddress: it has none but such that are not public.
            OSError, UnicodeError: it has none.
        """
        found = self._typed.get(host) or list(self._resolve(host, port))
        allowed = [address for address in found if classify(address) in self._allowed]
        if not allowed:
            raise ForbiddenAddress(host, _reason(found[0]) if found else "has no address; check it")
        return allowed

    def allows_name(self, url: str) -> bool:
        """Tell whether a feed of ours may name an address that stays at the old host; nothing is resolved.

        An app would ask the listener's own machine or router for one that is not public.
        """
        try:
            host = (urlsplit(url).hostname or "").rstrip(".")
        except ValueError:  # http://[::1/
            return False
        name = "loopback" if host == "localhost" else _class_of_literal(host)
        return name is None or name in self._allowed


def _class_of_literal(host: str) -> HostClass | None:
    """Return the class of an IP address in any spelling (2130706433, 0x7f.1); None for a name."""
    try:
        return classify(host if ":" in host else socket.inet_ntoa(socket.inet_aton(host)))
    except (OSError, UnicodeError, ValueError):
        return None


def _reason(address: str) -> str:
    name = classify(address)
    if name == "metadata":
        return f"leads to {address}, a service for credentials of this machine; it is never fetched"
    return f"leads to {address}, a {name} address; only a feed that is on such a host itself may name it"
