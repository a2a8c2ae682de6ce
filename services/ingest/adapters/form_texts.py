"""The words of the field form, in English and Urdu.

Owns labels, hints and messages, keyed by the form's own names; a question inside a group is told
with the last part of the group's name before its own.
"""

from dataclasses import dataclass

TITLE = "School visit (RTSM)"
LANGUAGES = ("English (en)", "Urdu (ur)")


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    en: str
    ur: str


# Whole questions and groups, by their names in the form.
LABELS: dict[str, Text] = {
    "school_code": Text("Code of the school", "اسکول کا کوڈ"),
    "visited_at": Text("Visit began at", "دورہ شروع ہونے کا وقت"),
    "ended_at": Text("Visit ended at", "دورہ ختم ہونے کا وقت"),
    "visit_type": Text("Type of visit", "دورے کی قسم"),
    "monitor_id": Text("Your monitor number", "آپ کا مانیٹر نمبر"),
    "device_id": Text("Device", "آلہ"),
    "location": Text("Location of the school", "اسکول کا مقام"),
    "status": Text("What did you find?", "آپ نے کیا پایا؟"),
    "closure_reason": Text("Why was it not open?", "اسکول کھلا کیوں نہیں تھا؟"),
    "students": Text("Students", "طلبہ"),
    "students_grades": Text("Students by grade", "جماعت وار طلبہ"),
    "teachers": Text("Teachers", "اساتذہ"),
    "teachers_sanctioned": Text("Sanctioned teaching posts", "تدریسی منظور شدہ اسامیاں"),
    "teachers_head_present": Text("Is the head present?", "کیا سربراہ حاضر ہے؟"),
    "teachers_proxies": Text("Persons teaching in place of others", "دوسروں کی جگہ پڑھانے والے"),
    "non_teaching": Text("Non-teaching staff", "غیر تدریسی عملہ"),
    "rooms": Text("Rooms", "کمرے"),
    "rooms_available": Text("Rooms available", "موجود کمرے"),
    "rooms_usable": Text("Rooms usable", "قابلِ استعمال کمرے"),
    "rooms_classrooms_used": Text("Classrooms in use", "زیرِ استعمال کلاس روم"),
    "rooms_open_air_classes": Text("Classes in the open air", "کھلے آسمان تلے کلاسیں"),
    "toilets": Text("Toilets", "بیت الخلا"),
    "toilets_handwash": Text("Is there a place to wash hands?", "کیا ہاتھ دھونے کی جگہ ہے؟"),
    "toilets_soap": Text("Is there soap?", "کیا صابن موجود ہے؟"),
    "facilities": Text("Facilities", "سہولیات"),
    "oversight": Text("Visits by education officials", "محکمہ تعلیم کے افسران کے دورے"),
    "oversight_official_visit_last_30_days": Text(
        "Did an education official visit in the last 30 days?",
        "کیا گزشتہ 30 دنوں میں محکمہ تعلیم کا کوئی افسر آیا؟",
    ),
    "oversight_last_official_visit": Text("Day of the last such visit", "ایسے آخری دورے کا دن"),
    "oversight_visitor_post": Text("Post of the visitor", "دورہ کرنے والے کا عہدہ"),
    "oversight_evidence": Text("Evidence seen", "دیکھا گیا ثبوت"),
    "participation": Text("Clubs and committees", "کلب اور کمیٹیاں"),
    "participation_child_club_formed": Text(
        "Has a child club been formed?", "کیا بچوں کا کلب بنایا گیا ہے؟"
    ),
    "participation_ptsmc_formed": Text(
        "Has a PTSMC been formed?", "کیا پی ٹی ایس ایم سی بنائی گئی ہے؟"
    ),
    "participation_feeder_attended_procurement": Text(
        "Feeder school: was the procurement meeting attended?",
        "فیڈر اسکول: کیا خریداری کے اجلاس میں شرکت کی گئی؟",
    ),
    "participation_procurement_meeting_held": Text(
        "Cluster head: was the procurement meeting held?",
        "کلسٹر سربراہ: کیا خریداری کا اجلاس ہوا؟",
    ),
    "environment": Text("Teaching and learning", "تدریس اور تعلم"),
    "environment_lesson_plan": Text("Is there a lesson plan?", "کیا سبق کا منصوبہ موجود ہے؟"),
    "environment_teacher_engaged": Text(
        "Is the teacher engaged with the class?", "کیا استاد جماعت پر توجہ دے رہا ہے؟"
    ),
    "environment_teaching_aids": Text(
        "Are teaching aids in use?", "کیا تدریسی معاونات استعمال ہو رہی ہیں؟"
    ),
    "environment_blackboard": Text("Is a blackboard in use?", "کیا تختہ سیاہ استعمال ہو رہا ہے؟"),
    "environment_textbooks": Text("Do students have textbooks?", "کیا طلبہ کے پاس درسی کتب ہیں؟"),
    "environment_work_checked": Text(
        "Has written work been checked?", "کیا تحریری کام جانچا گیا ہے؟"
    ),
    "environment_seating": Text("Do all students have seats?", "کیا تمام طلبہ کے لیے نشستیں ہیں؟"),
    "environment_clean": Text("Is the school clean?", "کیا اسکول صاف ہے؟"),
    "environment_timetable": Text("Is a timetable on show?", "کیا نظام الاوقات آویزاں ہے؟"),
    "environment_no_corporal_punishment": Text(
        "Is there no corporal punishment?", "کیا جسمانی سزا نہیں دی جاتی؟"
    ),
    "remarks": Text("Remarks", "تبصرہ"),
}

