"""What the named lists are called, and which figure each stands behind. Data only; pure."""

from collections.abc import Mapping

from shared.clients.list_answers import ListName

LABELS: Mapping[ListName, Mapping[str, str]] = {
    "schools_closed": {
        "en": "Schools found closed",
        "ur": "بند پائے گئے اسکول",
        "bn": "বন্ধ পাওয়া বিদ্যালয়",
    },
    "not_visited": {
        "en": "Schools not visited",
        "ur": "اسکول جن کا دورہ نہیں ہوا",
        "bn": "পরিদর্শন না হওয়া বিদ্যালয়",
    },
    "teachers_absent": {
        "en": "Teachers absent at two visits running",
        "ur": "لگاتار دو دوروں میں اساتذہ غیر حاضر",
        "bn": "পরপর দুই পরিদর্শনে শিক্ষক অনুপস্থিত",
    },
    "no_toilet": {
        "en": "Schools without any toilet",
        "ur": "بغیر بیت الخلا کے اسکول",
        "bn": "শৌচাগারবিহীন বিদ্যালয়",
    },
    "no_usable_room": {
        "en": "Schools without a usable room",
        "ur": "بغیر قابلِ استعمال کمرے کے اسکول",
        "bn": "ব্যবহারযোগ্য কক্ষবিহীন বিদ্যালয়",
    },
}
BEHIND: Mapping[ListName, str | None] = {
    "schools_closed": "schools_open",
    "not_visited": None,
    "teachers_absent": "teacher_attendance",
    "no_toilet": "schools_without_toilet",
    "no_usable_room": "usable_rooms",
}
"""The indicator that a list stands behind."""
