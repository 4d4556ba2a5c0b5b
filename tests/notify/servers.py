"""Real servers on loopback for triggers: HTTP, HTTPS with a certificate of our own authority, and SMTP."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class HttpServer:
    """Keeps what it was sent in `requests`; `says` are its answers, (status, headers, body) or an event to wait for."""

    def __init__(self, context=None):
        self.requests, self.says = [], []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                server.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - names of http.server

            def log_message(self, *_):
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Clients that leave are what this is for."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def handle(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.requests.append((request.command, request.path, dict(request.headers), body))
        said = self.says.pop(0) if self.says else (200, {}, b"")
        if isinstance(said, threading.Event):
            said.wait(20)
            request.close_connection = True
            return
        status, headers, answer = said
        request.send_response(status)
        for name, value in {"Content-Length": str(len(answer)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(answer)

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def http_server(context=None):
    """Run a server for a while."""
    server = HttpServer(context)
    try:
        yield server
    finally:
        server.stop()


class Mailbox:
    """Keeps the mails it was sent; refuses whoever is in `unknown`, and all while `is_full`."""

    def __init__(self):
        self.mails, self.logins, self.unknown, self.is_full = [], [], set(), False

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's
        if self.is_full:
            return "452 the disk is full"
        if address in self.unknown:
            return f"550 no {address} here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 - aiosmtpd's
        self.mails.append((session.ssl is not None, list(envelope.rcpt_tos), envelope.content))
        return "250 OK"

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"m4il-secret", handled=False)


class _Controller(Controller):
    """Finds its own port."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(context=None):
    """Run a mail server for a while: with a context it wants STARTTLS and a login."""
    box = Mailbox()
    tls = {"tls_context": context, "require_starttls": True, "auth_required": True} if context else {}
    controller = _Controller(box, hostname="127.0.0.1", port=0, authenticator=box.authenticate, **tls)
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()


def make_authority(folder):
    """Write a certificate authority and a certificate of it for 127.0.0.1; returns its file and a server's context."""
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)

    def certificate(name, key, issuer, signer, *extensions):
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
        )
        for extension in extensions:
            made = made.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return made.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = certificate("us", authority_key, "us", authority_key, x509.BasicConstraints(ca=True, path_length=0))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    own = certificate("server", key, "us", authority_key, names)
    (folder / "ca.pem").write_bytes(authority)
    (folder / "server.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + own
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "ca.pem", context
