"""Published shows in other languages than English, whose own words have no Latin letter."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from podcast_pipeline.model import Chapter, Correction, Episode, Person, Soundbite
from podcast_pipeline.search import SearchIndex
from tests.support.site import NOW, SHOW_ID, Site, transcript_of

SLUG = "the-river"


@dataclass(frozen=True)
class ShowWords:
    """The words of a show and of its episode.

    Attributes:
        said: `NAME: words` lines of the transcript; `misheard` and `heard` are one of its words before
            and after a correction.
    """

    language: str
    title: str
    description: str
    author: str
    host: str
    guest: str
    episode_title: str
    notes: str
    topic: str
    chapters: tuple[str, str]
    soundbite: str
    said: str
    misheard: str
    heard: str
    note: str


ARABIC = ShowWords(
    language="ar",
    title="سجلّ الماء",
    description="حديث مرّة في الأسبوع مع من كان هناك.",
    author="صحيفة الضفة",
    host="مريم الخطيب",
    guest="سامر حداد",
    episode_title="ما الذي أخذه النهر",
    notes="لأحد عشر عامًا عرفت هيئة المياه أن السدّ لن يصمد. **سامر حداد** يقرأ المذكّرات.\n\n"
    "- المذكّرة الأولى\n- المذكّرة الثانية\n\n> لم يجب أحد.",
    topic="المياه",
    chapters=("السدّ", "مذكّرتان بلا جواب"),
    soundbite="لم يجب أحد",
    said="مريم الخطيب: كان ذلك اليوم يوم أخبار رهيبة للبلاد كلها. في "
    "التاسعة صباحا فقد الاتصال بالمكتب في مدينة النهر. سألنا من "
    "كان هناك ومن بقي. قالوا لنا إن السد لن يصمد.\n"
    "سامر حداد: بعد وقت قصير شوهد الحطام فوق الولاية. لم ينج أحد "
    "وكتبت المذكرة الأولى في المساء نفسه. ثم كتبت المذكرة الثانية "
    "بعد عام كامل. لم يجب أحد عنهما حتى اليوم.\n"
    "مريم الخطيب: ومن قرأ المذكرتين في ذلك المكتب. هذا ما نريد أن "
    "نعرفه اليوم.\n"
    "سامر حداد: قرأهما رجل واحد ثم وضعهما في الدرج. لم يسأله أحد "
    "منذ ذلك الحين عن شيء.",
    misheard="الولاية",
    heard="المدينة",
    note="صحّحنا اسم المدينة.",
)
HEBREW = ShowWords(
    language="he-IL",
    title="יומן המים",
    description="פעם בשבוע שיחה עם מי שהיה שם.",
    author="עיתון הגדה",
    host="מרים כהן",
    guest="דוד לוי",
    episode_title="מה לקח הנהר",
    notes="אחת עשרה שנים ידעה רשות המים שהסכר לא יעמוד. **דוד לוי** קורא את התזכירים.",
    topic="מים",
    chapters=("הסכר", "שני תזכירים בלי תשובה"),
    soundbite="איש לא ענה",
    said="מרים כהן: זה היה יום של חדשות קשות לכל הארץ. בשעה תשע בבוקר "
    "אבד הקשר עם המשרד בעיר הנהר. שאלנו מי היה שם ומי נשאר. אמרו "
    "לנו שהסכר לא יעמוד.\n"
    "דוד לוי: אחרי זמן קצר נראו ההריסות מעל המחוז. איש לא ניצל "
    "וכתבתי את התזכיר הראשון באותו ערב. אחר כך כתבתי את התזכיר "
    "השני אחרי שנה שלמה. איש לא ענה עליהם עד היום.\n"
    "מרים כהן: ומי קרא את שני התזכירים במשרד ההוא. את זה אנחנו "
    "רוצים לדעת היום.\n"
    "דוד לוי: קרא אותם איש אחד ואז שם אותם במגירה. איש לא שאל "
    "אותו מאז על שום דבר.",
    misheard="המחוז",
    heard="העיר",
    note="תיקנו את שם העיר.",
)
GERMAN = ShowWords(
    language="de",
    title="Das Protokoll des Wassers",
    description="Einmal in der Woche ein Gespräch mit jemandem, der dabei war.",
    author="Der Uferbote",
    host="Maria Krämer",
    guest="Jörg Weiß",
    episode_title="Was der Fluss mitgenommen hat: die Überschwemmungsschutzbehörde und ihre zwei Vermerke",
    notes="Elf Jahre wusste die Behörde, dass der Damm nicht hält. **Jörg Weiß** liest die Vermerke vor.",
    topic="Hochwasserrisikomanagement",
    chapters=("Der Damm", "Zwei Vermerke ohne Antwort"),
    soundbite="Niemand hat geantwortet",
    said="Maria Krämer: An diesem Tag gab es im ganzen Land nur schlechte Nachrichten.\n"
    "Jörg Weiß: Kurz darauf sah man die Trümmer. Niemand hat geantwortet.",
    misheard="Trümmer.",
    heard="Bretter.",
    note="Wir haben ein Wort berichtigt.",
)
CHINESE = ShowWords(
    language="zh-Hans",
    title="水的记录",
    description="每周一次，与在场的人谈话。",
    author="河岸报",
    host="李明",
    guest="王芳",
    episode_title="河流带走了什么",
    notes="十一年来水务局知道大坝撑不住。**王芳**读备忘录。",
    topic="水",
    chapters=("大坝", "两份没有回音的备忘录"),
    soundbite="没有人回答",
    said="李明: 那一天 全国 都是 坏消息。 早上 九点 与 办公室 失去 联系.\n"
    "王芳: 不久 之后 看见 废墟. 没有 人 回答.",
    misheard="废墟.",
    heard="残骸.",
    note="我们更正了一个词。",
)


def show_in(folder: Path, words: ShowWords, *, site_url: str = "http://127.0.0.1:8080") -> Site:
    """Return a show in a language, without episodes."""
    return Site.make(
        folder,
        site_url=site_url,
        title=words.title,
        description=words.description,
        author=words.author,
        language=words.language,
        hosts=[words.host],
    )


def publish_episode(site: Site, words: ShowWords) -> Episode:
    """Publish an episode with two versions of its transcript, chapters and a soundbite, and index it."""
    first, second = (
        transcript_of(text, duration_s=120, version=version).model_copy(update={"language": words.language})
        for version, text in ((1, words.said), (2, words.said.replace(words.misheard, words.heard)))
    )
    note = Correction(corrected_at=NOW - timedelta(hours=3), note=words.note)
    episode = site.publish(
        SLUG,
        first,
        second.model_copy(update={"corrections": (note,)}),
        language=words.language,
        title=words.episode_title,
        notes=words.notes,
        persons=(Person(name=words.guest, role="guest"),),
        season=1,
        number=2,
        topics=(words.topic,),
        chapters=tuple(Chapter(start_s=60 * n, title=title) for n, title in enumerate(words.chapters)),
        soundbites=(Soundbite(start_s=20, duration_s=5, title=words.soundbite),),
        provenance={"made_by": "machine"},
    )
    SearchIndex(site.subscribers.engine, show_id=SHOW_ID).sync(site.catalog, site.store)
    return episode
