"""Logins by SCRAM in MQTT 5 (section 4.12) with the SCRAM of others, scramp: the packets are framed here.

scram_dialogue.py client PORT MECHANISM USER PASSWORD: logs in at the broker of PORT, and again on the same connection.
scram_dialogue.py server MECHANISM PASSWORD: says its port, lets user ann in with PASSWORD, and takes what she publishes and each
login that she begins again."""

import socket
import struct
import sys

from scramp import ScramClient, ScramMechanism


def binary(data):
    return struct.pack("!H", len(data)) + data


def properties(mechanism, message):
    both = b"\x15" + binary(mechanism.encode()) + b"\x16" + binary(message.encode())
    return length(len(both)) + both


def length(number):
    encoded = b""
    while True:
        number, rest = divmod(number, 128)
        encoded += bytes([rest | (128 if number else 0)])
        if not number:
            return encoded


def packet(first, body):
    return bytes([first]) + length(len(body)) + body


def exactly(stream, count):
    data = b""
    while len(data) < count:
        more = stream.recv(count - len(data))
        if not more:
            sys.exit("closed by the other side")
        data += more
    return data


def number(take):
    value, factor = 0, 1
    while True:
        byte = take(1)[0]
        value += (byte & 127) * factor
        if byte < 128:
            return value
        factor *= 128


def receive(stream):
    first = exactly(stream, 1)[0]
    return first, exactly(stream, number(lambda count: exactly(stream, count)))


class Body:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def binary(self):
        return self.take(struct.unpack("!H", self.take(2))[0])

    def message(self, mechanism):
        """The message of SCRAM in the properties that come next; the method has to be this one."""
        rest, found = Body(self.take(number(self.take))), {}
        while rest.data:
            kind = rest.take(1)[0]
            if kind in (0x15, 0x16, 0x1F, 0x12, 0x1A, 0x1C):
                found[kind] = rest.binary().decode()
            elif kind in (0x11, 0x18, 0x27):
                rest.take(4)
            elif kind in (0x13, 0x21, 0x22):
                rest.take(2)
            else:
                rest.take(1)
        if 0x16 in found:
            assert found.get(0x15) == mechanism, found
        return found.get(0x16)


def client(port, mechanism, user, password):
    stream = socket.create_connection(("127.0.0.1", int(port)), 20)

    def begin():
        return ScramClient([mechanism], user, password)

    def answer(exchange):
        first, body = receive(stream)
        if first != 0xF0:
            return first, body
        body = Body(body)
        assert body.take(1) == b"\x18"
        exchange.set_server_first(body.message(mechanism))
        stream.sendall(packet(0xF0, b"\x18" + properties(mechanism, exchange.get_client_final())))
        return receive(stream)

    exchange = begin()
    head = binary(b"MQTT") + bytes([5, 0x82]) + struct.pack("!H", 60)
    connect = head + properties(mechanism, exchange.get_client_first()) + binary(b"scramp") + binary(user.encode())
    stream.sendall(packet(0x10, connect))
    first, body = answer(exchange)
    assert first == 0x20, first
    body = Body(body)
    _, code = body.take(2)
    print("CONNACK", code)
    if code:
        return
    # It fails where the server does not know the password.
    exchange.set_server_final(body.message(mechanism))
    print("the server is believed")
    exchange = begin()
    stream.sendall(packet(0xF0, b"\x19" + properties(mechanism, exchange.get_client_first())))
    first, body = answer(exchange)
    body = Body(body)
    print("%#x" % first, body.take(1)[0])
    exchange.set_server_final(body.message(mechanism))
    print("the server is believed again")
    stream.sendall(packet(0xE0, b""))


def server(mechanism, password):
    foreign = ScramMechanism(mechanism)
    kept = foreign.make_auth_info(password, iteration_count=4096)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    stream, _ = listener.accept()
    stream.settimeout(20)
    users = []

    def login(message):
        exchange = foreign.make_server(lambda user: users.append(user) or kept)
        exchange.set_client_first(message)
        stream.sendall(packet(0xF0, b"\x18" + properties(mechanism, exchange.get_server_first())))
        first, body = receive(stream)
        body = Body(body)
        assert first == 0xF0 and body.take(1) == b"\x18"
        # It fails where the client does not know the password.
        exchange.set_client_final(body.message(mechanism))
        return properties(mechanism, exchange.get_server_final())

    first, body = receive(stream)
    assert first == 0x10 and body[:7] == binary(b"MQTT") + b"\x05"
    body = Body(body[7:])
    body.take(3)
    stream.sendall(packet(0x20, b"\x00\x00" + login(body.message(mechanism))))
    print("logged in", *users, flush=True)
    while True:
        first, body = receive(stream)
        body = Body(body)
        if first == 0xE0:
            return print("left", flush=True)
        if first == 0xF0:
            assert body.take(1) == b"\x19"
            stream.sendall(packet(0xF0, b"\x00" + login(body.message(mechanism))))
            print("logged in again", flush=True)
        elif first >> 4 == 3:
            topic = body.binary().decode()
            identifier = body.take(2)
            body.take(number(body.take))
            print("published", topic, body.data.decode(), flush=True)
            stream.sendall(packet(0x40, identifier))
        elif first >> 4 == 8:
            stream.sendall(packet(0x90, body.take(2) + b"\x00\x00"))
        else:
            sys.exit("%#x" % first)


{"client": client, "server": server}[sys.argv[1]](*sys.argv[2:])
