"""What schools and visits are: the kinds by which any figure can be split when asked.

Owns the words of a school on a day (gender, level, zone, shift) as the register has them, and of a
visit (its type). A part is always one word, `unspecified` where there is none, so the parts of a
kind are all schools or visits, each once. Which visits and schools a figure is made of is
`gather`'s. Pure.
"""

OF_SCHOOLS = ("school_gender", "school_level", "zone", "shift")
"""Kinds of schools: of a flow the school's word on the visit's day, of a stock its word on D."""
OF_VISITS = ("visit_type",)
"""Kinds of visits; a stock is of schools and has none."""
KINDS = (*OF_SCHOOLS, *OF_VISITS)
FIELDS = {"school_gender": "gender", "school_level": "level", "zone": "zone", "shift": "shift"}
"""Where a school's word stands in its record."""
