"""What is known of every product, durably: what it waits for, what was made, and where it was delivered."""

from dtedask.products.ledger.ledger import Ledger
from dtedask.products.ledger.rows import DeliveryRow, ProductRow, State

__all__ = ["DeliveryRow", "Ledger", "ProductRow", "State"]
