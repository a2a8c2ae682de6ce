"""English of the pages of the named lists."""

LISTS_EN: dict[str, str] = {
    "lists": "Schools behind the figures",
    "lists.on": "On {day}",
    "lists.period": "On the last day of",
    "lists.months": "Months without a visit",
    "lists.count": "{count} of {of} schools.",
    "lists.why.schools_closed": "Of those with an answer in the last 365 days: the last visit that "
    "could tell found them not open. A closure for a holiday is no such answer.",
    "lists.why.not_visited": "Schools of the register with no counted visit for {months} months.",
    "lists.why.not_visited.one": "Schools of the register with no counted visit for a month.",
    "lists.why.teachers_absent": "Of those where teachers were counted at two visits or more in "
    "the last 365 days: at each of the last two somebody was missing who had neither leave nor "
    "another duty.",
    "lists.why.no_toilet": "Of those with an answer in the last 365 days: no toilet of any kind.",
    "lists.why.no_usable_room": "Of those with an answer in the last 365 days: no room can be "
    "used.",
    "lists.since.schools_closed": "Found so on",
    "lists.since.not_visited": "Last visit",
    "lists.since.teachers_absent": "Since",
    "lists.since.no_toilet": "Found so on",
    "lists.since.no_usable_room": "Found so on",
    "lists.found": "What was found",
    "lists.never": "never",
    "lists.teachers": "{present} of {posted} teachers present",
    "lists.excused": "({count} excused)",
    "lists.rooms": "{usable} of {available} rooms usable",
    "lists.csv": "The whole list as CSV",
    "lists.nobody": "No school is on this list.",
    "lists.nobody.unknown": "Nobody can tell: no school here has an answer for this day. That is "
    "not good news.",
    "lists.nobody.no_schools": "No school was on the register here on this day.",
    "lists.shown": "{shown} of them are on this page.",
    "lists.as_of": "Every visit recorded by {moment} is in.",
}
