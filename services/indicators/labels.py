"""What indicators and their splits are called, in English, Urdu and Bengali. Data only; pure.

How an indicator is computed is the catalogue's business.
"""

from collections.abc import Mapping

Labels = Mapping[str, str]


def _labels(en: str, ur: str, bn: str) -> Labels:
    return {"en": en, "ur": ur, "bn": bn}


INDICATORS: Mapping[str, Labels] = {
    "student_attendance": _labels("Student attendance", "طلبہ کی حاضری", "শিক্ষার্থীদের উপস্থিতি"),
    "teacher_attendance": _labels(
        "Attendance of teaching staff", "تدریسی عملے کی حاضری", "শিক্ষকদের উপস্থিতি"
    ),
    "non_teaching_attendance": _labels(
        "Attendance of non-teaching staff", "غیر تدریسی عملے کی حاضری", "অশিক্ষক কর্মচারীদের উপস্থিতি"
    ),
    "official_visits": _labels(
        "Visits by education officials",
        "محکمہ تعلیم کے افسران کے دورے",
        "শিক্ষা কর্মকর্তাদের পরিদর্শন",
    ),
    "usable_rooms": _labels("Usable rooms", "قابلِ استعمال کمرے", "ব্যবহারযোগ্য কক্ষ"),
    "usable_toilets": _labels("Usable toilets", "قابلِ استعمال بیت الخلا", "ব্যবহারযোগ্য শৌচাগার"),
    "learning_environment": _labels(
        "Teaching and learning environment", "تدریسی اور تعلیمی ماحول", "শিখন-শেখানো পরিবেশ"
    ),
    "child_clubs": _labels(
        "Schools with a child club", "بچوں کے کلب والے اسکول", "শিশু ক্লাবযুক্ত বিদ্যালয়"
    ),
    "procurement_participation": _labels(
        "Feeder schools in procurement meetings",
        "خریداری کے اجلاسوں میں فیڈر اسکولوں کی شرکت",
        "ক্রয় সভায় ফিডার বিদ্যালয়ের অংশগ্রহণ",
    ),
    "visits_made": _labels("Visits made", "کیے گئے دورے", "সম্পন্ন পরিদর্শন"),
    "schools_open": _labels("Open schools", "کھلے اسکول", "খোলা বিদ্যালয়"),
    "schools_known": _labels(
        "Schools seen in the last year",
        "گزشتہ ایک سال میں دیکھے گئے اسکول",
        "গত এক বছরে দেখা বিদ্যালয়",
    ),
    "coverage": _labels(
        "Schools visited in the period", "اس مدت میں دیکھے گئے اسکول", "এই সময়ে পরিদর্শিত বিদ্যালয়"
    ),
    "schools_without_toilet": _labels(
        "Schools without a toilet", "بیت الخلا کے بغیر اسکول", "শৌচাগারবিহীন বিদ্যালয়"
    ),
}

WORDS: Mapping[str, Labels] = {
    "boys": _labels("Boys", "لڑکے", "ছেলে"),
    "girls": _labels("Girls", "لڑکیاں", "মেয়ে"),
    "unspecified": _labels("Not stated", "غیر متعین", "অনির্দিষ্ট"),
    "male": _labels("Men", "مرد", "পুরুষ"),
    "female": _labels("Women", "خواتین", "নারী"),
    "mixed": _labels("Mixed", "مخلوط", "মিশ্র"),
    "shared": _labels("Shared", "مشترکہ", "যৌথ"),
    "staff": _labels("Staff", "عملہ", "কর্মচারী"),
    "routine": _labels("Routine", "معمول کا دورہ", "নিয়মিত"),
    "follow_up": _labels("Follow-up", "دوبارہ دورہ", "অনুসরণ"),
    "spot": _labels("Spot check", "اچانک معائنہ", "আকস্মিক পরিদর্শন"),
    "deo": _labels("District education officer", "ضلعی افسر تعلیم", "জেলা শিক্ষা কর্মকর্তা"),
    "ddeo": _labels(
        "Deputy district education officer", "نائب ضلعی افسر تعلیم", "উপ-জেলা শিক্ষা কর্মকর্তা"
    ),
    "adeo": _labels(
        "Assistant district education officer", "معاون ضلعی افسر تعلیم", "সহকারী জেলা শিক্ষা কর্মকর্তা"
    ),
    "cluster_head": _labels("Cluster head", "کلسٹر ہیڈ", "ক্লাস্টার প্রধান"),
    "learning_coordinator": _labels("Learning coordinator", "لرننگ کوآرڈینیٹر", "শিখন সমন্বয়কারী"),
    "rtsm_monitor": _labels("RTSM monitor", "آر ٹی ایس ایم مانیٹر", "আরটিএসএম পর্যবেক্ষক"),
    "other": _labels("Other", "دیگر", "অন্যান্য"),
}

# A school's gender names a kind of school; a toilet's or a pupil's "boys" names persons.
SCHOOLS: Mapping[str, Labels] = {
    "boys": _labels("Boys' schools", "لڑکوں کے اسکول", "বালক বিদ্যালয়"),
    "girls": _labels("Girls' schools", "لڑکیوں کے اسکول", "বালিকা বিদ্যালয়"),
    "mixed": _labels("Mixed schools", "مخلوط اسکول", "সহশিক্ষা বিদ্যালয়"),
}


def of_split(split: str | None) -> Labels:
    """The labels of a split as it stands on the wire; None is the total."""
    if split is None:
        return _labels("Total", "کل", "মোট")
    kind, separator, word = split.partition(":")
    if separator:
        return (SCHOOLS if kind == "school_gender" else WORDS)[word]
    return WORDS[split]
