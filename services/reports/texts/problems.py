"""What each kind of problem means and what to do about it, in English and Urdu."""

EN: dict[str, str] = {
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
        "or last-30-days, and does not end before it begins."
    ),
    "invalid_date": "A date is written year, month, day: 2018-03-01.",
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
    "revision_mismatch": (
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
    "targets_away": "The targets cannot be read just now, and a card without them would mislead.",
    "internal": "Something failed here that should not have. It has been logged.",
}
UR: dict[str, str] = {
    "unauthenticated": (
        "یہ معلوم نہیں کہ پوچھنے والا کون ہے۔ اپنی کلید سے داخل ہوں۔ ممکن ہے اس کی مدت ختم ہو "
        "گئی ہو۔"
    ),
    "scope_missing": (
        "کلید درست ہے مگر اس کام کی اجازت نہیں رکھتی۔ کلید دینے والے سے مطلوبہ اجازت مانگیں۔"
    ),
    "not_found": "اس نام کی کوئی چیز نہیں، یا وہ آپ کے یونٹوں سے باہر ہے۔",
    "invalid_period": (
        "مدت اس طرح لکھی جاتی ہے: 2018، 2018-Q1، 2018-03، 2018-01..2019-05 یا last-30-days۔"
    ),
    "invalid_date": "تاریخ سال، مہینہ، دن کی ترتیب سے لکھی جاتی ہے: 2018-03-01۔",
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
    "revision_mismatch": (
        "پڑھنے کے بعد ریکارڈ بدل چکا ہے۔ دوبارہ پڑھیں اور نئی ریویژن کے ساتھ درستی بھیجیں۔"
    ),
    "too_many_requests": "اس کلید سے حد سے زیادہ درخواستیں آئیں۔ کچھ دیر انتظار کریں۔",
    "method_not_allowed": "یہ پتا موجود ہے مگر اس طریقے کے لیے نہیں۔",
    "store_unavailable": (
        "ڈیٹابیس اس وقت جواب نہیں دے رہا۔ جو محفوظ ہو چکا وہ محفوظ ہے؛ دوبارہ کوشش کریں۔"
    ),
    "indicators_away": "شمار کرنے والی سروس اس وقت جواب نہیں دے رہی۔ کارڈ خود ہی واپس آ جائے گا۔",
    "targets_away": "اہداف اس وقت پڑھے نہیں جا سکتے، اور ان کے بغیر کارڈ گمراہ کن ہو گا۔",
    "internal": "یہاں کوئی غیر متوقع خرابی ہوئی ہے۔ اسے درج کر لیا گیا ہے۔",
}
OTHERWISE = {
    "en": "The answer’s “detail” says what was wrong, and “errors”, where present, which fields.",
    "ur": "جواب میں ”detail“ بتاتا ہے کہ کیا غلط تھا، اور ”errors“ متعلقہ خانے بتاتا ہے۔",
}


def explained(code: str, lang: str) -> str:
    """What a problem means, in `lang`."""
    return (UR if lang == "ur" else EN).get(code, OTHERWISE[lang])
