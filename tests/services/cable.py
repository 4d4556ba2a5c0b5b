"""A cable between a client and a server on loopback that can be cut and joined again."""

import socket
import threading
from contextlib import suppress


class Cable:
    """Forwards connections to a port; while it is cut, none is taken and none lives.

    Parameters
    ----------
    port : int
        Port of the server.
    """

    def __init__(self, port):
        self._target = ("127.0.0.1", port)
        self._ends = []
        self._guard = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._serve()

    def cut(self):
        with self._guard:
            self._close(self._listener)
            for end in self._ends:
                self._close(end)
            self._ends.clear()
        self._thread.join()

    def join(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._serve()

    def _serve(self):
        self._thread = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def _accept(self, listener):
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
                with self._guard:
                    self._ends += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source, sink):
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        self._close(source)
        self._close(sink)

    @staticmethod
    def _close(end):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
