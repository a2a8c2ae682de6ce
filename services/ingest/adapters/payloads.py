"""What a partner's server sends, read: which submission it is, which edition, what was answered.

Owns the shapes of KoboToolbox's JSON, ODK Central's OData rows, Central's hooks and the XML of
OpenRosa. What the answers mean is left to `mapping`; nothing here is a visit yet.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.ingest.adapters.xml_answers import answers_of, parsed
from shared.errors import Problem, invalid
from shared.strict_json import parse

Kind = Literal["kobo", "odk"]
Answers = dict[str, Any]
_ID = re.compile(r"[!-~]{1,200}")
_NOT_APPROVED = "validation_status_not_approved"


@dataclass(frozen=True, slots=True)
class Payload:
    """One submission as it was sent.

    `root` names it when none of its `aliases` is known yet; `edition` is this version of it and
    `replaced` are versions that this one takes the place of. `order` grows from edition to edition
    where the server counts them ("" where it does not). `excluded` says why the partner's reviewers
    left it out. `answers` is None when only the review changed.
    """

    root: str
    edition: str
    aliases: tuple[str, ...]
    answers: Answers | None
    replaced: tuple[str, ...] = ()
    order: str = ""
    excluded: str | None = None
    reviewed: bool = False
    deleted: bool = False
    form_version: str | None = None
    attachments: Mapping[str, str] = field(default_factory=dict)
    remote: str = ""


def read_payload(kind: Kind, raw: bytes, media: str = "application/json") -> Payload:
    """Read one submission; raises Problem 400 when it is no JSON or XML, 422 when it is none."""
    if media in {"text/xml", "application/xml"}:
        return _of_xml(raw)
    document = parse(raw)
    if not isinstance(document, dict):
        raise invalid("", "not_an_object", "A submission is a JSON object.")
    if kind == "kobo":
        return _of_kobo(document)
    if isinstance(document.get("type"), str) and isinstance(document.get("data"), dict):
        return _of_central_hook(document)
    return _of_odata(document)


def id_of(value: Any) -> str | None:
    """An instance id without its scheme, or None when it is none."""
    if not isinstance(value, str):
        return None
    bare = value.strip().removeprefix("uuid:").lower()
    return bare if _ID.fullmatch(bare) else None


def _ids(*values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for value in values if (one := id_of(value)) is not None))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _of_kobo(row: Answers) -> Payload:
    root, edition = id_of(row.get("meta/rootUuid")), id_of(row.get("meta/instanceID"))
    edition = edition or id_of(row.get("_uuid"))
    replaced = tuple(one for one in _ids(row.get("meta/deprecatedID")) if one != edition)
    named = root or next(iter(replaced), None) or edition
    if named is None:
        raise _unnamed()
    aliases = [*_ids(named, edition, row.get("_uuid"), *replaced)]
    number, sent = row.get("_id"), _text(row.get("_submission_time"))
    # A number alone is not stable across servers; with its time of submission it names one record.
    if isinstance(number, int) and sent:
        aliases.append(f"#{number}@{sent}")
    status = row.get("_validation_status")
    uid = _text(status.get("uid")) if isinstance(status, dict) else ""
    version = _text(row.get("__version__"))
    return Payload(
        root=named,
        edition=edition or named,
        aliases=tuple(aliases),
        answers=row,
        replaced=replaced,
        excluded="not approved by the partner" if uid == _NOT_APPROVED else None,
        reviewed=isinstance(status, dict),
        form_version=version[:100] or None,
        attachments=_kobo_attachments(row.get("_attachments")),
        remote=str(number) if isinstance(number, int) else "",
    )


def _kobo_attachments(listed: Any) -> dict[str, str]:
    """Each attachment's server-side number by the name that the answer holds."""
    found = {}
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and isinstance(item.get("id"), int | str):
            name = _text(item.get("media_file_basename")) or _text(item.get("filename"))
            found[name.rpartition("/")[2]] = str(item["id"])
    return found


def _of_odata(row: Answers) -> Payload:
    system, meta = row.get("__system"), row.get("meta")
    system = system if isinstance(system, dict) else {}
    meta = meta if isinstance(meta, dict) else {}
    edition = id_of(meta.get("instanceID"))
    replaced = tuple(one for one in _ids(meta.get("deprecatedID")) if one != edition)
    root = id_of(row.get("__id")) or next(iter(replaced), None) or edition
    if root is None:
        raise _unnamed()
    edits = system.get("edits")
    changed = _text(system.get("updatedAt")) or _text(system.get("submissionDate"))
    rejected = system.get("reviewState") == "rejected"
    version = _text(system.get("formVersion"))
    return Payload(
        root=root,
        edition=edition or root,
        aliases=_ids(root, edition, *replaced),
        answers=row,
        replaced=replaced,
        order=f"{edits if isinstance(edits, int) else 0:09d} {changed}" if system else "",
        excluded="rejected by the partner" if rejected else None,
        reviewed="reviewState" in system,
        deleted=bool(system.get("deletedAt")),
        form_version=version[:100] or None,
        remote=_text(row.get("__id")) or root,
    )


def _of_central_hook(event: Answers) -> Payload:
    """A call of Central's own triggers: a new submission as XML, or the state of its review."""
    root = id_of(event.get("id"))
    if root is None:
        raise _unnamed()
    xml = event["data"].get("xml")
    if isinstance(xml, str):
        return _of_xml(xml.encode("utf-8", "surrogatepass"))
    state = event["data"].get("reviewState")
    if not isinstance(state, str):
        detail = "Only submissions and their reviews are taken here."
        raise invalid("/type", "unknown_event", detail)
    return Payload(
        root=root,
        edition=root,
        aliases=(root,),
        answers=None,
        excluded="rejected by the partner" if state == "rejected" else None,
        reviewed=True,
    )


def _of_xml(raw: bytes) -> Payload:
    tree = parsed(raw)
    if tree.get("encrypted") == "yes":
        raise invalid("", "encrypted", "Encrypted submissions cannot be read here.")
    answers = answers_of(tree)
    if not isinstance(answers, dict):
        raise _unnamed()
    meta = answers.get("meta")
    if not isinstance(meta, dict):
        meta = {"instanceID": tree.get("instanceID")}
    edition = id_of(meta.get("instanceID"))
    replaced = tuple(one for one in _ids(meta.get("deprecatedID")) if one != edition)
    root = id_of(meta.get("rootUuid")) or next(iter(replaced), None) or edition
    if root is None:
        raise _unnamed()
    return Payload(
        root=root,
        edition=edition or root,
        aliases=_ids(root, edition, *replaced),
        answers=answers,
        replaced=replaced,
        form_version=(tree.get("version") or "")[:100] or None,
        remote=f"uuid:{root}",
    )


def _unnamed() -> Problem:
    detail = "The submission names no instance; without one it could be counted twice."
    return invalid("/meta/instanceID", "identity_missing", detail)


def digest_of(raw: bytes, payload: Payload | None) -> str:
    """The digest by which a payload is known again, however its server spaces and orders it."""
    if payload is not None and payload.answers is not None and raw[:1] in b" \t\r\n{":
        text = json.dumps(payload.answers, sort_keys=True, separators=(",", ":"))
        raw = text.encode()
    return hashlib.sha256(raw).hexdigest()
