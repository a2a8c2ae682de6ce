"""The words of every text, in English and Urdu: short names of indicators, months and sentences.

Owns vocabulary only; `messages` puts it together and makes it fit.
"""

from __future__ import annotations

LANGUAGES = ("en", "ur")

INDICATORS: dict[str, dict[str, str]] = {
    "student_attendance": {"en": "student attendance", "ur": "طلبہ حاضری"},
    "teacher_attendance": {"en": "teacher attendance", "ur": "اساتذہ حاضری"},
    "non_teaching_attendance": {"en": "non-teaching attendance", "ur": "دیگر عملہ حاضری"},
    "official_visits": {"en": "officials' visits", "ur": "افسران کے دورے"},
    "usable_rooms": {"en": "usable rooms", "ur": "قابل استعمال کمرے"},
    "usable_toilets": {"en": "usable toilets", "ur": "قابل استعمال واش روم"},
    "learning_environment": {"en": "learning environment", "ur": "تعلیمی ماحول"},
    "child_clubs": {"en": "child clubs", "ur": "چائلڈ کلب"},
    "procurement_participation": {"en": "feeders in procurement", "ur": "خریداری میں شرکت"},
    "schools_open": {"en": "open schools", "ur": "کھلے سکول"},
    "schools_known": {"en": "schools seen in a year", "ur": "سال میں دیکھے سکول"},
    "coverage": {"en": "schools visited", "ur": "دورہ شدہ سکول"},
    "schools_without_toilet": {"en": "schools with no toilet", "ur": "بیت الخلا بغیر سکول"},
}

SPLITS: dict[str, dict[str, str]] = {
    "boys": {"en": "boys", "ur": "لڑکے"},
    "girls": {"en": "girls", "ur": "لڑکیاں"},
    "male": {"en": "men", "ur": "مرد"},
    "female": {"en": "women", "ur": "خواتین"},
    "mixed": {"en": "mixed", "ur": "مخلوط"},
    "shared": {"en": "shared", "ur": "مشترکہ"},
    "staff": {"en": "staff", "ur": "عملہ"},
    "unspecified": {"en": "unspecified", "ur": "غیر متعین"},
}

MONTHS: dict[str, tuple[str, ...]] = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "ur": (
        "جنوری",
        "فروری",
        "مارچ",
        "اپریل",
        "مئی",
        "جون",
        "جولائی",
        "اگست",
        "ستمبر",
        "اکتوبر",
        "نومبر",
        "دسمبر",
    ),
}

SMS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "fire": (
            (
                "RTSM alert {code}. {unit}: {indicator} {value} (limit {limit}), "
                "{visits} visits to {schools} schools, {days}."
            ),
            "RTSM alert {code}. {unit}: {indicator} {value} (limit {limit}), {visits} visits.",
            "RTSM {code} {unit}: {indicator} {value} (limit {limit})",
        ),
        "remind": (
            (
                "RTSM reminder {code}, open since {since}. "
                "{unit}: {indicator} {value} (limit {limit}). Please acknowledge."
            ),
            "RTSM reminder {code}. {unit}: {indicator} {value} (limit {limit})",
        ),
        "resolve": (
            "RTSM {code} resolved. {unit}: {indicator} {now}, was {value}. Open for {duration}.",
            "RTSM {code} resolved. {unit}: {indicator} {now}, was {value}",
        ),
        "rescind": (
            (
                "RTSM {code} withdrawn. {unit}: {indicator}. "
                "The visits behind it were corrected; now {now}, was {value}."
            ),
            "RTSM {code} withdrawn, visits were corrected. {unit}: {indicator}",
        ),
    },
    "ur": {
        "fire": (
            "{code} {unit}: {indicator} {value} (حد {limit})۔ {visits} دورے",
            "{code} {unit}: {indicator} {value} (حد {limit})",
            "{code} {unit}: {indicator} {value}",
        ),
        "remind": (
            "یاددہانی {code} {unit}: {indicator} {value} (حد {limit})",
            "یاددہانی {code} {unit}: {indicator} {value}",
        ),
        "resolve": (
            "{code} ختم۔ {unit}: {indicator} {now}، پہلے {value}",
            "{code} ختم۔ {unit}: {indicator} {now}",
        ),
        "rescind": (
            "{code} واپس، دورے درست ہوئے۔ {unit}: {indicator}",
            "{code} واپس۔ {unit}: {indicator}",
        ),
    },
}

