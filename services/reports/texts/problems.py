"""What each kind of problem means and what to do about it, in English and Urdu."""

from services.reports.texts import problems_intake

EN: dict[str, str] = problems_intake.EN | {
    "unauthenticated": (
        "Nobody has said who is asking. Programs send their key as “Authorization: Bearer …”; "
        "people sign in once with their key. A key may also have expired or been withdrawn."
    ),
    "scope_missing": (
        "The key is valid but was not given this right. Ask whoever made the key for one with "
        "the scope that the answer names."
    ),
    "not_found": (
        "There is nothing of this name, or it lies outside the units of the key. The answer "
        "is the same in both cases on purpose."
    ),
    "invalid_period": (
        "A period is written 2018, 2018-Q1, 2018-03, 2018-01..2019-05, 2018-03-01..2018-04-15 "
        "last-30-days or school-year-2018, and does not end before it begins."
    ),
    "invalid_time": "An instant is written with its zone: 2018-03-05T09:40:00+05:00, in an address "
    "%2B for the plus, or 2018-03-05T04:40:00Z.",
    "invalid_cursor": (
        "The address of this further page is not whole, or was made for something else. Begin at "
        "the first page."
    ),
    "unknown_list": "There is no such list. The page of a unit’s lists leads to all of them.",
    "unknown_parameter": (
        "The address asks by a parameter that nobody reads there; it is misspelt, perhaps. It is "
        "refused, because the answer would be to another question. The answer names it, and what "
        "may have been meant."
    ),
    "invalid_number": "A whole number is needed here, within limits that the answer names.",
    "invalid_months": "Only the list of schools not visited asks for months.",
    "invalid_date": "A date is written year, month, day: 2018-03-01.",
    "too_many_listeners": (
        "As many connections follow the figures as this key, or this process, may have. Close "
        "some, or come back after as long as Retry-After says."
    ),
    "too_many_units": "One connection follows up to 50 units. Open another for the others.",
    "bulk_busy": (
        "Bulk reads hold a connection to the database each, so a few run at a time. Ask again "
        "after as long as Retry-After says."
    ),
    "in_the_future": (
        "known_at asks what had been recorded by an instant. This one is still to come: leave "
        "known_at out for what is known now."
    ),
    "not_whole": (
        "A seal vouches for all figures of a unit. Ask for it without choosing indicators or "
        "splits, and without received_until."
    ),
    "invalid": "A field breaks a rule. The answer lists every such field with a pointer to it; "
    "nothing was stored. Correct the fields and send again.",
    "not_json": "The body is not JSON. Nothing was stored.",
    "unsupported_media_type": (
        "The body is of a type that this address does not take. Name the right one in Content-Type."
    ),
    "too_large": "The body is larger than this address takes. Send it in parts.",
    "visit_exists": (
        "A visit of this source and id is there already, with other content. Sending the same "
        "content again is harmless; to change it, PUT it with If-Match."
    ),
    "withdrawn": "This visit was withdrawn. Its history is kept; PUT restores it.",
    "stale_revision": (
        "Somebody changed the record since it was read. Read it again, and send the "
        "correction with the revision it has now."
    ),
    "too_many_requests": (
        "More requests came with this key than were agreed. Wait as long as Retry-After says."
    ),
    "method_not_allowed": "The address exists, but not for this method.",
    "store_unavailable": (
        "The database does not answer just now. Nothing that was acknowledged is lost; the "
        "same request may be sent again."
    ),
    "indicators_away": (
        "The service that counts the figures does not answer just now. Intake goes on; the "
        "card comes back by itself."
    ),
    "calendar_away": "When school years begin cannot be read just now. Please try again.",
    "no_school_year": "The calendar does not say when a school year begins. It is set with "
    "school_year in /v1/calendar; until then other periods can be asked for.",
    "targets_away": "The targets cannot be read just now, and a card without them would mislead.",
    "internal": "Something failed here that should not have. It has been logged.",
    "if_match_missing": (
        'A correction names the revision it corrects: If-Match: "1". Read the visit to '
        "learn its revision."
    ),
    "school_unknown": (
        "The register does not know this school yet. Send the school first; visits that "
        "wait for it then count by themselves."
    ),
    "cut_off": (
        "The connection ended before the body was complete. Nothing of it was stored; "
        "send it again."
    ),
    "ledger_unavailable": (
        "The database takes nothing just now. Nothing was acknowledged, so nothing is "
        "lost: send it again."
    ),
    "too_many_lines": (
        "One request takes fewer lines than that. Send the file in parts; sending a line "
        "twice is harmless."
    ),
    "too_many": "One request takes fewer items than that. Send them in parts.",
    "too_many_pieces": (
        "The period is too long for steps of this length. Ask for longer steps or a shorter period."
    ),
    "duplicate_id": "The same id stands in the array more than once. Nothing was stored.",
    "outside_units": "The key may not change anything for this unit.",
    "foreign_form": (
        "A form of this site was posted from another site, which is refused. Open the "
        "page here and send it again."
    ),
    "missing": "A parameter that is needed is not there; the answer names it.",
    "bad_answer": (
        "One of the services behind this one answered nonsense. It has been logged; "
        "trying again may help."
    ),
    "notify_away": (
        "The service that keeps alerts and officers does not answer just now. It comes "
        "back by itself."
    ),
    "alert_closed": "This alert is over; there is nothing to acknowledge.",
    "alert_not_firing": "This alert is not firing; only a firing alert can be acknowledged.",
    "not_requeueable": (
        "This message was sent, or is being sent; only one that failed can be sent again."
    ),
    "parameter": (
        "A parameter of the address is not one of its possible values. The answer says "
        "which values there are."
    ),
}
UR: dict[str, str] = problems_intake.UR | {
    "unauthenticated": (
        "یہ معلوم نہیں کہ پوچھنے والا کون ہے۔ اپنی کلید سے داخل ہوں۔ ممکن ہے اس کی مدت ختم ہو "
        "گئی ہو۔"
    ),
    "scope_missing": (
        "کلید درست ہے مگر اس کام کی اجازت نہیں رکھتی۔ کلید دینے والے سے مطلوبہ اجازت مانگیں۔"
    ),
    "not_found": "اس نام کی کوئی چیز نہیں، یا وہ آپ کے یونٹوں سے باہر ہے۔",
    "invalid_period": (
        "مدت اس طرح لکھی جاتی ہے: \u20662018\u2069، \u20662018-Q1\u2069، \u20662018-03\u2069، "
        "\u20662018-01..2019-05\u2069، \u2066last-30-days\u2069 یا \u2066school-year-2018\u2069۔"
    ),
    "invalid_time": (
        "وقت اپنے علاقے کے ساتھ لکھا جاتا ہے: \u20662018-03-05T09:40:00+05:00\u2069 (پتے میں جمع "
        "کی جگہ \u2066%2B\u2069) یا \u20662018-03-05T04:40:00Z\u2069۔"
    ),
    "invalid_cursor": "اگلے صفحے کا یہ پتا ادھورا ہے یا کسی اور چیز کا ہے۔ پہلے صفحے سے شروع کریں۔",
    "unknown_list": "اس نام کی کوئی فہرست نہیں۔ یونٹ کی فہرستوں کا صفحہ سب تک لے جاتا ہے۔",
    "unknown_parameter": (
        "پتے میں ایسا پیرامیٹر ہے جو یہاں پڑھا نہیں جاتا؛ شاید املا غلط ہے۔ اسے رد کیا گیا، ورنہ "
        "جواب کسی اور سوال کا ہوتا۔ جواب میں اس کا نام ہے، اور وہ بھی جو شاید مراد تھا۔"
    ),
    "invalid_number": "یہاں پورا عدد درکار ہے، ان حدود کے اندر جو جواب میں درج ہیں۔",
    "invalid_months": "مہینے صرف ان اسکولوں کی فہرست کے لیے ہیں جن کا دورہ نہیں ہوا۔",
    "invalid_date": "تاریخ سال، مہینہ، دن کی ترتیب سے لکھی جاتی ہے: \u20662018-03-01\u2069۔",
    "in_the_future": (
        "known_at پوچھتا ہے کہ کسی لمحے تک کیا درج ہو چکا تھا۔ یہ لمحہ ابھی آنا ہے: موجودہ معلومات "
        "کے لیے known_at نہ لکھیں۔"
    ),
    "not_whole": (
        "تصدیقی سطر کسی اکائی کے تمام اعداد کے لیے ہوتی ہے۔ اسے اشاریے یا حصے چنے بغیر، اور "
        "received_until کے بغیر مانگیں۔"
    ),
    "invalid": (
        "کوئی خانہ قاعدے کے مطابق نہیں۔ جواب میں ایسے خانوں کی فہرست ہے؛ کچھ محفوظ نہیں ہوا۔"
    ),
    "not_json": "بھیجا گیا متن JSON نہیں ہے۔ کچھ محفوظ نہیں ہوا۔",
    "unsupported_media_type": "اس پتے پر اس قسم کا مواد قبول نہیں ہوتا۔",
    "too_large": "بھیجا گیا مواد حد سے بڑا ہے۔ حصوں میں بھیجیں۔",
    "visit_exists": (
        "اسی شناخت کا دورہ مختلف مواد کے ساتھ پہلے سے موجود ہے۔ تبدیلی کے لیے PUT استعمال کریں۔"
    ),
    "withdrawn": "یہ دورہ واپس لے لیا گیا ہے۔ PUT سے بحال ہو سکتا ہے۔",
    "stale_revision": (
        "پڑھنے کے بعد ریکارڈ بدل چکا ہے۔ دوبارہ پڑھیں اور نئی ریویژن کے ساتھ درستی بھیجیں۔"
    ),
    "too_many_requests": "اس کلید سے حد سے زیادہ درخواستیں آئیں۔ کچھ دیر انتظار کریں۔",
    "method_not_allowed": "یہ پتا موجود ہے مگر اس طریقے کے لیے نہیں۔",
    "store_unavailable": (
        "ڈیٹابیس اس وقت جواب نہیں دے رہا۔ جو محفوظ ہو چکا وہ محفوظ ہے؛ دوبارہ کوشش کریں۔"
    ),
    "indicators_away": "شمار کرنے والی سروس اس وقت جواب نہیں دے رہی۔ کارڈ خود ہی واپس آ جائے گا۔",
    "calendar_away": "تعلیمی سال کب شروع ہوتا ہے، یہ اس وقت پڑھا نہیں جا سکتا۔ دوبارہ کوشش کریں۔",
    "no_school_year": "کیلنڈر نہیں بتاتا کہ تعلیمی سال کب شروع ہوتا ہے۔ یہ /v1/calendar میں "
    "school_year سے طے ہوتا ہے؛ تب تک دوسری مدتیں پوچھی جا سکتی ہیں۔",
    "targets_away": "اہداف اس وقت پڑھے نہیں جا سکتے، اور ان کے بغیر کارڈ گمراہ کن ہو گا۔",
    "internal": "یہاں کوئی غیر متوقع خرابی ہوئی ہے۔ اسے درج کر لیا گیا ہے۔",
    "if_match_missing": "درستی کے ساتھ بتائیں کہ کس ریویژن کی درستی ہے: If-Match۔",
    "school_unknown": "رجسٹر میں یہ اسکول ابھی نہیں ہے۔ پہلے اسکول بھیجیں۔",
    "cut_off": "مواد مکمل ہونے سے پہلے رابطہ ٹوٹ گیا۔ کچھ محفوظ نہیں ہوا؛ دوبارہ بھیجیں۔",
    "ledger_unavailable": "ڈیٹابیس اس وقت کچھ قبول نہیں کر رہا۔ دوبارہ بھیجیں۔",
    "too_many_lines": "ایک درخواست میں اتنی سطریں قبول نہیں ہوتیں۔ فائل حصوں میں بھیجیں۔",
    "too_many": "ایک درخواست میں اتنی چیزیں قبول نہیں ہوتیں۔ حصوں میں بھیجیں۔",
    "too_many_pieces": "اس قدم کے لیے مدت بہت لمبی ہے۔ بڑا قدم یا چھوٹی مدت مانگیں۔",
    "duplicate_id": "ایک ہی شناخت فہرست میں ایک سے زیادہ بار ہے۔ کچھ محفوظ نہیں ہوا۔",
    "outside_units": "یہ کلید اس یونٹ کے لیے کچھ نہیں بدل سکتی۔",
    "foreign_form": "یہ فارم کسی دوسری سائٹ سے بھیجا گیا۔ صفحہ یہاں کھول کر دوبارہ بھیجیں۔",
    "missing": "ایک ضروری پیرامیٹر موجود نہیں؛ جواب میں اس کا نام ہے۔",
    "bad_answer": "پیچھے کی ایک سروس نے بے معنی جواب دیا۔ دوبارہ کوشش کریں۔",
    "notify_away": "الرٹ کی سروس اس وقت جواب نہیں دے رہی۔ خود ہی واپس آ جائے گی۔",
    "alert_closed": "یہ الرٹ ختم ہو چکا ہے۔",
    "alert_not_firing": "یہ الرٹ جاری نہیں؛ صرف جاری الرٹ کی تصدیق ہو سکتی ہے۔",
    "not_requeueable": "یہ پیغام بھیجا جا چکا ہے یا بھیجا جا رہا ہے۔",
    "too_many_listeners": (
        "اس کلید یا اس عمل کے لیے اعداد کے جتنے براہِ راست رابطے ممکن ہیں وہ سب استعمال میں ہیں۔ "
        "کچھ بند کریں یا Retry-After جتنا انتظار کریں۔"
    ),
    "too_many_units": "ایک رابطہ زیادہ سے زیادہ 50 اکائیوں پر نظر رکھتا ہے۔",
    "bulk_busy": "بڑے ڈیٹا کے چند جواب ہی ایک وقت میں چلتے ہیں۔ کچھ دیر بعد دوبارہ مانگیں۔",
    "parameter": "پتے کا ایک پیرامیٹر اپنی ممکنہ قدروں میں سے نہیں۔ جواب میں ممکنہ قدریں ہیں۔",
}
OTHERWISE = {
    "en": "The answer’s “detail” says what was wrong, and “errors”, where present, which fields.",
    "ur": "جواب میں ”detail“ بتاتا ہے کہ کیا غلط تھا، اور ”errors“ متعلقہ خانے بتاتا ہے۔",
}


def explained(code: str, lang: str) -> str:
    """What a problem means, in `lang`; codes of parameters share one text."""
    texts = UR if lang == "ur" else EN
    if code not in texts and code.startswith(("invalid_", "unknown_")):
        return texts["parameter"]
    return texts.get(code, OTHERWISE[lang])
