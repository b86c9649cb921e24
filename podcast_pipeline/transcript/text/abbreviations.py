"""Full stops that end no sentence: abbreviations, initials, numerals that are ordinals. Pure.

The tables hold English, German, French, Spanish and Portuguese. Lower case after a full stop needs no
table; a sentence that begins after an abbreviation is known by its first word (OPENERS).
"""

import regex

from podcast_pipeline.transcript.text.scripts import SPACELESS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words(
    "mr mrs ms mx dr prof dra drs mme mlle sra srta dña profa mgr messrs hrn frl"
    " ca cca approx bzw vs vgl sog evtl ggf inkl zzgl env wg einschl bspw insb"
)
"""Words, in lower case, that never end a sentence with their full stop: a name or a number follows."""

TITLES_OF = {
    "de": _words("hr fr gem lt"),
    "no": _words("hr fr"),
    "da": _words("hr fr"),
    "sv": _words("hr fr"),
    "fr": _words("m me pr mmes mlles av ap apr"),
    "es": _words("sr sres d ud uds avda gral lic"),
    "pt": _words("sr srs d exmo exma av eng"),
}
"""The same, which are other words or initials in other languages."""

ABBREVIATIONS = _words(
    "st ste sr jr rev hon sen rep gov gen col lt sgt capt cmdr maj adm amb pres supt det sra ing arq"
    " inc ltd co corp bros dept univ mt ft ave blvd rd mag dipl geb gest hl str"
    " jan feb apr jun jul aug sept oct okt nov dec dez mio mrd tsd"
)
"""Words, in lower case, whose full stop ends a sentence only where an opener follows."""

LIST_ENDS = _words("etc usw ff usf")
"""Words whose full stop ends a sentence before any capital, in German only before an opener."""

BEFORE_NUMBER = _words(
    "no nos nr nrn nro núm num p pp pg pág págs pag s seite art arts abs abb fig figs vol vols bd ch chap cap"
    " kap sec § tel ziff rn tab tbl eq op gem"
)
"""Words that a full stop shortens only where a figure or § follows: "No. 10", but "He said no. Then"."""

MONTHS = _words(
    "januar jänner jan februar feber märz april mai juni juli august september oktober november dezember"
    " januari februari mars maj juni juli augusti marts desember december"
    " ledna února března dubna května června července srpna září října listopadu prosince"
    " tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta"
    " lokakuuta marraskuuta joulukuuta"
)
"""Of the languages that write "3. Oktober", in lower case."""

NO_ORDINALS = _words("en fr es pt it nl ca gl ro")
"""Languages that write no ordinal with a full stop: a figure before it ends the sentence, unless a month of
another language follows, as where an English text quotes one."""

OWN_MONTHS = {
    "en": _words("april august september november"),
    "fr": _words("mars mai"),
    "nl": MONTHS,
    "ro": _words("mai"),
}
"""Words of MONTHS that are of such a language, too."""

OPENERS = {
    "en": _words(
        "the a an i he she it we they you and but so then this that these those there here when what why"
        " how who where if as at in on for from to with not yes well now my our his her their its because"
        " after before while although however also let is are was were do did does can could would should"
        " maybe perhaps today yesterday some many most all one nobody everybody"
    ),
    "de": _words(
        "der die das den dem des ein eine einen einem einer eines ich du er sie es wir ihr man und aber"
        " oder doch denn dann da dort hier heute gestern jetzt nun so wenn als weil dass ob wie was wer"
        " wo warum mein meine dein sein seine unser unsere ihre ihren in im am an auf aus bei beim mit"
        " nach von vom vor zu zum zur für über unter durch gegen um ohne seit bis nicht kein keine ja"
        " nein auch noch nur schon sehr vielleicht danach davor damals deshalb deswegen trotzdem außerdem"
        " sonst dabei dazu diese dieser dieses jede jeder alle viele einige also ist war hat haben sind"
        " waren wurde später zuerst"
    ),
    "fr": _words(
        "le la les un une des il elle ils elles on nous vous je j l c n s qu d ce cette ces et mais ou"
        " donc or ni car puis alors ensuite après avant dans en à au aux pour par sur sous avec sans si"
        " quand comme que qui où mon ton son sa ses notre nos votre leur leurs ça cela cependant pourtant"
        " oui non tout aujourd hier"
    ),
    "es": _words(
        "el la los las un una unos unas yo tú él ella ellos ellas nosotros usted ustedes y pero o si"
        " cuando como que qué quién dónde por para en a al con sin sobre entre hasta desde mi su sus"
        " nuestro este esta esto ese esa eso luego después entonces también ya no sí hoy ayer así porque"
        " aunque se lo le es era fue hay todo todos"
    ),
    "pt": _words(
        "o a os as um uma uns umas eu ele ela eles elas nós você vocês e mas ou se quando como que quem"
        " onde por para em no na nos nas ao à aos às com sem sobre entre até desde meu minha seu sua"
        " nosso nossa este esta isto esse essa isso aquele aquela depois então também já não sim hoje"
        " ontem assim porque embora é era foi há tudo todos"
    ),
}
"""Words, in lower case, that begin a sentence rather than follow an abbreviation inside one."""

