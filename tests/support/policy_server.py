"""A real HTTPS server for the tests: Python's own on a free loopback port, which serves MTA-STS policies by host.

Prints one JSON object per line: first {"event": "listening", "port": N}, then one per request and answered command.
Reads commands as JSON lines: {"host": NAME, "status": N, "type": TEXT, "body": TEXT, "times": N, "wait": SECONDS}: the
body is sent so many times over, with so long a pause before each. Ends when its input ends. Arguments: ADDRESS CERTIFICATE KEY.
"""

import http.server
import json
import ssl
import sys
import threading
import time

answers = {}
speaking = threading.Lock()


def say(event, **fields):
    with speaking:
        sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
        sys.stdout.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    def setup(self):
        # Here, so that one who does not shake hands keeps nobody else waiting.
        self.request = context.wrap_socket(self.request, server_side=True)
        super().setup()

    def do_GET(self):
        host = self.headers.get("Host", "")
        say("request", host=host, path=self.path)
        answer = answers.get(host)
        if answer is None:
            self.send_error(404)
            return
        body = answer["body"].encode()
        self.send_response(answer["status"])
        self.send_header("Content-Type", answer["type"])
        self.send_header("Content-Length", str(len(body) * answer["times"]))
        if answer["status"] in (301, 302):
            self.send_header("Location", f"https://{host}/elsewhere")
        self.end_headers()
        for _ in range(answer["times"]):
            time.sleep(answer["wait"])
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        # Whoever does not trust us, or has read enough, hangs up: what the tests ask for.
        pass


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server = Server((sys.argv[1], 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
say("listening", port=server.server_address[1])
for line in sys.stdin:
    command = json.loads(line)
    answers[command["host"]] = command
    say("set")
