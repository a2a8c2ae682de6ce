"""A typed Python client for RTSM: send visits so that each counts exactly once.

Owns what a partner's program needs: sending with retries that are safe by identity, a spool on disk
for times without a network, corrections and withdrawals. Stands alone: it knows the wire only.
"""

from rtsm_client.answers import Flag, Progress, Receipt, Record, Result, Summary
from rtsm_client.client import Client
from rtsm_client.errors import (
    ClientError,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    NotSendable,
    Refused,
    Spoiled,
    SpoolBusy,
    SpoolError,
    SpoolFull,
    Stale,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unexpected,
    Unreachable,
    Withdrawn,
)
from rtsm_client.forms import Visit
from rtsm_client.patience import Patience
from rtsm_client.spool import Spool

__all__ = [
    "Client",
    "ClientError",
    "Conflict",
    "FieldError",
    "Flag",
    "Forbidden",
    "Invalid",
    "NotFound",
    "NotSendable",
    "Patience",
    "Progress",
    "Receipt",
    "Record",
    "Refused",
    "Result",
    "Spoiled",
    "Spool",
    "SpoolBusy",
    "SpoolError",
    "SpoolFull",
    "Stale",
    "Summary",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "Unexpected",
    "Unreachable",
    "Visit",
    "Withdrawn",
]
