"""The declared partners: stored, read back without their secrets, and seen by whom.

Owns the resource and its statements; what a partner's workers do is left to `workers`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
import msgspec

from services.ingest.adapters.mapping import check, own_mapping
from services.ingest.adapters.schemas import AdapterIn, FormIn, LoginIn, MappingIn
from services.ingest.drafts import Drafter
from shared.access import Principal
from shared.clock import rfc3339
from shared.db.engine import Database
from shared.db.sqlite import SqliteDatabase
from shared.db.transaction import Tx
from shared.errors import invalid, not_found

_ENCODER = msgspec.json.Encoder()
_CONFIG = msgspec.json.Decoder(AdapterIn)
_LOGIN = msgspec.json.Decoder(LoginIn)
_COLUMNS = "name,config,login,changed_at"


@dataclass(frozen=True)
class Adapter:
    """A declared partner; `changed_at` (microseconds) tells one declaration from the next."""

    name: str
    config: AdapterIn
    login: LoginIn | None
    changed_at: int

    @cached_property
    def principal(self) -> Principal:
        """Who its visits are written by: its source, its units, and no other scope."""
        units = None if self.config.units is None else frozenset(self.config.units)
        scopes = frozenset({"visits:write", "visits:review"})
        return Principal(f"adapter:{self.name}", self.name, self.config.source, scopes, units)

    def form(self, name: str) -> FormIn:
        """One of its forms; raises Problem 404."""
        for form in self.config.forms:
            if form.form == name:
                return form
        raise not_found("form")

    def mapping(self, form: str) -> MappingIn:
        """The mapping of a form, the project's own where none was declared."""
        return self.form(form).mapping or own_mapping()

    @property
    def polled(self) -> bool:
        """Whether its server can be asked."""
        return self.config.url is not None and not self.config.paused

    def document(self) -> dict[str, Any]:
        """The wire form, without the login."""
        shown: dict[str, Any] = msgspec.to_builtins(self.config)
        shown.pop("login", None)
        return {
            "adapter": self.name,
            **shown,
            "login": self.login is not None,
            "changed_at": rfc3339(self.changed_at),
        }


class Adapters:
    """Stores declarations and finds them again."""

    def __init__(self, database: Database, drafter: Drafter) -> None:
        self._database = database
        self._drafter = drafter

    async def put(self, name: str, given: AdapterIn, caller: Principal) -> Adapter:
        """Store a declaration; raises Problem 422 for what cannot work."""
        _check(given)
        now = self._drafter.stamps.next()
        async with self._database.transaction() as tx:
            await tx.lock(f"adapter:{name}")
            before = await _one(tx, name)
            login = given.login or (before.login if before else None)
            if before and before.config.url != given.url and given.login is None:
                # A login is for one server: another address must not be sent it.
                login = None
            if before and before.config.source != given.source:
                detail = "Its visits have their source for good; declare another adapter."
                raise invalid("/source", "source_is_fixed", detail)
            config = without_login(given)
            adapter = Adapter(name, config, login, now)
            stored = (
                _ENCODER.encode(config).decode(),
                None if login is None else _ENCODER.encode(login).decode(),
                now,
                caller.key_id,
            )
            if before is None:
                columns = ("name", "config", "login", "changed_at", "actor")
                await tx.insert_rows(
                    "adapters",
                    (*columns, "lease_owner", "lease_until"),
                    [(name, *stored, "", 0)],
                )
            else:
                await tx.execute(
                    "UPDATE adapters SET config = $2, login = $3, changed_at = $4, actor = $5 "
                    "WHERE name = $1",
                    name,
                    *stored,
                )
            # Another mapping may read what could not be read before.
            await tx.execute(
                "UPDATE adapter_submissions SET state = 'waiting', version = $2 "
                "WHERE adapter = $1 AND state = 'unapplied'",
                name,
                now,
            )
        return adapter

    async def one(self, name: str, caller: Principal | None = None) -> Adapter:
        """A declaration, if the caller may see it; raises Problem 404."""
        async with self._database.reading() as tx:
            adapter = await _one(tx, name)
        if adapter is None or not (caller is None or seen_by(adapter, caller)):
            raise not_found("adapter")
        return adapter

    async def all(self, caller: Principal | None = None) -> list[Adapter]:
        """Every declaration the caller may see, by name."""
        async with self._database.reading() as tx:
            rows = await tx.fetch(f"SELECT {_COLUMNS} FROM adapters ORDER BY name")
        found = [_adapter(row) for row in rows]
        return [one for one in found if caller is None or seen_by(one, caller)]

    async def lease(self, name: str, owner: str, until: int) -> bool:
        """Hold a partner's work until an instant; False while another process holds it.

        A SQLite file has one process anyway: there nothing is written.
        """
        if isinstance(self._database, SqliteDatabase):
            return True
        now = self._drafter.stamps.next()
        async with self._database.transaction() as tx:
            changed = await tx.execute(
                "UPDATE adapters SET lease_owner = $2, lease_until = $3 WHERE name = $1 "
                "AND (lease_owner = $2 OR lease_until < $4)",
                name,
                owner,
                until,
                now,
            )
        return changed == 1


def without_login(given: AdapterIn) -> AdapterIn:
    """The declaration without its login."""
    return msgspec.structs.replace(given, login=None)


def seen_by(adapter: Adapter, caller: Principal) -> bool:
    """Whether a key may know of a partner: the source's own, for all of the partner's units."""
    if not caller.has("admin") and caller.source != adapter.config.source:
        return False
    units = adapter.config.units
    return caller.units is None or (units is not None and set(units) <= caller.units)


def _check(given: AdapterIn) -> None:
    names = [form.form for form in given.forms]
    if len(set(names)) != len(names):
        raise invalid("/forms", "double_form", "A form stands twice.")
    if given.url is not None and not is_address(given.url):
        raise invalid("/url", "invalid_url", "This is no address of a server.")
    if given.kind == "odk" and given.url is not None and given.project is None:
        raise invalid("/project", "missing", "ODK Central is asked for a project's forms.")
    login = given.login
    if login is not None and (login.token is None) == (login.username is None):
        raise invalid("/login", "token_or_user", "Give either a token or a user with a password.")
    if login is not None and login.username is not None and login.password is None:
        raise invalid("/login/password", "missing", "The user has no password.")
    for place, form in enumerate(given.forms):
        if form.mapping is not None:
            check(form.mapping, f"/forms/{place}/mapping")


def is_address(url: str) -> bool:
    """Whether a client could ask a server at this address."""
    try:
        return bool(httpx.URL(url).host)
    except (httpx.InvalidURL, ValueError):
        return False


async def _one(tx: Tx, name: str) -> Adapter | None:
    row = await tx.fetch_one(f"SELECT {_COLUMNS} FROM adapters WHERE name = $1", name)
    return None if row is None else _adapter(row)


def _adapter(row: Any) -> Adapter:
    login = None if row[2] is None else _LOGIN.decode(row[2])
    return Adapter(row[0], _CONFIG.decode(row[1]), login, row[3])
