"""How a table of text writes its dates, such as `%d.%m.%Y`. Standard library alone."""

import re

from .wording import listed, shown

# Codes of `strptime` -> the digits that each stands for.
CODES = {
    "%d": r"(?P<day>0?[1-9]|[12]\d|3[01])",
    "%m": r"(?P<month>0?[1-9]|1[0-2])",
    "%Y": r"(?P<year>\d{4})",
    "%y": r"(?P<short_year>\d\d)",
    "%H": r"(?P<hour>[01]?\d|2[0-3])",
    "%M": r"(?P<minute>[0-5]\d)",
    "%S": r"(?P<second>[0-5]\d)",
}
CODE = re.compile("%.?")


def date_format_problem(date_format: str) -> str | None:
    """What is wrong with a format of dates; None where nothing is."""
    codes = CODE.findall(date_format)
    unknown = [code for code in codes if code not in CODES]
    if unknown:
        return f"there is no code `{unknown[0]}` here. There are {listed(CODES)}."
    years = codes.count("%Y") + codes.count("%y")
    once = all(codes.count(code) <= 1 for code in CODES)
    if not once or years != 1 or codes.count("%d") != 1 or codes.count("%m") != 1:
        return (
            "expected a day, a month and a year, each once, such as `%d.%m.%Y` or `%m/%d/%Y`. "
            f"Received {shown(date_format)}."
        )
    if "%H" not in codes and ("%M" in codes or "%S" in codes):
        return "has minutes or seconds, and no hour `%H`."
    return None


def date_pattern(date_format: str) -> str:
    """A regular expression for the cells of a format, with a named group for each part.

    >>> re.match(date_pattern("%d.%m.%Y"), "31.1.2024").groupdict()
    {'day': '31', 'month': '1', 'year': '2024'}
    """
    words = CODE.split(date_format)
    codes = [CODES[code] for code in CODE.findall(date_format)]
    pairs = zip(words, [*codes, ""], strict=True)
    return r"^\s*" + "".join(re.escape(word) + code for word, code in pairs) + r"\s*$"
