"""What problems of files, partners, keys and reviewing mean, in English and Urdu."""

EN: dict[str, str] = {
    "ambiguous_identity": "The submission’s id belongs to more than one visit here. Name the "
    "visit by its own id.",
    "answers_missing": "The partner’s server gave the submission without its answers. It is "
    "asked again; nothing was stored.",
    "bad_form": "The form has more fields than any page here. Open the page again.",
    "busy": "Too many people ask at once. Wait a little and try again.",
    "cell_too_long": "A spreadsheet’s cell holds 32,767 letters, and this text is longer. "
    "Export as CSV instead.",
    "corrected_here": "The visit was corrected here after it came; the partner’s older "
    "change is not applied over it.",
    "double_form": "One form stands twice in the declaration of the partner. Leave one out.",
    "empty": "The text is empty. Write something and send it again.",
    "empty_file": "The file holds nothing. Choose the right file and send it again.",
    "encrypted": "Encrypted submissions cannot be read. Switch the form’s encryption off at "
    "the partner’s server.",
    "file_gone": "A tried file is kept for a day. Send it again.",
    "from_or_value": "A rule of the mapping takes its value from an answer or is a constant, "
    "not both.",
    "identity_missing": "A submission carries no instance id, so it could not be told from "
    "others. Nothing was stored.",
    "import_ended": "The import is over; what it stored stays. Withdraw or correct single "
    "records instead.",
    "ingest_away": "The service that takes visits and files does not answer just now. It "
    "comes back by itself.",
    "mail_not_taken": "The mail server did not take the mail. Try again later.",
    "no_dry_run": "Only the file of a finished trial can be imported by this address. Try "
    "the file first.",
    "not_a_form": "The body is not a multipart form with a file in it.",
    "not_an_object": "An object with named members is expected where the pointer says.",
    "not_boolean": "Only a question of yes and no can be made from a selected choice.",
    "not_polled": "No server of this partner is asked: none is declared, or it is paused.",
    "not_summable": "Only numbers can be made from several answers.",
    "not_xml": "The body is not XML that can be read safely. Nothing was stored.",
    "one_of_both": "The two parameters exclude each other. Give one.",
    "other_kind": "The mapping is for another kind of table. Choose one of the right kind.",
    "out_of_range": "A number lies outside of what is possible; the answer names it.",
    "outside_your_units": "This holds for everybody; a key of some units may not change it.",
    "overloaded": "More visits wait than can be taken just now. Nothing unacknowledged was "
    "stored; send the same again after the time in Retry-After.",
    "rate_limited": "This key made all requests that it may make for now. Wait as long as "
    "Retry-After says.",
    "reply_exists": "Another reply bears this id. Give yours an id of its own.",
    "revoked": "This key was revoked for good. Make another one.",
    "source_is_fixed": "A partner’s source cannot change once it sent something. Declare "
    "another partner.",
    "stale_version": "Somebody stored a newer version meanwhile. Read it, and send your "
    "change with its version.",
    "token_or_user": "A partner’s server is entered with a token, or with a user and a password.",
    "too_many_imports": "Many of your files wait already. Send this one when some are done.",
    "too_many_replies": "This visit has as many replies as a visit takes.",
    "two_keys_alive": "A key and its successor are both alive. Revoke one of them first.",
    "withdrawn_here": "The visit was withdrawn here; a change from the partner does not "
    "bring it back.",
    "wrong_form": "The text does not have the form that is expected; the answer says which.",
}
UR: dict[str, str] = {
    "ambiguous_identity": "یہ شناخت ایک سے زیادہ دوروں کی ہے۔ دورے کی اپنی شناخت بتائیں۔",
    "answers_missing": "پارٹنر کے سرور نے جوابات کے بغیر اندراج دیا۔ کچھ محفوظ نہیں ہوا۔",
    "bad_form": "فارم میں بہت زیادہ خانے ہیں۔ صفحہ دوبارہ کھولیں۔",
    "busy": "بہت سے لوگ ایک ساتھ مانگ رہے ہیں۔ کچھ دیر بعد کوشش کریں۔",
    "cell_too_long": "یہ متن اسپریڈ شیٹ کے خانے سے لمبا ہے۔ CSV میں لیں۔",
    "corrected_here": "یہ دورہ یہاں درست ہو چکا ہے؛ پارٹنر کی پرانی تبدیلی لاگو نہیں ہوئی۔",
    "double_form": "ایک فارم دو بار درج ہے۔ ایک نکال دیں۔",
    "empty": "متن خالی ہے۔ کچھ لکھ کر دوبارہ بھیجیں۔",
    "empty_file": "فائل خالی ہے۔ درست فائل چن کر دوبارہ بھیجیں۔",
    "encrypted": "خفیہ اندراج پڑھا نہیں جا سکتا۔ فارم کی خفیہ کاری بند کریں۔",
    "file_gone": "آزمائی گئی فائل ایک دن رکھی جاتی ہے۔ دوبارہ بھیجیں۔",
    "from_or_value": "مطابقت کا قاعدہ یا تو جواب لے یا مقررہ قدر، دونوں نہیں۔",
    "identity_missing": "اندراج کی کوئی شناخت نہیں۔ کچھ محفوظ نہیں ہوا۔",
    "import_ended": "یہ کام ختم ہو چکا ہے؛ جو محفوظ ہوا وہ رہے گا۔",
    "ingest_away": "دورے اور فائلیں لینے والی سروس اس وقت جواب نہیں دے رہی۔",
    "mail_not_taken": "میل سرور نے پیغام نہیں لیا۔ کچھ دیر بعد کوشش کریں۔",
    "no_dry_run": "صرف مکمل آزمائش والی فائل محفوظ ہو سکتی ہے۔ پہلے فائل آزمائیں۔",
    "not_a_form": "بھیجا گیا مواد فائل والا فارم نہیں ہے۔",
    "not_an_object": "بتائی گئی جگہ پر ناموں والی فہرست متوقع ہے۔",
    "not_boolean": "صرف ہاں یا نہیں کا سوال چنے ہوئے جواب سے بن سکتا ہے۔",
    "not_polled": "اس پارٹنر کے سرور سے نہیں پوچھا جاتا۔",
    "not_summable": "کئی جوابات سے صرف عدد بن سکتا ہے۔",
    "not_xml": "مواد درست XML نہیں ہے۔ کچھ محفوظ نہیں ہوا۔",
    "one_of_both": "دونوں میں سے صرف ایک دیں۔",
    "other_kind": "یہ مطابقت دوسری قسم کے جدول کی ہے۔",
    "out_of_range": "ایک عدد ممکنہ حد سے باہر ہے؛ جواب میں اس کا نام ہے۔",
    "outside_your_units": "یہ سب کے لیے ہے؛ چند یونٹوں کی کلید اسے نہیں بدل سکتی۔",
    "overloaded": "اس وقت بہت زیادہ دورے منتظر ہیں۔ کچھ دیر بعد وہی دوبارہ بھیجیں۔",
    "rate_limited": "اس کلید کی درخواستیں فی الحال پوری ہو گئیں۔ کچھ دیر انتظار کریں۔",
    "reply_exists": "اس شناخت کا جواب پہلے سے ہے۔ نئی شناخت دیں۔",
    "revoked": "یہ کلید واپس لی جا چکی ہے۔ نئی کلید بنائیں۔",
    "source_is_fixed": "پارٹنر کا ذریعہ بدل نہیں سکتا۔ نیا پارٹنر درج کریں۔",
    "stale_version": "اس دوران نیا ورژن محفوظ ہو چکا ہے۔ اسے پڑھ کر دوبارہ بھیجیں۔",
    "token_or_user": "پارٹنر کے سرور کے لیے ٹوکن دیں، یا صارف اور پاس ورڈ۔",
    "too_many_imports": "آپ کی کئی فائلیں منتظر ہیں۔ کچھ مکمل ہوں تو بھیجیں۔",
    "too_many_replies": "اس دورے پر جوابات کی حد پوری ہو گئی۔",
    "two_keys_alive": "کلید اور اس کی جانشین دونوں فعال ہیں۔ پہلے ایک واپس لیں۔",
    "withdrawn_here": "یہ دورہ یہاں واپس لیا جا چکا ہے؛ پارٹنر کی تبدیلی سے بحال نہیں ہو گا۔",
    "wrong_form": "متن مطلوبہ شکل میں نہیں؛ جواب میں شکل درج ہے۔",
}
