"""What a user of paho-mqtt does with a broker: prints what came of it, a line each.

usage: paho_dialogue.py PORT VERSION TRANSPORT [CAFILE]
"""
import queue
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

PORT, VERSION, TRANSPORT = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
CAFILE = sys.argv[4] if len(sys.argv) > 4 else None
PATIENCE = 20


class Talker:
    """A connected client; what happens to it waits in a queue."""

    def __init__(self, name, lasting=False, will=None, delay=0):
        self.happened = queue.Queue()
        version5 = VERSION == mqtt.MQTTv5
        options = {} if version5 else {"clean_session": not lasting}
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=VERSION, transport=TRANSPORT, **options
        )
        self.client.on_connect = lambda client, data, flags, reason, properties: self.happened.put(
            ("connected", flags.session_present, reason, properties)
        )
        self.client.on_message = lambda client, data, message: self.happened.put(("message", message))
        self.client.on_subscribe = lambda client, data, mid, reasons, properties: self.happened.put(
            ("subscribed", reasons)
        )
        self.client.on_publish = lambda client, data, mid, reason, properties: self.happened.put(("published", mid))
        if CAFILE:
            self.client.tls_set(CAFILE)
        if will:
            late = None
            if version5:
                late = Properties(PacketTypes.WILLMESSAGE)
                late.WillDelayInterval = delay
            self.client.will_set(will, "gone", 1, properties=late)
        expiry = None
        if version5:
            expiry = Properties(PacketTypes.CONNECT)
            expiry.SessionExpiryInterval = 1000 if lasting else 0
        more = {"clean_start": not lasting, "properties": expiry} if version5 else {}
        self.client.connect("localhost", PORT, 60, **more)
        self.client.loop_start()
        self.connected = self.wait("connected")

    def wait(self, what):
        """The next that happens, which must be that."""
        event = self.happened.get(timeout=PATIENCE)
        if event[0] != what:
            raise SystemExit(f"expected {what}, got {event}")
        return event[1:]

    def subscribe(self, *words, **more):
        self.client.subscribe(*words, **more)
        self.wait("subscribed")

    def publish(self, topic, payload, qos=0, **more):
        self.client.publish(topic, payload, qos, **more)
        self.wait("published")

    def message(self):
        (message,) = self.wait("message")
        return message

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()

    def vanish(self):
        """The connection is gone, and nobody has said why."""
        self.client.loop_stop()
        self.client.socket().close()


def tell(*words):
    print(*words, flush=True)


def every_qos(publisher):
    listener = Talker("listener")
    listener.subscribe("echo/#", 2)
    for qos in range(3):
        publisher.publish(f"echo/{qos}", "x" * qos * 1000, qos)
        message = listener.message()
        tell("echo", message.topic, message.qos, len(message.payload))
    listener.leave()


def retained(publisher):
    publisher.publish("kept", "old", 1, retain=True)
    late = Talker("late")
    late.subscribe("kept", 1)
    message = late.message()
    tell("retained", message.retain, message.payload.decode())
    publisher.publish("kept", None, 1, retain=True)
    tell("cleared", len(late.message().payload))
    late.leave()


def last_will():
    watcher = Talker("watcher")
    watcher.subscribe("will/#", 1)
    # A second is worth waiting for once, over TLS.
    delay = 1 if VERSION == mqtt.MQTTv5 and CAFILE else 0
    Talker("mortal", lasting=delay > 0, will="will/mortal", delay=delay).vanish()
    start = time.monotonic()
    message = watcher.message()
    tell("will", message.topic, message.payload.decode())
    if time.monotonic() - start < delay * 0.9:
        raise SystemExit("the will did not wait for its delay")
    watcher.leave()


def session(publisher):
    away = Talker(f"away {PORT} {VERSION}", lasting=True)
    tell("session", away.connected[0])
    away.subscribe("post/#", 2)
    away.leave()
    for qos in (1, 2):
        publisher.publish("post/box", f"letter {qos}", qos)
    back = Talker(f"away {PORT} {VERSION}", lasting=True)
    tell("session", back.connected[0])
    for _ in range(2):
        message = back.message()
        tell("post", message.qos, message.payload.decode())
    back.leave()


def properties(publisher):
    named = Talker("")
    assigned = named.connected[2].AssignedClientIdentifier
    tell("assigned", assigned.startswith("auto-"), len(assigned))
    identified = Properties(PacketTypes.SUBSCRIBE)
    identified.SubscriptionIdentifier = 7
    named.subscribe("v5", options=SubscribeOptions(qos=1, retainAsPublished=True), properties=identified)
    sent = Properties(PacketTypes.PUBLISH)
    sent.PayloadFormatIndicator = 1
    sent.MessageExpiryInterval = 1000
    sent.ContentType = "text"
    sent.ResponseTopic = "answer"
    sent.CorrelationData = b"data"
    sent.UserProperty = [("a", "1"), ("a", "2")]
    publisher.publish("v5", "x", 1, retain=True, properties=sent)
    message = named.message()
    got = message.properties
    tell("properties", message.retain, got.PayloadFormatIndicator, 990 < got.MessageExpiryInterval <= 1000)
    tell("properties", got.ContentType, got.ResponseTopic, got.CorrelationData, got.UserProperty)
    tell("identifier", got.SubscriptionIdentifier)
    publisher.publish("v5", None, 1, retain=True)
    named.leave()


def shared(publisher):
    members = [Talker(f"member {number}") for number in range(2)]
    for member in members:
        member.subscribe("$share/group/work/#", 1)
    for number in range(4):
        publisher.publish("work/now", str(number), 1)
    for member in members:
        tell("shared", *(member.message().payload.decode() for _ in range(2)))
        member.leave()


def main():
    publisher = Talker("publisher")
    every_qos(publisher)
    retained(publisher)
    last_will()
    session(publisher)
    if VERSION == mqtt.MQTTv5:
        properties(publisher)
    shared(publisher)
    publisher.leave()
    tell("done")


main()
