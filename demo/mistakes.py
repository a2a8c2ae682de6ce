"""Forms as they are sent before they are corrected: one group wrong, or the wrong day.

Owns mistakes that break no rule of the form, so that only a correction can tell; pure.
"""

from datetime import date, timedelta

from demo.groups import Form


def mistaken(form: Form, salt: int) -> Form:
    """Return the form with one group wrong, as it may be sent before it is corrected."""
    wrong = dict(form)
    choice = salt % 4
    if choice == 0 and "students" in form:
        cells = {sex: dict(cell) for sex, cell in form["students"].items() if sex != "grades"}
        for cell in cells.values():
            if "present" in cell:
                cell["present"] //= 2
        wrong["students"] = cells
    elif choice == 1 and "toilets" in form:
        wrong["toilets"] = {
            kind: cell if isinstance(cell, bool) else cell | {"usable": 0}
            for kind, cell in form["toilets"].items()
        }
    elif choice == 2 and "oversight" in form:
        came = form["oversight"]["official_visit_last_30_days"]
        wrong["oversight"] = {"official_visit_last_30_days": not came}
    elif choice == 3 and "environment" in form:
        swapped = {"yes": "no", "no": "yes"}
        wrong["environment"] = {
            item: swapped.get(answer, answer) for item, answer in form["environment"].items()
        }
    if wrong == form:
        wrong["remarks"] = f"to be checked {salt % 100}"
    return wrong


def dated(form: Form, day: date) -> Form:
    """Return the form under another day, without what would then lie after the visit."""
    moved = dict(form)
    for name in ("visited_at", "ended_at"):
        moved[name] = f"{day.isoformat()}{form[name][10:]}"
    if "oversight" in form:
        moved["oversight"] = {
            name: value
            for name, value in form["oversight"].items()
            if name != "last_official_visit"
        }
    return moved


def reset_day(day: int) -> date:
    """Return a day of 2012 on which a tablet with an empty clock thinks it is."""
    return date(2012, 1, 1) + timedelta(days=day % 300)
