"""The channel when nothing is configured: messages are printed, and recorded like any other."""

from typing import TextIO

from services.notify.channels.contract import Envelope, Handover
from services.notify.directory import masked
from services.notify.policy import Outcome


class ConsoleChannel:
    """Prints each message on one line to a stream, the recipient masked."""

    def __init__(self, kind: str, out: TextIO) -> None:
        self._kind = kind
        self._out = out

    async def send(self, envelope: Envelope) -> Handover:
        """Print the text; always accepted."""
        recipient = masked(envelope.recipient)
        self._out.write(f"[{self._kind} to {recipient}] {envelope.text}\n")
        self._out.flush()
        return Handover(Outcome.ACCEPTED, "printed on the console")

    async def check(self) -> str | None:
        """Nothing can be missing."""
        return None

    async def close(self) -> None:
        """The stream is not ours."""
