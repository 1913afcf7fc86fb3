"""Language tags of containers and file names, as BCP 47 has them."""

import re

# ISO 639-2 (both its codes where there are two) to ISO 639-1: https://www.loc.gov/standards/iso639-2/php/code_list.php
_CODES = """
aar:aa abk:ab afr:af aka:ak alb:sq amh:am ara:ar arg:an arm:hy asm:as ava:av ave:ae aym:ay aze:az bak:ba bam:bm
baq:eu bel:be ben:bn bih:bh bis:bi bod:bo bos:bs bre:br bul:bg bur:my cat:ca ces:cs cha:ch che:ce chi:zh chu:cu
chv:cv cor:kw cos:co cre:cr cym:cy cze:cs dan:da deu:de div:dv dut:nl dzo:dz ell:el eng:en epo:eo est:et eus:eu
ewe:ee fao:fo fas:fa fij:fj fin:fi fra:fr fre:fr fry:fy ful:ff geo:ka ger:de gla:gd gle:ga glg:gl glv:gv gre:el
grn:gn guj:gu hat:ht hau:ha heb:he her:hz hin:hi hmo:ho hrv:hr hun:hu hye:hy ibo:ig ice:is ido:io iii:ii iku:iu
ile:ie ina:ia ind:id ipk:ik isl:is ita:it jav:jv jpn:ja kal:kl kan:kn kas:ks kat:ka kau:kr kaz:kk khm:km kik:ki
kin:rw kir:ky kom:kv kon:kg kor:ko kua:kj kur:ku lao:lo lat:la lav:lv lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg
mac:mk mah:mh mal:ml mao:mi mar:mr may:ms mkd:mk mlg:mg mlt:mt mon:mn mri:mi msa:ms mya:my nau:na nav:nv nbl:nr
nde:nd ndo:ng nep:ne nld:nl nno:nn nob:nb nor:no nya:ny oci:oc oji:oj ori:or orm:om oss:os pan:pa per:fa pli:pi
pol:pl por:pt pus:ps que:qu roh:rm ron:ro rum:ro run:rn rus:ru sag:sg san:sa sin:si slk:sk slo:sk slv:sl sme:se
smo:sm sna:sn snd:sd som:so sot:st spa:es sqi:sq srd:sc srp:sr ssw:ss sun:su swa:sw swe:sv tah:ty tam:ta tat:tt
tel:te tgk:tg tgl:tl tha:th tib:bo tir:ti ton:to tsn:tn tso:ts tuk:tk tur:tr twi:tw uig:ug ukr:uk urd:ur uzb:uz
ven:ve vie:vi vol:vo wel:cy wln:wa wol:wo xho:xh yid:yi yor:yo zha:za zho:zh zul:zu
"""
_TWO_LETTERS = dict(pair.split(":") for pair in _CODES.split())
_KNOWN = frozenset(_TWO_LETTERS.values())
# Mandarin, Cantonese and Filipino are languages of their own in ISO 639-3 that file names use.
_LONGER = frozenset({"cmn", "yue", "fil"})
_UNKNOWN = frozenset({"und", "mul", "zxx", "mis"})
_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


def language_tag(name: str | None) -> str | None:
    """Give the BCP 47 tag for a language as a container or a file name has it, or None where it names none.

    ``eng`` becomes ``en``, ``chi`` and ``zho`` become ``zh``, ``PT_br`` becomes ``pt-BR``; ``und`` is None.
    Source: RFC 5646, sections 2.1.1 (case) and 2.2.1 (the shortest code is the tag).
    """
    if name is None or not _TAG.fullmatch(name):
        return None
    primary, *parts = re.split("[-_]", name)
    primary = _TWO_LETTERS.get(primary.lower(), primary.lower())
    if primary in _UNKNOWN or primary not in _KNOWN | _LONGER:
        return None
    return "-".join([primary, *(_cased(part) for part in parts)])


def _cased(subtag: str) -> str:
    """Write a subtag as is usual: ``Hans`` for a script, ``CN`` for a region, small letters for the rest."""
    if len(subtag) == 4 and subtag.isalpha():
        return subtag.title()
    return subtag.upper() if len(subtag) == 2 else subtag.lower()