# The last parts of names inside groups.
PARTS: dict[str, Text] = {
    "boys": Text("Boys", "لڑکے"),
    "girls": Text("Girls", "لڑکیاں"),
    "unspecified": Text("Boys or girls not told", "جنس معلوم نہیں"),
    "male": Text("Men", "مرد"),
    "female": Text("Women", "خواتین"),
    "shared": Text("Shared", "مشترکہ"),
    "staff": Text("Staff", "عملہ"),
    "water": Text("Water", "پانی"),
    "electricity": Text("Electricity", "بجلی"),
    "boundary_wall": Text("Boundary wall", "چار دیواری"),
    "grade": Text("Grade", "جماعت"),
    "enrolled": Text("enrolled", "داخل"),
    "present": Text("present", "حاضر"),
    "posted": Text("posted", "تعینات"),
    "on_leave": Text("on leave", "رخصت پر"),
    "on_duty": Text("on duty elsewhere", "دوسری جگہ ڈیوٹی پر"),
    "absent": Text("absent", "غیر حاضر"),
    "available": Text("available", "موجود"),
    "usable": Text("usable", "قابلِ استعمال"),
    "functional": Text("working", "فعال"),
}

PHOTO = Text("Photo", "تصویر")

CHOICES: dict[str, Text] = {
    "yes": Text("Yes", "ہاں"),
    "no": Text("No", "نہیں"),
    "not_applicable": Text("Does not apply", "لاگو نہیں"),
    "open": Text("Open", "کھلا"),
    "closed_temporarily": Text("Closed for now", "عارضی طور پر بند"),
    "closed_permanently": Text("Closed for good", "مستقل طور پر بند"),
    "not_found": Text("Not found", "نہیں ملا"),
    "refused": Text("Entry was refused", "داخلے سے انکار"),
    "inaccessible": Text("Could not be reached", "رسائی ممکن نہ تھی"),
    "merged": Text("Merged with another", "دوسرے اسکول میں ضم"),
    "staff_absent": Text("Staff absent", "عملہ غیر حاضر"),
    "no_teacher_posted": Text("No teacher is posted", "کوئی استاد تعینات نہیں"),
    "holiday": Text("Holiday", "تعطیل"),
    "security": Text("Security", "امن و امان"),
    "building_unsafe": Text("Building unsafe", "عمارت غیر محفوظ"),
    "no_students": Text("No students", "طلبہ نہیں"),
    "occupied": Text("Occupied by others", "دوسروں کے قبضے میں"),
    "other": Text("Other", "دیگر"),
    "routine": Text("Routine", "معمول کا"),
    "follow_up": Text("Follow-up", "پیروی کا"),
    "verification": Text("Verification", "تصدیق کا"),
    "spot": Text("Spot check", "اچانک"),
    "deo": Text("DEO", "ڈی ای او"),
    "ddeo": Text("DDEO", "ڈی ڈی ای او"),
    "adeo": Text("ADEO", "اے ڈی ای او"),
    "cluster_head": Text("Cluster head", "کلسٹر سربراہ"),
    "learning_coordinator": Text("Learning coordinator", "لرننگ کوآرڈینیٹر"),
    "rtsm_monitor": Text("RTSM monitor", "آر ٹی ایس ایم مانیٹر"),
    "attended": Text("Attended", "شرکت کی"),
    "invited_absent": Text("Invited, did not attend", "بلایا گیا، شرکت نہیں کی"),
    "not_invited": Text("Not invited", "بلایا نہیں گیا"),
    "no_meeting_held": Text("No meeting was held", "اجلاس نہیں ہوا"),
    "dont_know": Text("Not known", "معلوم نہیں"),
}

