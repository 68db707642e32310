"""A server of Python's http.server for bench/rivals.

usage: rival.py forking|threading|pool FILE [PROCESSES THREADS]

forking and threading are the two mix-ins of socketserver: a process or a thread per connection.
pool is the third design: PROCESSES are forked beforehand, each has THREADS, and each thread takes
connections from the one listening socket. The reply to any path is what FILE has. The first line
says where it listens, as the suite's own servers do; TERM ends it.
"""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ForkingMixIn, ThreadingMixIn


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and content leave together: else Nagle's algorithm would hold the second

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        elif self.request_version == "HTTP/1.0":
            self.send_header("Connection", "keep-alive")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(HTTPServer):
    request_queue_size = 511  # nginx's and Apache's backlog; the default of 5 would lose clients

    def handle_error(self, *_):
        pass  # a client that has gone


class ForkingServer(ForkingMixIn, Server):
    max_children = 256


class ThreadingServer(ThreadingMixIn, Server):
    daemon_threads = True


def serve(server):
    """What each thread of the pool does for ever."""
    while True:
        try:
            connection, address = server.get_request()
        except OSError:
            continue
        try:
            server.finish_request(connection, address)
        except OSError:
            pass  # a client that has gone
        server.shutdown_request(connection)


def run_pool(server, processes, threads):
    children = []
    signal.signal(signal.SIGTERM, lambda *_: end(children))
    for _ in range(processes):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            for _ in range(threads):
                threading.Thread(target=serve, args=(server,)).start()
            return
        children.append(pid)
    ready(server)
    for pid in children:
        os.waitpid(pid, 0)


def ready(server):
    print(f"rival.py: listening on 127.0.0.1:{server.server_port}, pid {os.getpid()}", flush=True)


def end(children):
    for pid in children:
        os.kill(pid, signal.SIGTERM)
    for pid in children:
        os.waitpid(pid, 0)
    os._exit(0)


design = sys.argv[1]
with open(sys.argv[2], "rb") as file:
    content = file.read()
if design == "pool":
    run_pool(Server(("127.0.0.1", 0), Handler), int(sys.argv[3]), int(sys.argv[4]))
else:
    server = {"forking": ForkingServer, "threading": ThreadingServer}[design](
        ("127.0.0.1", 0), Handler
    )
    signal.signal(signal.SIGTERM, lambda *_: end([]))
    ready(server)
    server.serve_forever()
