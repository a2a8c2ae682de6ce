"""What to do about a refusal: a sentence for each code that a loss report may show; pure.

Owns the advice only; what is wrong is told by whoever refused.
"""

_FIXES = {
    "missing": "Fill the cell, or map a column to the field.",
    "empty": "Fill the cell.",
    "unknown_unit": "Import the unit first, or use the unit's id or a declared alias.",
    "unknown_key": "Remove the column, or map it to a field that exists.",
    "present_exceeds_enrolled": "Correct one of the two numbers from the paper form.",
    "present_exceeds_posted": "Correct one of the two numbers from the paper form.",
    "usable_exceeds_available": "Correct one of the two numbers from the paper form.",
    "staff_do_not_add_up": "Correct the five numbers so that they add up to posted.",
    "grades_exceed_total": "Correct the grades or the total.",
    "not_open": "Leave the cell empty: in a school that was not open this was not measured.",
    "functional_without_available": "Say that the facility is there, or that it does not work.",
    "visit_date_in_future": "Correct the date of the visit.",
    "ended_before_visited": "Correct the time of the beginning or of the end.",
    "official_visit_after_visit": "Correct the date of the officials' last visit.",
    "visit_exists": "Correct the stored visit with PUT, or give this one an id of its own.",
    "withdrawn": "PUT restores a withdrawn visit; otherwise remove the row.",
    "half_a_point": "Enter both coordinates, or neither.",
    "out_of_range": "Correct the number.",
    "cycle": "Correct the parent: a unit cannot stand above itself.",
    "reversed_dates": "Exchange the two dates, or correct one.",
    "school_unit": "Import schools as schools.",
    "control_character": "Type the text anew.",
    "not_found": "Use a key of these units, or correct the code.",
    "no_address": "Enter the address of the channel, or leave the channel out.",
    "invalid_phone": "Write the number as +923001234567.",
    "invalid_email": "Correct the address.",
}
_OTHER = "Correct the cell and import the file again; what is stored is not stored twice."


def fix_of(code: str) -> str:
    """What a person can do about a refusal of this code."""
    return _FIXES.get(code, _OTHER)
