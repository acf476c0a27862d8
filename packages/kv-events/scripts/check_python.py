#!/usr/bin/env python3
"""Checks the publisher with Python's ZMQ and msgpack, which is what routers and vLLM's own examples use.

    pip install pyzmq msgpack
    python3 packages/kv-events/scripts/check_python.py [path to node]

Exits with 1 and an assertion when something is not as it should be.
"""

import json
import pathlib
import struct
import subprocess
import sys
import time

import msgpack
import zmq

SCRIPTS = pathlib.Path(__file__).resolve().parent
NODE = sys.argv[1] if len(sys.argv) > 1 else str(SCRIPTS.parents[2] / "node_modules/.bin/node")
TOPIC = "kv@10.0.0.1:8000@model"
END = b"\xff" * 8
context = zmq.Context()


class Publisher:
    def __init__(self, **options):
        argument = json.dumps({"topic": TOPIC, "batchSize": 100, **options})
        command = [NODE, str(SCRIPTS / "check-publisher.ts"), argument]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        where = self.read()
        self.endpoint, self.replay_endpoint = where.get("endpoint"), where.get("replayEndpoint")

    def read(self):
        return json.loads(self.process.stdout.readline())

    def do(self, command):
        """Sends a command. Returns the number of the message after."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.read()["sequence"]

    def close(self):
        self.process.stdin.write("close\n")
        self.process.stdin.flush()
        assert self.process.wait(20) == 0


def subscriber(bind=None, connect=None):
    socket = context.socket(zmq.SUB)
    socket.linger = 0
    socket.setsockopt_string(zmq.SUBSCRIBE, "kv@")
    socket.bind(bind) if bind else socket.connect(connect)
    return socket


def receive(socket):
    topic, sequence, payload = socket.recv_multipart()
    assert topic.decode() == TOPIC and len(sequence) == 8, (topic, sequence)
    return struct.unpack(">Q", sequence)[0], msgpack.unpackb(payload)


def wait_for_subscription(publisher, socket):
    """Publishes until something comes through, then reads up to the newest. Returns the next number."""
    for _ in range(500):
        following = publisher.do("clear")
        if socket.poll(50):
            break
    else:
        raise AssertionError("the subscriber got nothing")
    socket.rcvtimeo = 10_000
    while receive(socket)[0] != following - 1:
        pass
    return following


def check_stream(publisher, socket, map_form):
    first = wait_for_subscription(publisher, socket)
    for i in range(5):
        publisher.do("prompt 2")
    for i in range(5):
        sequence, (timestamp, events, rank) = receive(socket)
        assert sequence == first + i, (sequence, first + i)
        assert isinstance(timestamp, float) and abs(timestamp - time.time()) < 60, timestamp
        assert rank == 3 and len(events) == 1
        hashes = [2**64 - 1 - 2 * i, 2**64 - 2 - 2 * i]
        keys = [["image", ["other", -3]], None]
        if map_form:
            wanted = {"type": "BlockStored", "block_hashes": hashes, "parent_block_hash": None,
                      "token_ids": list(range(32)), "block_size": 16, "medium": "GPU", "extra_keys": keys}
        else:
            wanted = ["BlockStored", hashes, 0, list(range(32)), 16, None, "GPU", None, keys]
        assert events[0] == wanted, events[0]


def replay(endpoint, start, kind=zmq.DEALER):
    with context.socket(kind) as socket:
        socket.linger, socket.rcvtimeo = 0, 10_000
        socket.connect(endpoint)
        socket.send_multipart([b"", struct.pack(">Q", start)])
        found = []
        while True:
            empty, topic, sequence, payload = socket.recv_multipart()
            assert empty == b""
            if sequence == END:
                assert topic == b"" and payload == b""
                return found
            assert topic.decode() == TOPIC
            found.append((struct.unpack(">Q", sequence)[0], msgpack.unpackb(payload)))


def main():
    # The publisher binds, as vLLM's; array form.
    publisher = Publisher(endpoint="tcp://127.0.0.1:*", replayEndpoint="tcp://127.0.0.1:*", rank=3)
    socket = subscriber(connect=publisher.endpoint)
    check_stream(publisher, socket, map_form=False)
    print("bind, array form: ok")

    last = publisher.do("clear") - 1
    everything = replay(publisher.replay_endpoint, 0)
    assert [sequence for sequence, _ in everything] == list(range(0, last + 1))
    assert [sequence for sequence, _ in replay(publisher.replay_endpoint, last - 2)] == [last - 2, last - 1, last]
    assert replay(publisher.replay_endpoint, last + 1) == []
    with context.socket(zmq.REQ) as request:
        request.linger, request.rcvtimeo = 0, 10_000
        request.connect(publisher.replay_endpoint)
        request.send(struct.pack(">Q", last))
        topic, sequence, _ = request.recv_multipart()
        assert (topic.decode(), struct.unpack(">Q", sequence)[0]) == (TOPIC, last)
    print(f"replay of {last + 1} messages: ok")
    assert receive(socket)[0] == last
    socket.close()

    # A gap: the subscriber goes away, misses messages, comes back and asks for them.
    missed_from = publisher.do("clear") - 1
    publisher.do("clear")
    socket = subscriber(connect=publisher.endpoint)
    seen = wait_for_subscription(publisher, socket)
    missed = replay(publisher.replay_endpoint, missed_from)
    assert [sequence for sequence, _ in missed] == list(range(missed_from, seen))
    print("back after a gap: ok")
    publisher.close()
    socket.close()

    # The publisher connects, as llm-d-inference-sim's; map form.
    socket = subscriber(bind="tcp://127.0.0.1:*")
    endpoint = socket.last_endpoint.decode()
    publisher = Publisher(endpoint=endpoint, format="map", rank=3, replayEndpoint="tcp://127.0.0.1:*")
    check_stream(publisher, socket, map_form=True)
    assert replay(publisher.replay_endpoint, 0)[0][0] == 1
    print("connect, map form: ok")
    socket.close()
    publisher.do("prompt 1")
    for _ in range(500):
        try:
            socket = subscriber(bind=endpoint)
            break
        except zmq.ZMQError:
            time.sleep(0.02)
    wait_for_subscription(publisher, socket)
    print("subscriber back at the same address: ok")
    publisher.close()
    socket.close()

    # What waits when the process ends still arrives.
    socket = subscriber(bind="tcp://127.0.0.1:*")
    publisher = Publisher(endpoint=socket.last_endpoint.decode(), rank=3)
    following = wait_for_subscription(publisher, socket)
    for _ in range(50):
        following = publisher.do("prompt 100")
    publisher.do("queue 3")
    publisher.close()
    while receive(socket)[0] != following:
        pass
    print("the last message before the end: ok")


if __name__ == "__main__":
    main()
