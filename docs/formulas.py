"""Formulas of docstrings, which are plain text such as `rate(t) = a * b^t / 2`, as MathML.

Docstrings are read in a terminal too, so that their formulas are no LaTeX. Browsers draw MathML by
themselves, and screen readers speak it: a page needs no script, no font and no network for it.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from html import escape

BEGIN = re.compile(r"\w+(\([\w, ]*\))? = ")
# Where the words after a formula begin: at the end of a sentence or of its part, at a reference.
END = re.compile(r"(?<=\S)[.;:](?=\s|$)|\s+\((?=[^()]*(?:\b\d{4}\b|`))")
TOKEN = re.compile(r"\s*(<=|>=|[A-Za-z]\w*|\d+(?:\.\d+)?|\S)")
GREEK = {
    "alpha": "\N{GREEK SMALL LETTER ALPHA}",
    "beta": "\N{GREEK SMALL LETTER BETA}",
    "gamma": "\N{GREEK SMALL LETTER GAMMA}",
    "pi": "\N{GREEK SMALL LETTER PI}",
    "sigma": "\N{GREEK SMALL LETTER SIGMA}",
}
MINUS, TIMES, CONVOLVES = "\N{MINUS SIGN}", "\N{DOT OPERATOR}", "\N{ASTERISK OPERATOR}"
TRANSPOSED = "\N{DOWN TACK}"
SIGNS = {
    **{"-": MINUS, "*": TIMES, ".": TIMES, "<=": "≤", ">=": "≥"},
    **{"sum": "\N{N-ARY SUMMATION}", "mod": "mod"},
}
# One that is drawn at the ends of a text too.
SPACE = "\N{NO-BREAK SPACE}"
# Words that are no names.
WORDS = frozenset(
    (
        *("a", "after", "afterwards", "all", "alone", "and", "as", "for", "in", "is", "its"),
        *("number", "of", "on", "or", "over", "product", "that", "the", "then", "where", "with"),
    )
)


def rendered(block: str, names: Collection[str] = ()) -> list[str]:
    """A paragraph in parts: prose as it is, each formula as an HTML element.

    Args:
        names: of arguments, which are shown as they are.

    >>> rendered("Grows linearly:\\nrate(t) = 2 t. Unlike others.", ())[::2]
    ['Grows linearly:', 'Unlike others.']
    """
    found: list[str] = []
    for logical, is_formula in _logical(block.split("\n")):
        if not is_formula:
            found.append(logical)
            continue
        formulas, rest = _divided(" ".join(logical.split()))
        found += [_element(formula, names) for formula in formulas]
        found += [rest] if rest else []
    return found


def _logical(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """The lines, those of a formula together, and those of prose; with which it is."""
    group: list[str] = []
    for line in lines:
        if group and (BEGIN.match(line) or line.startswith("(")):
            yield "\n".join(group), BEGIN.match(group[0]) is not None
            group = []
        group.append(line)
    yield "\n".join(group), BEGIN.match(group[0]) is not None


def _divided(text: str) -> tuple[list[str], str]:
    """The formulas at the beginning of a text, and the words after them."""
    end = END.search(text)
    math, rest = (text[: end.start()], text[end.start() :]) if end else (text, "")
    parts = list(_parts(math))
    count = next((at for at, part in enumerate(parts) if at and not re.search("[=<]", part)), None)
    words = ", ".join(parts[count:]) if count is not None else ""
    return [part.strip() for part in parts[:count]], (words + rest).lstrip(".;: ")


def _parts(text: str) -> Iterator[str]:
    """A text divided at commas that stand in no brackets."""
    depth, start = 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            yield text[start:at]
            start = at + 1
    if text[start:].strip():
        yield text[start:]


def _element(text: str, names: Collection[str]) -> str:
    # A long one scrolls by itself, which the keyboard must reach.
    return (
        '<div class="formula" tabindex="0" role="group" aria-label="formula">'
        f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{mathml(text, names)}'
        "</math></div>"
    )


def mathml(text: str, names: Collection[str] = ()) -> str:
    """A formula as the content of a `math` element.

    >>> mathml("a / (b + 1)")
    '<mfrac><mi>a</mi><mrow><mi>b</mi><mo>+</mo><mn>1</mn></mrow></mfrac>'
    >>> mathml("x_k^2")
    '<msup><msub><mi>x</mi><mi>k</mi></msub><mn>2</mn></msup>'
    """
    return _Reader(text, names).row("")


@dataclass(frozen=True)
class _Operand:
    """A part of a formula: as it is, and inside a fraction or an exponent, without brackets."""

    markup: str
    inner: str


class _Reader:
    """Reads a formula from the left to the right; what it does not know it shows as it is."""

    def __init__(self, text: str, names: Collection[str]):
        self.tokens = [(m[1], m[0] != m[1]) for m in TOKEN.finditer(text)]
        self.names = names
        self.at = 0
        self.after_words = False
        # Where a dot multiplies, the star convolves.
        self.star = CONVOLVES if " . " in text else TIMES

    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def attached(self) -> bool:
        """Whether no space stands before the next token."""
        return self.at < len(self.tokens) and not self.tokens[self.at][1]

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def row(self, closing: str) -> str:
        """All up to a closing bracket, which is taken too."""
        items: list[_Operand] = []
        was_operand = False
        while (token := self.peek()) and token != closing:
            if token == "/" and items:
                self.take()
                fraction = f"<mfrac>{items[-1].inner}{self.operand().inner}</mfrac>"
                items[-1] = _Operand(fraction, fraction)
            elif self.is_word(token):
                items.append(_plain(f"<mtext>{SPACE}{' '.join(self.words())}{SPACE}</mtext>"))
                was_operand = False
            elif re.match(r"\w|\(", token):
                if was_operand:
                    items.append(_plain('<mspace width="0.17em"/>'))
                items.append(self.operand())
                was_operand = True
            else:
                sign = self.star if token == "*" else SIGNS.get(token, token)
                items.append(_plain(f"<mo>{escape(sign)}</mo>"))
                self.take()
                was_operand = False
            self.after_words = False
        if closing and self.peek():
            self.take()
        return "".join(item.markup for item in items)

    def is_word(self, token: str) -> bool:
        """Whether it is a word of a sentence."""
        if (len(token) == 1 and token != "a") or not token.isalpha() or token in self.names:
            return False
        following = self.tokens[self.at + 1 : self.at + 2]
        if token == "a":
            return bool(following) and following[0][1] and following[0][0].isalpha()
        if following and following[0] in (("(", False), ("[", False)):
            return False
        return token in WORDS or (self.after_words and token not in {*GREEK, *SIGNS})

    def words(self) -> Iterator[str]:
        """All words up to the next part of the formula."""
        while self.is_word(self.peek()):
            self.after_words = True
            yield escape(self.take())

    def operand(self) -> _Operand:
        """A name, a number or brackets, with what is attached to it."""
        found = self.atom()
        while token := self.peek():
            if token == "^":
                self.take()
                sign = f"<mo>{MINUS}</mo>" if self.peek() == "-" and self.take() else ""
                power = self.operand().inner
                power = f"<mrow>{sign}{power}</mrow>" if sign else power
                found = _plain(f"<msup>{found.markup}{power}</msup>")
            elif token == "[" and self.attached():
                self.take()
                found = _plain(f"<msub>{found.markup}<mrow>{self.row(']')}</mrow></msub>")
            elif token == "'":
                self.take()
                found = _plain(f"<msup>{found.markup}<mi>{TRANSPOSED}</mi></msup>")
            elif token == "(" and self.attached() and found.markup[-1] == ">":
                found = _plain(f"<mrow>{found.markup}{self.atom().markup}</mrow>")
            else:
                break
        return found

    def atom(self) -> _Operand:
        token = self.take()
        if not token:
            return _plain("<mrow></mrow>")
        if token == "(":
            inner = self.row(")")
            return _Operand(f"<mrow><mo>(</mo>{inner}<mo>)</mo></mrow>", f"<mrow>{inner}</mrow>")
        if token[0].isdigit():
            return _plain(f"<mn>{token}</mn>")
        if self.peek() == "(" and self.attached() and token in ("sqrt", "floor"):
            self.take()
            inner = self.row(")")
            if token == "sqrt":
                return _plain(f"<msqrt>{inner}</msqrt>")
            return _plain(f"<mrow><mo>⌊</mo>{inner}<mo>⌋</mo></mrow>")
        if (
            token.split("_")[0] == "sum"
            and re.match(r"\w|\(", self.peek())
            and not self.is_word(self.peek())
        ):
            # What is summed belongs to it, also above and below a fraction bar.
            return _plain(f"<mrow>{self.named(token)}{self.operand().markup}</mrow>")
        return _plain(self.named(token))

    def named(self, token: str) -> str:
        """A name, with its index."""
        name, _, index = token.partition("_")
        if index and token not in self.names and (len(name) == 1 or name in ("sum", "input")):
            return f"<msub>{_name(name)}<mi>{index}</mi></msub>"
        return _name(token)


def _plain(markup: str) -> _Operand:
    return _Operand(markup, markup)


def _name(token: str) -> str:
    if token in SIGNS:
        return f"<mo>{escape(SIGNS[token])}</mo>"
    return f"<mi>{escape(GREEK.get(token, token))}</mi>"