_LETTER = rf"[\p{{L}}--[{SPACELESS}\p{{Hangul}}]]"  # one character of the others is often a word
_INITIALS = regex.compile(rf"{_LETTER}(?:\.-?{_LETTER})*|(\p{{Lu}})\1(?:\.\p{{Lu}})*", regex.V1)
_ONE_INITIAL = regex.compile(rf"\P{{L}}*{_LETTER}\.", regex.V1)
_FIGURES = regex.compile(r"\d{1,2}")
_ROMAN = regex.compile(r"(?=[IVXL])(?:X{0,3}|XL|L)(?:IX|IV|V?I{0,3})")
_NUMERAL = regex.compile(r"[^\p{L}\p{N}]*(?:§|\d|[IVX]{2,}\b)")
_BEFORE_WORD = regex.compile(r"^[^\p{L}\p{N}§]+")
_FIRST_WORD = regex.compile(r"[\p{L}\p{M}]+")


def is_abbreviation(text: str, following: str = "", *, language: str = "") -> bool:
    """Return whether the full stop at the end of a text ends no sentence ("Dr.", "J.", "U.S.", "4. Mai").

    Args:
        text: the word, or any text that ends with the word.
        following: the next word, empty at the end of a text.
        language: of the text, like "de" or "pt-BR"; empty where it is not known.
    """
    last_word = "".join(text.split()[-1:])
    if not last_word.endswith("."):
        return False
    code = language.partition("-")[0].lower()
    stem = _BEFORE_WORD.sub("", last_word.removesuffix("."))
    word = regex.split("['’]", stem.lower())[-1]  # l'art. 5
    if word in TITLES or word in TITLES_OF.get(code, ()):
        return True
    if word in BEFORE_NUMBER and _NUMERAL.match(following):
        return True
    if _FIGURES.fullmatch(stem):
        return _is_ordinal(following, code)
    opens = _is_opener(following, code)
    if word in LIST_ENDS:
        return code == "de" and not opens
    if code in ("", "en") and word == "i":  # the pronoun, but I. M. Pei
        return bool(_ONE_INITIAL.match(following))
    if code == "de" and _ROMAN.fullmatch(stem) and stem:
        return not opens
    return (word in ABBREVIATIONS or bool(_INITIALS.fullmatch(stem))) and not opens


def _is_ordinal(following: str, code: str) -> bool:
    """Return whether figures with a full stop are an ordinal; only German has capitals on all nouns."""
    word = _FIRST_WORD.match(following.strip())
    if word is None:
        return False
    if code in NO_ORDINALS:
        return word[0].lower() in MONTHS - OWN_MONTHS.get(code, frozenset())
    return word[0].lower() in MONTHS or (code == "de" and not _is_opener(following, code))


def _is_opener(following: str, code: str) -> bool:
    text = following.strip()
    if text[:1] in ("¿", "¡"):
        return True
    word = _FIRST_WORD.match(_BEFORE_WORD.sub("", text))
    if word is None or _ONE_INITIAL.fullmatch(text):
        return False
    return word[0].lower() in OPENERS.get(code, OPENERS["en"])
