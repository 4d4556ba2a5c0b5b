"""The gateway of etcd over a log of notifications, for clients of Aviso 1."""

from dtedask.serve.etcd.gateway import EtcdGateway

__all__ = ["EtcdGateway"]
