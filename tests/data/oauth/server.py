"""server.py PORT FOLDER [tls]: a token endpoint. FOLDER has the key of the tokens (key), certificate and key (server.crt, server.key);
the path of each request, and how its client said who it is, are appended to FOLDER/requests."""

import base64
import hashlib
import hmac
import http.server
import json
import ssl
import sys
import time
import urllib.parse

PORT, FOLDER = int(sys.argv[1]), sys.argv[2]
CLIENT, SECRET = "device:1", "s3cret & more %"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(lifetime, audience, scope=""):
    claims = {"iss": "home", "aud": audience, "sub": "ann", "scope": scope, "exp": int(time.time()) + lifetime}
    signed = ".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims))
    key = open(FOLDER + "/key", "rb").read()
    return signed + "." + encoded(hmac.new(key, signed.encode(), hashlib.sha256).digest())


class Endpoint(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(405, {"error": "invalid_request"})

    def do_POST(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(text, strict_parsing=True))
        client, way = (form.get("client_id"), form.get("client_secret")), "post"
        if "Authorization" in self.headers:
            kind, _, pair = self.headers["Authorization"].partition(" ")
            assert kind == "Basic"
            client, way = tuple(map(urllib.parse.unquote_plus, base64.b64decode(pair).decode().split(":"))), "basic"
        with open(FOLDER + "/requests", "a") as log:
            log.write("%s %s %s %s\n" % (url.path, way, form.get("scope", "-"), form.get("audience", "-")))
        if form.get("grant_type") != "client_credentials":
            return self.answer(400, {"error": "unsupported_grant_type"})
        if client != (CLIENT, SECRET):
            return self.answer(401, {"error": "invalid_client", "error_description": "Client \u001b[2Jor secret wrong"})
        getattr(self, "go_" + url.path.strip("/").replace("-", "_"), self.go_nowhere)(query, form)

    def answer(self, status, body, kind="application/json", headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def go_nowhere(self, query, form):
        self.answer(404, b"<html>Not Found</html>", "text/html")

    def go_token(self, query, form):
        lifetime = int(query.get("lifetime", 3600))
        token = jwt(lifetime, form.get("audience", "lab"), form.get("scope", ""))
        self.answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": lifetime})

    def go_chunked(self, query, form):
        body = json.dumps({"access_token": jwt(60, "lab"), "token_type": "bearer"}).encode()
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for byte in body:
            self.wfile.write(b"1\r\n%c\r\n" % byte)
        self.wfile.write(b"0\r\n\r\n")

    def go_opaque(self, query, form):
        self.answer(200, {"access_token": "opaque-word", "token_type": "Bearer", "expires_in": 60})

    def go_expired(self, query, form):
        self.answer(200, {"access_token": jwt(-3 * 3600 - 60, "lab"), "token_type": "Bearer"})

    def go_slow(self, query, form):
        time.sleep(60)

    def go_html(self, query, form):
        self.answer(200, b"<!DOCTYPE html><title>Log in</title>", "text/html")

    def go_moved(self, query, form):
        self.answer(302, b"", headers=[("Location", "http://127.0.0.1:%d/token?key=%s" % (PORT, SECRET.split()[0]))])

    def go_busy(self, query, form):
        self.answer(503, {"error": "temporarily_unavailable"})

    def go_no_token(self, query, form):
        self.answer(200, {"id_token": jwt(60, "lab")})

    def go_two_lines(self, query, form):
        self.answer(200, {"access_token": "a\nb", "token_type": "Bearer"})

    def go_mac(self, query, form):
        self.answer(200, {"access_token": "abc", "token_type": "mac"})

    def go_echo(self, query, form):
        self.answer(400, {"error": "invalid_request", "error_description": "is the secret %s right?" % SECRET})

    def go_large(self, query, form):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
        except OSError:
            self.close_connection = True

    def go_cut(self, query, form):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"access_token": "ab')
        self.close_connection = True


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Endpoint)
if sys.argv[3:] == ["tls"]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FOLDER + "/server.crt", FOLDER + "/server.key")
    # A handshake belongs to its connection's thread: who connects and says nothing holds up nobody.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
