"""An SMTP server for the flow tests: STARTTLS and a log-in are required; each mail is a file in a folder.

  smtp_server.py PORT FOLDER [--certificate FILE --key FILE] [--user NAME --password WORD] [--refuse ADDRESS]

It says "ready" on standard output when it listens, and runs until it is ended.
"""
import argparse
import pathlib
import signal
import ssl

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Box:
    def __init__(self, folder, refused):
        self.folder, self.refused, self.n = pathlib.Path(folder), refused, 0

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address == self.refused:
            return "550 5.1.1 nobody of that name lives here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 welcome"

    async def handle_DATA(self, server, session, envelope):
        self.n += 1
        name = self.folder / f"{self.n:04}.eml"
        # what the session was, before what was said in it
        head = f"X-Test-TLS: {session.ssl is not None}\r\nX-Test-User: {session.authenticated}\r\n"
        head += f"X-Test-From: {envelope.mail_from}\r\nX-Test-To: {','.join(envelope.rcpt_tos)}\r\n"
        name.write_bytes(head.encode() + envelope.original_content)
        return "250 2.0.0 kept"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("folder")
    for option in ("certificate", "key", "user", "password", "refuse"):
        parser.add_argument("--" + option)
    args = parser.parse_args()
    context = None
    if args.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.certificate, args.key)

    def authenticate(server, session, envelope, mechanism, data):
        good = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == (args.user, args.password)
        return AuthResult(success=good, handled=False)

    class Server(Controller):
        def factory(self):
            return SMTP(self.handler, hostname="mail.example.com", tls_context=context, require_starttls=context is not None,
                        auth_required=args.user is not None, authenticator=authenticate if args.user else None,
                        auth_require_tls=True)

    server = Server(Box(args.folder, args.refuse), hostname="127.0.0.1", port=args.port)
    server.start()
    print("ready", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop()


main()
