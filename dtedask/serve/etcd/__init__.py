"""The gateway of etcd over a log of notifications, for clients of Aviso 1."""

from dtedask.serve.etcd.gateway import EtcdGateway
from dtedask.serve.etcd.mount import add_etcd

__all__ = ["EtcdGateway", "add_etcd"]
