"""Names of the days of the week at the beginning of a date, in the languages that many feeds have."""

from podcast_pipeline.feed.untrusted.month_names import without_accents

NAMES = """
English: monday mon | tuesday tues tue | wednesday wed | thursday thurs thur thu | friday fri | saturday sat
    | sunday sun
German: montag mo | dienstag di | mittwoch mi | donnerstag do | freitag fr | samstag sonnabend sa | sonntag so
French: lundi lun | mardi mar | mercredi mer | jeudi jeu | vendredi ven | samedi sam | dimanche dim di
Spanish: lunes | martes | miércoles mié | jueves jue | viernes vie | sábado sáb | domingo dom do
Portuguese: segunda seg | terça ter | quarta qua | quinta qui | sexta sex | sábado | domingo
Italian: lunedì | martedì | mercoledì | giovedì gio | venerdì | sabato sab | domenica
Dutch: maandag ma | dinsdag | woensdag wo | donderdag | vrijdag vr | zaterdag za | zondag zo
Czech: pondělí po | úterý út | středa st | čtvrtek čt | pátek pá | sobota so | neděle ne
"""
"""A line, or two, a language; seven days, each with its names and abbreviations."""


def _days() -> dict[str, frozenset[int]]:
    days: dict[str, frozenset[int]] = {}
    for line in NAMES.replace("\n    |", " |").strip().splitlines():
        for number, names in enumerate(line.partition(":")[2].split("|")):
            for name in map(without_accents, names.split()):
                days[name] = days.get(name, frozenset()) | {number}
    return days


DAYS_OF_WEEK = _days()
"""Name without accents -> the days that it can mean, 0 for Monday: “do” is German or Spanish."""