# What the telephone says when a constraint does not hold, by the intake's own codes.
MESSAGES: dict[str, Text] = {
    "out_of_range": Text("A number from {low} to {high}.", "{low} سے {high} تک کا عدد۔"),
    "too_long": Text("The text is too long.", "عبارت بہت لمبی ہے۔"),
    "present_exceeds_enrolled": Text(
        "Not more present than enrolled.", "حاضر، داخل سے زیادہ نہیں ہو سکتے۔"
    ),
    "present_exceeds_posted": Text(
        "Not more present than posted.", "حاضر، تعینات سے زیادہ نہیں ہو سکتے۔"
    ),
    "grades_exceed_total": Text(
        "The grades add up to more than this.", "جماعتوں کا مجموعہ اس سے زیادہ ہے۔"
    ),
    "staff_do_not_add_up": Text(
        "Present, on leave, on duty and absent must add up to posted.",
        "حاضر، رخصت پر، ڈیوٹی پر اور غیر حاضر کا مجموعہ تعینات کے برابر ہونا چاہیے۔",
    ),
    "usable_exceeds_available": Text(
        "Not more usable than available.", "قابلِ استعمال، موجود سے زیادہ نہیں ہو سکتے۔"
    ),
    "visit_date_in_future": Text("The visit lies in the future.", "دورے کا وقت مستقبل میں ہے۔"),
    "ended_before_visited": Text(
        "The visit ends before it begins.", "دورہ شروع ہونے سے پہلے ختم نہیں ہو سکتا۔"
    ),
    "official_visit_after_visit": Text(
        "The officials' visit lies after this one.", "افسران کا دورہ اس دورے کے بعد کا ہے۔"
    ),
}


def label(name: str) -> Text:
    """The label of a question or a group, by its name; KeyError when it has none."""
    whole = LABELS.get(name)
    if whole is not None:
        return whole
    if name.startswith("photo_"):
        number = name.removeprefix("photo_")
        return Text(f"{PHOTO.en} {number}", f"{PHOTO.ur} {number}")
    last = _last(name)
    before = _last(name.removesuffix(f"_{last}"), known_only=True)
    if before is None:
        return PARTS[last or ""]
    return Text(
        f"{PARTS[before].en}: {PARTS[last or ''].en}", f"{PARTS[before].ur}: {PARTS[last or ''].ur}"
    )


def _last(name: str, *, known_only: bool = False) -> str | None:
    """The last part of a name that has a word of its own."""
    found = [part for part in PARTS if name == part or name.endswith(f"_{part}")]
    if not found and not known_only:
        raise KeyError(name)
    return max(found, key=len) if found else None
