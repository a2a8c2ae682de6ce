"""Urdu of the pages of the named lists."""

LISTS_UR: dict[str, str] = {
    "lists": "اعداد کے پیچھے اسکول",
    "lists.on": "{day} کو",
    "lists.period": "اس مدت کے آخری دن",
    "lists.months": "بغیر دورے کے مہینے",
    "lists.count": "{of} میں سے {count} اسکول۔",
    "lists.why.schools_closed": "جن اسکولوں کا جواب پچھلے 365 دنوں میں ملا: آخری دورے نے انہیں "
    "کھلا نہیں پایا۔ چھٹی کی وجہ سے بندش شمار نہیں ہوتی۔",
    "lists.why.not_visited": "رجسٹر کے وہ اسکول جن کا {months} مہینوں سے کوئی شمار شدہ دورہ نہیں۔",
    "lists.why.not_visited.one": "رجسٹر کے وہ اسکول جن کا ایک مہینے سے کوئی شمار شدہ دورہ نہیں۔",
    "lists.why.teachers_absent": "جہاں پچھلے 365 دنوں میں کم از کم دو دوروں میں اساتذہ گنے گئے: "
    "آخری دونوں دوروں میں کوئی استاد بغیر رخصت یا ڈیوٹی کے غیر حاضر تھا۔",
    "lists.why.no_toilet": "جن کا جواب پچھلے 365 دنوں میں ملا: کسی بھی قسم کا بیت الخلا نہیں۔",
    "lists.why.no_usable_room": "جن کا جواب پچھلے 365 دنوں میں ملا: کوئی کمرہ قابلِ استعمال نہیں۔",
    "lists.since.schools_closed": "کب پایا گیا",
    "lists.since.not_visited": "آخری دورہ",
    "lists.since.teachers_absent": "کب سے",
    "lists.since.no_toilet": "کب پایا گیا",
    "lists.since.no_usable_room": "کب پایا گیا",
    "lists.found": "کیا پایا گیا",
    "lists.never": "کبھی نہیں",
    "lists.teachers": "{posted} میں سے {present} اساتذہ حاضر",
    "lists.excused": "({count} کو رخصت)",
    "lists.rooms": "{available} میں سے {usable} کمرے قابلِ استعمال",
    "lists.csv": "پوری فہرست CSV میں",
    "lists.nobody": "اس فہرست میں کوئی اسکول نہیں۔",
    "lists.nobody.unknown": "کچھ معلوم نہیں: اس دن کے لیے یہاں کسی اسکول کا جواب موجود نہیں۔ "
    "اسے اچھی خبر نہ سمجھیں۔",
    "lists.nobody.no_schools": "اس دن رجسٹر میں یہاں کوئی اسکول نہیں تھا۔",
    "lists.shown": "ان میں سے {shown} اس صفحے پر ہیں۔",
    "lists.as_of": "{moment} تک درج ہونے والا ہر دورہ شامل ہے۔",
}
