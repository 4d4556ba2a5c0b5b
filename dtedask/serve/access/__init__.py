"""Who may read and send which notifications: who somebody is, by token, password or JWT, and what his roles allow."""

from dtedask.serve.access.access import Access, load_access
from dtedask.serve.access.document import AccessDocument
from dtedask.serve.access.identity import ANYBODY, Identity
from dtedask.serve.access.secret import hash_password, hash_token

__all__ = ["ANYBODY", "Access", "AccessDocument", "Identity", "hash_password", "hash_token", "load_access"]
