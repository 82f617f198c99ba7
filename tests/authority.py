"""A certificate authority of the tests' own, and contexts of those who trust it or do not."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Issues certificates that live as long as the test."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def server(self, *names: str, asks: bool = False) -> ssl.SSLContext:
        """Of a server under these names; `asks`: it wants a certificate of whoever connects."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
        if asks:
            self._ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client(self, *, known: bool = False) -> ssl.SSLContext:
        """Of one who trusts us alone; `known`: with a certificate of ours."""
        context = ssl.create_default_context()
        self._ca.configure_trust(context)
        if known:
            self._ca.issue_cert("client@example.org").configure_cert(context)
        return context

    def files(self, folder: Path) -> tuple[Path, Path]:
        """The authority's certificate, and one of ours with its key, as an operator has them."""
        authority, own = folder / "ca.pem", folder / "own.pem"
        self._ca.cert_pem.write_to_path(authority)
        self._ca.issue_cert("client@example.org").private_key_and_cert_chain_pem.write_to_path(own)
        return authority, own
