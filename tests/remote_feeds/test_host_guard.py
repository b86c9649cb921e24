"""No feed leads a fetch into this machine or its networks."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest

from podcast_pipeline.errors import FetchError, ForbiddenAddress
from podcast_pipeline.remote_feeds.client import HttpClient
from podcast_pipeline.remote_feeds.host_guard import HostGuard, classify, system_addresses
from podcast_pipeline.remote_feeds.transport import Deadline, GuardedTransport
from tests.support.http_servers import FileHost, ServedFile, running_host

CLASSES = {
    "loopback": "127.0.0.1 127.8.9.1 0.0.0.0 ::1 :: ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1"
    " 2002:7f00:1:: 2001:0:4136:e378:8000:63bf:80ff:fffe",
    "private": "10.1.2.3 172.31.0.1 192.168.1.1 fc00::1 fd12::1 fec0::1 ::ffff:10.0.0.1 64:ff9b::a00:1",
    "link-local": "169.254.1.1 fe80::1 fe80::1%eth0",
    "shared": "100.64.0.1 100.127.255.254",
    "multicast": "224.0.0.1 239.255.255.250 ff02::1",
    "reserved": "240.0.0.1 255.255.255.255 192.0.2.1 198.18.0.1 2001:db8::1 64:ff9b:1::1 3fff::1 192.88.99.1",
    "metadata": "169.254.169.254 ::ffff:169.254.169.254 fd00:ec2::254 169.254.170.2 100.100.100.200"
    " 168.63.129.16 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::",
    "public": "93.184.216.34 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808",
}
SELF_SIGNED = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
SPELLINGS = ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "localhost", "LOCALHOST"]


@pytest.mark.parametrize(("name", "address"), [(n, a) for n, all_ in CLASSES.items() for a in all_.split()])
def test_each_address_has_its_class(name: str, address: str) -> None:
    """Classes follow the registries; an IPv4 address within an IPv6 one is looked at."""
    assert classify(address) == name


@pytest.fixture
def service() -> Iterator[FileHost]:
    """A service of this machine that nobody outside shall read."""
    with running_host({"/secret": ServedFile(b"secret", "text/plain")}) as running:
        yield running


def port_of(host: FileHost) -> str:
    return host.url.rpartition(":")[2]


@pytest.mark.parametrize("host", [*SPELLINGS, "[::1]", "[::ffff:127.0.0.1]", "１２７.0.0.1"])
def test_loopback_is_refused_however_it_is_spelled(service: FileHost, host: str) -> None:
    """Decimal, octal, hexadecimal, short, mapped and wide spellings connect to nothing."""
    with HttpClient() as client, pytest.raises(FetchError):
        client.get(f"http://{host}:{port_of(service)}/secret", limit_bytes=100)
    assert service.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1.", "localhost."])
def test_a_trailing_dot_is_the_same_host(service: FileHost, host: str) -> None:
    """A name with its root dot is refused, or is unknown to the system."""
    with HttpClient() as client, pytest.raises(FetchError):
        client.get(f"http://{host}:{port_of(service)}/secret", limit_bytes=100)
    assert service.requests == []


def test_every_redirect_is_checked(service: FileHost) -> None:
    """A host that may be fetched leads to one that may not: nothing connects there."""
    places: dict[str, type[FetchError]] = {
        "http://169.254.169.254/latest/meta-data/": ForbiddenAddress,
        "http://10.0.0.1/": ForbiddenAddress,
        "http://[fe80::1]/": ForbiddenAddress,
        "file:///etc/passwd": FetchError,
    }
    for place, kind in places.items():
        service.files["/away"] = ServedFile(b"", "text/plain", 302, {"Location": place})
        with HttpClient() as client:
            client.trust_hosts_like(service.url)
            with pytest.raises(FetchError) as caught:
                client.get(f"{service.url}/away", limit_bytes=100)
        assert type(caught.value) is kind, place


def test_who_typed_a_local_address_gets_local_ones(service: FileHost) -> None:
    """A typed address of this machine allows this machine, and no other class."""
    with HttpClient() as client:
        client.trust_hosts_like("http://127.0.0.1:1/feed.xml")
        assert client.get(f"{service.url}/secret", limit_bytes=100).body == b"secret"
        for other in ("http://10.0.0.1/", "http://169.254.169.254/", "http://192.168.1.1/"):
            with pytest.raises(ForbiddenAddress):
                client.get(other, limit_bytes=100)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "192.168.1.1", "[::1]", "localhost", "localhost.", "169.254.169.254"]
)
def test_no_feed_of_ours_names_a_listeners_router(host: str) -> None:
    """An address that stays at the old host is one for everybody, or the typed feed is there too."""
    guard = HostGuard()
    assert not guard.allows_name(f"http://{host}/reboot.mp3")
    assert guard.allows_name("http://old.example/a.mp3")
    assert guard.allows_name("http://93.184.216.34/a.mp3")
    guard.trust_hosts_like("http://127.0.0.1/feed.xml")
    assert guard.allows_name(f"http://{host}/a.mp3") is not host.startswith(("192", "169"))


def test_metadata_is_never_fetched() -> None:
    """Not even if it is typed."""
    with HttpClient() as client:
        client.trust_hosts_like("http://169.254.169.254/feed.xml")
        with pytest.raises(ForbiddenAddress, match=r"169\.254\.169\.254/feed\.xml: leads to"):
            client.get("http://169.254.169.254/feed.xml", limit_bytes=100)


class Names:
    """A name server of a test, whose answers change from question to question."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(found) for name, found in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        """Return the next answer; the last one stays."""
        self.asked.append(host)
        if host not in self.answers:
            return system_addresses(host, port)
        found = self.answers[host]
        return found.pop(0) if len(found) > 1 else found[0]


def test_the_checked_address_is_the_connected_one(service: FileHost) -> None:
    """A name is asked once a connection: an answer that changes afterwards does nothing (rebinding)."""
    names = Names(old_example=[["93.184.216.34"], ["127.0.0.1"]])
    with HttpClient(guard=HostGuard(names)) as client:
        client.trust_hosts_like("http://old.example/feed.xml")  # the first answer is public
        with pytest.raises(FetchError):
            client.get(f"http://old.example:{port_of(service)}/secret", limit_bytes=100)
    assert service.requests == []


def test_a_typed_host_keeps_its_addresses(service: FileHost) -> None:
    """A host that is loopback when it is typed is fetched from there, whatever it answers next."""
    names = Names(nas_example=[["127.0.0.1"], ["93.184.216.34"]])
    with HttpClient(guard=HostGuard(names)) as client:
        client.trust_hosts_like("http://nas.example/feed.xml")
        assert client.get(f"http://nas.example:{port_of(service)}/secret", limit_bytes=100).body == b"secret"
    assert names.asked == ["nas.example"]


def test_a_name_of_both_kinds_allows_nothing(service: FileHost) -> None:
    """A typed name with a public and a local address gives no right to this machine."""
    names = Names(old_example=[["93.184.216.34", "127.0.0.1"]])
    guard = HostGuard(names)
    guard.trust_hosts_like("http://old.example/feed.xml")
    assert guard.addresses("old.example", 80) == ["93.184.216.34"]
    with pytest.raises(ForbiddenAddress):
        guard.addresses("127.0.0.1", 80)


def test_a_proxy_leads_nowhere_else(service: FileHost) -> None:
    """Behind a proxy a name that is local from here is refused; other names are the proxy's to resolve."""
    with running_host() as proxy:
        proxy.files["http://old.example/feed.xml"] = ServedFile(b"by proxy", "text/plain")
        guard, deadline = HostGuard(Names(inside_example=[["10.0.0.1"]])), Deadline()
        with httpx.Client(transport=GuardedTransport(guard, deadline, proxies={"http": proxy.url})) as client:
            assert client.get("http://old.example/feed.xml").text == "by proxy"
            for address in ("http://inside.example/", f"{service.url}/secret", "http://169.254.169.254/"):
                with pytest.raises(ForbiddenAddress):
                    client.get(address)
    assert [path for _, path, _ in proxy.requests] == ["http://old.example/feed.xml"]


def test_a_certificate_is_checked_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS goes to the checked address, with the host's name for SNI, Host and the certificate."""
    arguments = ["-subj", "/CN=old.example", "-addext", "subjectAltName=DNS:old.example"]
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    subprocess.run([*SELF_SIGNED, *arguments, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)

    def serve(server: socket.socket) -> None:
        for _ in range(2):
            connection, _ = server.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as stream:
                    stream.recv(4096)
                    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsafe")
            except OSError:
                connection.close()

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    names = Names(old_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
    with socket.create_server(("127.0.0.1", 0)) as server, HttpClient(guard=HostGuard(names)) as client:
        thread = Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        client.trust_hosts_like("https://old.example/")
        port = server.getsockname()[1]
        assert client.get(f"https://old.example:{port}/", limit_bytes=10).body == b"safe"
        with pytest.raises(FetchError, match="certificate"):
            client.get(f"https://other.example:{port}/", limit_bytes=10)
        thread.join(5)
    assert asked == ["old.example", "other.example"]
