"""Why a visit is in the queue, in a sentence for each flag; pure.

The numbers behind a sentence stand beside it, so that other languages can be made from the code.
"""

from services.ingest.trust.signals import Finding

UNKNOWN_SCHOOL = "unknown_school"
_SENTENCES = {
    "before_register": "The visit is earlier than the school's first record.",
    "copied_answers": "Another visit has exactly the same answers.",
    "date_to_be_corrected": "The date is before the deployment's first day.",
    "enrolment_jump": "Enrolment changed by more than 40 % since the last visit.",
    "far_from_school": "The place is far from the school's point in the register.",
    "full_attendance": "Everybody is present in every large class.",
    "girls_in_boys_school": "Girls are counted in a boys' school.",
    "holiday": "The day is a holiday.",
    "impossible_speed": "The monitor would have had to travel at more than 100 km/h.",
    "mock_location": "The device reported a simulated place.",
    "no_usable_room": "The school is open without a usable room or an open-air class.",
    "official_visit_contradicted": "The answer on official visits contradicts the date beside it.",
    "outside_school_hours": "The time is outside school hours.",
    "permanent_closure_reported": "The school is reported closed for good; the register decides.",
    "posted_exceeds_sanctioned": "More teachers are posted than sanctioned.",
    "posted_jump": "Posted teachers changed by more than 50 % since the last visit.",
    "repeated_photo": "Another visit has the same photograph.",
    "rooms_fewer": "There are fewer rooms than at the last visit.",
    "round_hours": "Five or more visits in a row began on a full or half hour.",
    "short_visit": "The visit took less than ten minutes.",
    UNKNOWN_SCHOOL: "The school is not registered.",
    "vacation": "The school's zone is on vacation.",
}


def sentence(code: str) -> str:
    """The sentence of a flag."""
    return _SENTENCES.get(code, "The visit was flagged.")


def detail(flag: Finding) -> str:
    """The sentence of a flag with its numbers."""
    said = sentence(flag.code)
    if flag.was is not None and flag.now is not None:
        return f"{said[:-1]}: {flag.was}, now {flag.now}."
    if flag.metres is not None:
        pace = f" at {flag.kmh} km/h" if flag.kmh is not None else " in no time"
        return f"{said[:-1]}: {flag.metres / 1000:.1f} km{pace}."
    return said
