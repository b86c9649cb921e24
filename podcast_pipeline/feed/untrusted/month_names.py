"""Names of months and their abbreviations in dates of feeds. Source: Unicode CLDR, format and stand-alone."""

import re
import unicodedata

NAMES = """
English: january jan | february feb | march mar | april apr | may | june jun | july jul | august aug
    | september sep sept | october oct | november nov | december dec
German: januar jänner jän jaen | februar feber | märz mär maerz mrz | april | mai | juni | juli | august
    | september | oktober okt | november | dezember dez
French: janvier janv | février févr fév | mars | avril avr | mai | juin | juillet juil | août aoû
    | septembre | octobre | novembre | décembre déc
Spanish: enero ene | febrero | marzo | abril abr | mayo | junio | julio | agosto ago
    | septiembre setiembre set | octubre | noviembre | diciembre dic
Portuguese: janeiro | fevereiro fev | março | abril | maio | junho | julho | agosto | setembro
    | outubro out | novembro | dezembro
Italian: gennaio gen | febbraio | marzo | aprile | maggio mag | giugno giu | luglio lug | agosto
    | settembre | ottobre ott | novembre | dicembre
Dutch: januari | februari | maart mrt | april | mei | juni | juli | augustus | september | oktober
    | november | december
Catalan: gener | febrer | març | abril | maig | juny | juliol | agost ag | setembre | octubre | novembre
    | desembre des
Swedish: januari | februari | mars | april | maj | juni | juli | augusti | september | oktober
    | november | december
Norwegian+Danish: januar | februar | mars marts | april | mai maj | juni | juli | august | september
    | oktober | november | desember des
Finnish: tammikuu tammikuuta tammi | helmikuu helmikuuta helmi | maaliskuu maaliskuuta maalis
    | huhtikuu huhtikuuta huhti | toukokuu toukokuuta touko | kesäkuu kesäkuuta kesä
    | heinäkuu heinäkuuta heinä | elokuu elokuuta elo | syyskuu syyskuuta syys | lokakuu lokakuuta loka
    | marraskuu marraskuuta marras | joulukuu joulukuuta joulu
Polish: styczeń stycznia sty | luty lutego lut | marzec marca | kwiecień kwietnia kwi | maj maja
    | czerwiec czerwca cze | lipiec lipca lip | sierpień sierpnia sie | wrzesień września wrz
    | październik października paź | listopad listopada lis | grudzień grudnia gru
Czech: leden ledna led | únor února úno | březen března bře | duben dubna dub | květen května kvě
    | červen června čvn | červenec července čvc | srpen srpna srp | září zář | říjen října říj
    | listopad listopadu lis | prosinec prosince pro
Hungarian: január | február | március márc | április ápr | május máj | június jún | július júl
    | augusztus | szeptember szept | október | november | december
Romanian: ianuarie ian | februarie | martie | aprilie | mai | iunie iun | iulie iul | august
    | septembrie | octombrie | noiembrie noi | decembrie
Turkish: ocak oca | şubat şub | mart | nisan nis | mayıs | haziran haz | temmuz tem | ağustos ağu
    | eylül eyl | ekim eki | kasım kas | aralık ara
Russian: январь января янв | февраль февраля фев февр | март марта мар | апрель апреля апр | май мая
    | июнь июня июн | июль июля июл | август августа авг | сентябрь сентября сен сент
    | октябрь октября окт | ноябрь ноября ноя нояб | декабрь декабря дек
Ukrainian: січень січня січ | лютий лютого лют | березень березня бер | квітень квітня кві
    | травень травня тра | червень червня чер | липень липня лип | серпень серпня сер
    | вересень вересня вер | жовтень жовтня жов | листопад листопада лис | грудень грудня гру
Greek: ιανουάριος ιανουαρίου ιαν | φεβρουάριος φεβρουαρίου φεβ | μάρτιος μαρτίου μαρ
    | απρίλιος απριλίου απρ | μάιος μαΐου μαϊ | ιούνιος ιουνίου ιουν | ιούλιος ιουλίου ιουλ
    | αύγουστος αυγούστου αυγ | σεπτέμβριος σεπτεμβρίου σεπ | οκτώβριος οκτωβρίου οκτ
    | νοέμβριος νοεμβρίου νοε | δεκέμβριος δεκεμβρίου δεκ
Indonesian: januari | februari | maret | april | mei | juni | juli | agustus agt | september | oktober
    | november | desember
"""
"""A line, or two, a language; twelve months, each with its names and abbreviations."""


def without_accents(text: str) -> str:
    """Return text in lower case without accents, which many a feed has lost."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).replace("ı", "i")


MONTHS = {
    without_accents(name): number
    for language in re.split(r"[\w+]+:", NAMES)[1:]
    for number, names in enumerate(language.split("|"), start=1)
    for name in names.split()
}
"""Name without accents -> month, from 1."""


def month_of(name: str) -> int | None:
    """Return the month of a name or an abbreviation, with or without its full stop; None for no month."""
    return MONTHS.get(without_accents(name.removesuffix(".")))
