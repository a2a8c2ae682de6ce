"""English of the page that checks a printed card."""

CHECK_EN: dict[str, str] = {
    "check": "Check a printed card",
    "check.lead": "At the foot of a printed card stands a line “To check these figures”. Type it "
    "here, or copy it. In the code at its end capital letters, dashes and spaces do not matter.",
    "check.line": "The line at the foot of the card",
    "check.button": "Check",
    "check.unreadable": "This is not such a line: it has a unit, two dates, a time and a check "
    "code of 39 letters and digits.",
    "check.confirmed": "Genuine. These are the figures that were known then.",
    "check.confirmed.next": "Compare them with the sheet: what differs was altered on paper.",
    "check.not_ours": "Not genuine, or mistyped.",
    "check.not_ours.next": "This deployment never gave this line for this unit, these days and "
    "this time. Look at every letter once more; a sheet of another deployment is checked there.",
    "check.differs": "Genuine, but what is held of that time gives other figures now.",
    "check.differs.next": "This must not be. Tell those who run this system, with this line.",
    "check.definitions_changed": "Genuine. The definitions of the indicators are others by now.",
    "check.definitions_changed.next": "Compare line by line: the figures below follow today’s "
    "definitions.",
    "check.known": "As known on {moment}",
    "check.figures": "What was known then",
    "check.behind": "Counted",
    "check.visits": "Visits",
}
