"""A real SMTP server for the tests: aiosmtpd on a free loopback port.

Prints one JSON object per line: first {"event": "listening", "port": N}, then one per connection, message and answered
command. Reads commands as JSON lines: {"recipient": ADDRESS or "*", "behaviour": NAME, "reply": TEXT, "seconds": N}.
Ends when its input ends, so that it never outlives the test that started it. "greeting" in place of an address says
what every new connection is answered. Arguments: [--at ADDRESS PORT] [--tls CERTIFICATE KEY | --broken-tls] [USER PASSWORD].
"""

import argparse
import asyncio
import base64
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

# It warns of AUTH without TLS, which on loopback is what the test asked for.
warnings.simplefilter("ignore")
logging.getLogger("mail.log").setLevel(logging.ERROR)

ACCEPT = {"behaviour": "accept"}


def say(event, **fields):
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


class Sink:
    """Does to each recipient what the test asked for."""

    def __init__(self):
        self.behaviours = {}

    def behaviour(self, recipient):
        return self.behaviours.get(recipient.lower(), self.behaviours.get("*", ACCEPT))

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        wanted = self.behaviour(address)
        if wanted["behaviour"] == "slow":
            say("waiting")
            await asyncio.sleep(wanted["seconds"])
        if wanted["behaviour"] == "drop_connection":
            server.transport.abort()
        if wanted["behaviour"] == "refuse_recipient":
            return wanted["reply"]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        wanted = [self.behaviour(address) for address in envelope.rcpt_tos]
        for one in wanted:
            if one["behaviour"] == "refuse_message":
                return one["reply"]
        say(
            "message",
            connection=server.connection_number,
            login=server.login,
            tls=session.ssl is not None,
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            content=base64.b64encode(envelope.original_content).decode(),
        )
        if any(one["behaviour"] == "drop_after_message" for one in wanted):
            server.transport.abort()
        return "250 2.0.0 taken"


class Server(SMTP):
    """Numbers its connections, so that a test can see one being used again."""

    connections = 0

    def connection_made(self, transport):
        # After STARTTLS it is the same connection.
        if self._original_transport is None:
            Server.connections += 1
            self.connection_number = Server.connections
            self.login = None
            say("connection", connection=self.connection_number)
        super().connection_made(transport)

    async def _handle_client(self):
        refused = self.event_handler.behaviours.get("greeting", ACCEPT)
        if refused["behaviour"] == "refuse_recipient":
            await self.push(refused["reply"])
            self.transport.close()
            return
        await super()._handle_client()


def authenticator(user, password):
    def check(server, session, envelope, mechanism, data):
        right = data.login == user.encode() and data.password == password.encode()
        server.login = user if right else None
        return AuthResult(success=right, handled=False)

    return check


async def obey(sink):
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        sink.behaviours[command["recipient"].lower()] = command
        say("set")


async def main():
    sink = Sink()
    options = {"hostname": "sink.test", "enable_SMTPUTF8": True, "data_size_limit": 64 * 1024 * 1024}
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--at", nargs=2, default=["127.0.0.1", "0"])
    arguments.add_argument("--tls", nargs=2)
    arguments.add_argument("--broken-tls", action="store_true")
    arguments.add_argument("login", nargs="*")
    given = arguments.parse_args()
    if given.tls or given.broken_tls:
        # Without a certificate every handshake fails.
        options["tls_context"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if given.tls:
        options["tls_context"].load_cert_chain(*given.tls)
    if given.login:
        options["authenticator"] = authenticator(*given.login)
        options["auth_required"] = True
        options["auth_require_tls"] = False
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(sink, loop=loop, **options), given.at[0], int(given.at[1]))
    say("listening", port=server.sockets[0].getsockname()[1])
    await obey(sink)


asyncio.run(main())
