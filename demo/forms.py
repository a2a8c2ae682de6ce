"""Forms of the demonstration's visits: rows of numbers written out as the bodies of the API.

Owns the form as a whole, one dict a visit; single groups are written by `demo.groups`. Which
forms are sent when, and which are sent wrong at first, is left to `demo.visits`.
"""

import numpy as np
from numpy.typing import NDArray

from demo import groups
from demo.answers import DESK, KOBO, SOURCES, TABLET, Answers
from demo.conduct import ITEMS, POSTS, SKIPPED
from demo.groups import Form
from demo.people import CLOSED, GONE, OPEN, REASONS, STATUSES
from demo.register import MIDDLE, Register, day_of
from demo.tours import Tours

_EARLIEST = 210  # days before the first day that an official's visit may lie
_BITS = {
    name: 1 << place
    for place, name in enumerate(
        (
            "students",
            "half_students",
            "teachers",
            "posted_only",
            "other_staff",
            "rooms",
            "toilets",
            "facilities",
            "oversight",
            "participation",
            "environment",
            "totals_only",
        )
    )
}
_REMARKS = (
    "نئی چاردیواری زیر تعمیر ہے",
    "اساتذہ کی حاضری کا رجسٹر مکمل نہیں",
    "پینے کے پانی کا انتظام نہیں",
    "Roof of one room leaks; class sits in the veranda.",
    "Head asked for a female teacher.",
    "بچوں کو کتابیں مل چکی ہیں",
)
_ANSWERS = ("no", "yes", "not_applicable")


def _table(answers: Answers) -> NDArray[np.int16]:
    """Return one row of small integers a visit, in the order that `Forms.form` unpacks."""
    given = np.zeros(len(answers.source), dtype=np.int16)
    for name, bit in _BITS.items():
        given |= getattr(answers.given, name).astype(np.int16) * bit
    columns = [
        *(answers.source, answers.status.status, answers.status.reason, given),
        *(*answers.students.whole, *answers.students.present),
        *(*answers.teachers.whole, *answers.teachers.present),
        *(*answers.other_staff.whole, *answers.other_staff.present),
        *(*answers.rooms.available, *answers.rooms.usable),
        *(*answers.toilets.available, *answers.toilets.usable),
        *(answers.clubs, answers.procurement),
        *(answers.officials.came, answers.officials.days_ago, answers.officials.post),
        *answers.environment,
    ]
    table = np.empty((len(given), len(columns)), dtype=np.int16)
    for place, column in enumerate(columns):
        table[:, place] = column
    return table


