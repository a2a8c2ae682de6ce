"""What a service is: a value with its routes, tables, consumers and tasks.

An application is a list of services; which ones is a setting. Owns the shape only.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import MetaData
from starlette.types import ASGIApp

from shared.errors import Problem
from shared.journal.consumer import Consumer

Check = Callable[[], Awaitable[str | None]]
Task = Callable[[], Awaitable[None]]
Drain = Callable[[], Awaitable[int]]
ProblemPage = Callable[[Request, Problem], Awaitable[Response | None]]


@dataclass
class Service:
    """One service as it is put into a process.

    `on_start` runs once, in order, after the databases are open and before requests come;
    `tasks` run until the process stops; a check answers None or says what is missing.
    `direct` maps (method, path) to the application that answers one of the router's own routes
    before the framework's routing: for the one path on which that costs more than the work.
    `problem_page` shows a problem to a person, where a service has pages. A drain does what a task
    has waiting, at once, and says how much that was. `events` has topic and JSON
    schema of the data of each type of event it writes.
    """

    name: str
    router: APIRouter
    tables: MetaData
    consumers: list[Consumer] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    on_start: list[Task] = field(default_factory=list)
    checks: dict[str, Check] = field(default_factory=dict)
    direct: dict[tuple[str, str], ASGIApp] = field(default_factory=dict)
    problem_page: ProblemPage | None = None
    drains: list[Drain] = field(default_factory=list)
    events: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