MORE = {"en": " +{count} more", "ur": " +{count}"}

SUBJECT: dict[str, dict[str, str]] = {
    "en": {
        "fire": "RTSM alert {code}: {unit}, {indicator} {value}",
        "remind": "RTSM reminder {code}: {unit}, {indicator} {value}",
        "resolve": "RTSM {code} resolved: {unit}, {indicator} {now}",
        "rescind": "RTSM {code} withdrawn: {unit}, {indicator}",
    },
    "ur": {
        "fire": "RTSM {code}: {unit}، {indicator} {value}",
        "remind": "RTSM یاددہانی {code}: {unit}، {indicator} {value}",
        "resolve": "RTSM {code} ختم: {unit}، {indicator} {now}",
        "rescind": "RTSM {code} واپس: {unit}، {indicator}",
    },
}

OPENING: dict[str, dict[str, str]] = {
    "en": {
        "fire": "School visits show a figure that is really beyond its limit:",
        "remind": "This alert has not been acknowledged yet:",
        "resolve": "This alert is over; new visits show recovery:",
        "rescind": "This alert is withdrawn; the visits behind it were corrected:",
    },
    "ur": {
        "fire": "سکولوں کے دورے بتاتے ہیں کہ یہ شرح حد سے باہر ہے:",
        "remind": "اس اطلاع کی ابھی تک تصدیق نہیں ہوئی:",
        "resolve": "یہ اطلاع ختم ہوئی؛ نئے دوروں میں بہتری ہے:",
        "rescind": "یہ اطلاع واپس لی جاتی ہے؛ اس کے دورے درست کیے گئے:",
    },
}

LABELS: dict[str, dict[str, str]] = {
    "en": {
        "value": "Figure",
        "now": "Now",
        "limit": "Limit",
        "evidence": "Evidence",
        "visits": "{visits} visits to {schools} schools",
        "counted": "{numerator} of {denominator}",
        "days": "Days",
        "probability": "Probability",
        "code": "Code",
        "ack": "Acknowledge",
        "card": "Card",
        "duration": "{days} days",
        "today": "less than a day",
        "one_day": "1 day",
    },
    "ur": {
        "value": "شرح",
        "now": "اب",
        "limit": "حد",
        "evidence": "ثبوت",
        "visits": "{schools} سکولوں کے {visits} دورے",
        "counted": "{denominator} میں سے {numerator}",
        "days": "دن",
        "probability": "امکان",
        "code": "کوڈ",
        "ack": "تصدیق کریں",
        "card": "کارڈ",
        "duration": "{days} دن",
        "today": "ایک دن سے کم",
        "one_day": "1 دن",
    },
}

PAGE: dict[str, dict[str, str]] = {
    "en": {
        "title": "Alert {code}",
        "question": "Confirm that you have taken notice of this alert.",
        "note": "Note (may be empty)",
        "button": "Acknowledge",
        "done": "Thank you. The alert is acknowledged.",
        "over": "This alert is no longer open; nothing needs to be done.",
    },
    "ur": {
        "title": "اطلاع {code}",
        "question": "تصدیق کریں کہ آپ نے یہ اطلاع دیکھ لی ہے۔",
        "note": "نوٹ (خالی بھی رہ سکتا ہے)",
        "button": "تصدیق کریں",
        "done": "شکریہ۔ اطلاع کی تصدیق ہو گئی۔",
        "over": "یہ اطلاع اب کھلی نہیں؛ کچھ کرنے کی ضرورت نہیں۔",
    },
}