class Forms:
    """Writes the form of any visit; the same visit always gives the same form."""

    def __init__(self, register: Register, tours: Tours, answers: Answers) -> None:
        self._register = register
        self._tours = tours
        self._rows = _table(answers)
        self._noise = answers.noise
        self._heads = {cluster.head for cluster in register.clusters}
        self._dates = [
            day_of(day).isoformat() for day in range(-_EARLIEST, int(tours.day.max()) + 1)
        ]

    def source(self, row: int) -> str:
        """Return which partner sends the visit."""
        return SOURCES[self._rows[row, 0]]

    def visit_id(self, row: int, salt: int = 0) -> str:
        """Return the id the device made, time-ordered (UUID version 7)."""
        first, second = (int(value) for value in self._noise[row, :2])
        minute = int(self._tours.day[row]) * 1440 + int(self._tours.minute[row])
        stamp = 1_514_746_800_000 + minute * 60_000 + first % 60_000
        high = (stamp << 16) | 0x7000 | ((first >> 20) & 0xFFF)
        low = (second ^ (salt * 0x9E3779B97F4A7C15)) & 0x3FFFFFFFFFFFFFFF
        text = f"{high:016x}{low | 0x8000000000000000:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def has_monitor(self, row: int) -> bool:
        """Whether the form says who made the visit; some paper forms do not."""
        return int(self._rows[row, 0]) != DESK or int(self._noise[row, 2]) % 13 != 0

    def code(self, school: int, bits: int) -> str:
        """Return the school's code; one sender in eight drops leading zeros."""
        code = int(self._register.code[school])
        return str(code) if bits % 8 == 0 else f"{code:05d}"

    def form(self, row: int) -> Form:
        """Return the form of a visit as it is right in the end."""
        source, status, reason, given, *found = self._rows[row].tolist()
        school, day = int(self._tours.school[row]), int(self._tours.day[row])
        bits, more = int(self._noise[row, 2]), int(self._noise[row, 3])
        form: Form = {
            "visit_id": self.visit_id(row),
            "source": SOURCES[source],
            "form_version": "1",
            "school_code": self.code(school, bits >> 7),
        }
        form |= self._times(row, day, source, bits)
        form["status"] = STATUSES[status]
        if status in (CLOSED, GONE):
            form["closure_reason"] = REASONS[reason] if status == CLOSED else "no_students"
        if source != DESK:
            self._place(form, school, source, more)
        self._people(form, school, source, given, found, bits)
        self._premises(form, school, given, found, bits)
        if given & _BITS["oversight"]:
            came, ago, post = found[24:27]
            form["oversight"] = self._oversight(day, came, ago, post, bits >> 36)
        if given & _BITS["environment"]:
            items = zip(ITEMS, found[27:], strict=True)
            form["environment"] = {name: _ANSWERS[a] for name, a in items if a <= SKIPPED}
        if source == TABLET and more % 33 == 0:
            form["photos"] = ["".join(f"{int(value):016x}" for value in self._noise[row])]
        if (more >> 8) % 30 == 0:
            form["remarks"] = _REMARKS[(more >> 16) % len(_REMARKS)]
        return form

    def _people(
        self, form: Form, school: int, source: int, given: int, found: list[int], bits: int
    ) -> None:
        """Add students, teachers and other staff."""
        gender = int(self._register.gender[school])
        half = bool(given & _BITS["half_students"])
        totals = bool(given & _BITS["totals_only"]) and not half
        if given & _BITS["students"]:
            form["students"] = groups.students(found[:4], gender, totals, half)
            if source == TABLET and not totals and not half and bits % 10 < 3:
                groups.add_grade(form["students"], 1 + (bits >> 10) % 5)
        if given & _BITS["teachers"]:
            group = form["teachers"] = groups.staff(found[4:8], bits, totals, full=source != DESK)
            group["sanctioned"] = max(1, found[4] + found[5] - 1 + (bits >> 14) % 4)
            if self._register.level[school] >= MIDDLE or bits % 3 == 0:
                group["head_present"] = "yes" if (bits >> 16) % 4 else "no"
                group["proxies"] = 1 if (bits >> 18) % 90 == 0 else 0
        elif given & _BITS["posted_only"]:
            form["teachers"] = groups.posted(found[4], found[5])
        if given & _BITS["other_staff"]:
            form["non_teaching"] = groups.staff(found[8:12], bits >> 20, totals, full=False)

    def _premises(self, form: Form, school: int, given: int, found: list[int], bits: int) -> None:
        """Add rooms, toilets, facilities and participation."""
        if given & _BITS["rooms"]:
            is_open = form["status"] == STATUSES[OPEN]
            form["rooms"] = groups.rooms(found[12], found[13], is_open, bits >> 24)
        if given & _BITS["toilets"]:
            level, gender = int(self._register.level[school]), int(self._register.gender[school])
            form["toilets"] = groups.toilets(found[14:22], gender, level, bits >> 28)
        if given & _BITS["facilities"]:
            form["facilities"] = groups.facilities(int(self._register.code[school]), bits >> 32)
        if given & _BITS["participation"]:
            form["participation"] = groups.participation(
                school in self._heads, bool(found[22]), found[23], (school * 7919) % 100
            )

    def _times(self, row: int, day: int, source: int, bits: int) -> Form:
        """Return when, by whom and with which device the visit was made."""
        start = int(self._tours.minute[row])
        end = start + int(self._tours.minutes[row])
        monitor = int(self._tours.monitor[row])
        shift, zone = (300, "Z") if source == KOBO else (0, "+05:00")
        date_text = self._dates[day + _EARLIEST]
        clock = [divmod(minute - shift, 60) for minute in (start, end)]
        second = (bits >> 40) % 60
        times: Form = {
            "visited_at": f"{date_text}T{clock[0][0]:02d}:{clock[0][1]:02d}:{second:02d}{zone}",
            "ended_at": f"{date_text}T{clock[1][0]:02d}:{clock[1][1]:02d}:59{zone}",
        }
        kind = (bits >> 46) % 100
        if kind < 90:
            times["visit_type"] = ("routine", "follow_up", "spot")[(kind > 78) + (kind > 84)]
        if self.has_monitor(row):
            times["monitor_id"] = f"M-{monitor + 101:04d}"
        if source == TABLET:
            times["device_id"] = f"T-{monitor + 1:03d}"
        return times

    def _place(self, form: Form, school: int, source: int, more: int) -> None:
        """Add where the device was: at the school, seldom far away, sometimes not known."""
        if (more >> 20) % 20 == 0:
            return
        reach = 40 if (more >> 26) % 80 == 0 else 1
        lat = float(self._register.lat[school]) + ((more >> 32) % 1001 - 500) * 1e-6 * reach
        lon = float(self._register.lon[school]) + ((more >> 42) % 1001 - 500) * 1e-6 * reach
        form["location"] = {
            "lat": round(lat, 6),
            "lon": round(lon, 6),
            "accuracy_m": 4 + (more >> 52) % 37,
        }
        if source == TABLET:
            form["location"]["mock"] = (more >> 54) % 900 == 0

    def _oversight(self, day: int, came: int, ago: int, post: int, bits: int) -> Form:
        """Return what the school's log book says of officials' visits."""
        group: Form = {"official_visit_last_30_days": bool(came)}
        if ago:
            group["last_official_visit"] = self._dates[day - ago + _EARLIEST]
            group["visitor_post"] = POSTS[post]
            if bits % 5:
                group["evidence"] = "log_book"
        return group
