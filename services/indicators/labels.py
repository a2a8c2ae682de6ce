"""What the words of splits are called, in English, Urdu and Bengali. Data only; pure.

Indicators bring their own labels (`definition_file`).
"""

from collections.abc import Mapping

Labels = Mapping[str, str]


def _labels(en: str, ur: str, bn: str) -> Labels:
    return {"en": en, "ur": ur, "bn": bn}


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
    "primary": _labels("Primary", "پرائمری", "প্রাথমিক"),
    "middle": _labels("Middle", "مڈل", "মাধ্যমিক (নিম্ন)"),
    "high": _labels("High", "ہائی", "উচ্চ বিদ্যালয়"),
    "higher_secondary": _labels("Higher secondary", "ہائر سیکنڈری", "উচ্চ মাধ্যমিক"),
    "summer": _labels("Summer zone", "گرم علاقہ", "গ্রীষ্ম অঞ্চল"),
    "winter": _labels("Winter zone", "سرد علاقہ", "শীত অঞ্চল"),
    "morning": _labels("Morning", "صبح", "সকাল"),
    "evening": _labels("Evening", "شام", "সন্ধ্যা"),
    "double": _labels("Double shift", "ڈبل شفٹ", "দুই শিফট"),
    "other": _labels("Other", "دیگر", "অন্যান্য"),
}

# A school's gender names a kind of school; a toilet's or a pupil's "boys" names persons.
SCHOOLS: Mapping[str, Labels] = {
    "boys": _labels("Boys' schools", "لڑکوں کے اسکول", "বালক বিদ্যালয়"),
    "girls": _labels("Girls' schools", "لڑکیوں کے اسکول", "বালিকা বিদ্যালয়"),
    "mixed": _labels("Mixed schools", "مخلوط اسکول", "সহশিক্ষা বিদ্যালয়"),
}


KINDS: Mapping[str, Labels] = {
    "school_gender": _labels("School's gender", "اسکول کی صنف", "বিদ্যালয়ের ধরন"),
    "school_level": _labels("School's level", "اسکول کی سطح", "বিদ্যালয়ের স্তর"),
    "zone": _labels("Zone", "زون", "অঞ্চল"),
    "shift": _labels("Shift", "شفٹ", "শিফট"),
    "visit_type": _labels("Type of visit", "دورے کی قسم", "পরিদর্শনের ধরন"),
    "visitor_post": _labels("Official's post", "افسر کا عہدہ", "কর্মকর্তার পদ"),
}


def of_split(split: str | None) -> Labels:
    """The labels of a split as it stands on the wire; None is the total.

    A word that nobody translated, such as the name of a zone, is its own label.
    """
    if split is None:
        return _labels("Total", "کل", "মোট")
    kind, separator, word = split.partition(":")
    if not separator:
        kind, word = "", split
    if kind == "school_gender" and word in SCHOOLS:
        return SCHOOLS[word]
    plain = word.replace("_", " ")
    return WORDS.get(word) or _labels(plain, plain, plain)
