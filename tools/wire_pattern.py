"""AWS's regular expressions as the steps of a matcher that runs in linear time; most of them are that simple.

A step is one character class with a quantifier. What is not a sequence of those (groups, alternatives, look-ahead) is not
translated, and so not checked by the wire layer.
"""
import re

MAX_STEPS = 48


def translate(pattern):
    """C++ initialisers of PatternStep, or None."""
    # A class that names the whole of Unicode needs no check, and a group around everything means nothing.
    text = pattern.removeprefix("^").removesuffix("$")
    if re.fullmatch(r"\((?:\?:)?[^()]*\)", text):
        text = re.sub(r"^\((?:\?:)?", "", text)[:-1]
    steps, position = [], 0
    while position < len(text):
        parsed = read_class(text, position)
        if not parsed:
            return None
        chars, beyond, position = parsed
        found = re.match(r"[*+?]|\{(\d+)(,?)(\d*)\}", text[position:])
        low, high = 1, 1
        if found:
            position += found.end()
            sign = found.group()
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign, (None, None))
            if sign[0] == "{":
                low = int(found.group(1))
                high = int(found.group(3)) if found.group(3) else None if found.group(2) else low
            if position < len(text) and text[position] in "?+*":
                return None
        copies = [(False, False)] * low
        if high is None:
            copies += [(True, True)]
        else:
            copies += [(True, False)] * (high - low)
        if len(steps) + len(copies) > MAX_STEPS:
            return None
        steps += [(chars, beyond, optional, repeated) for optional, repeated in copies]
    return [initialiser(*step) for step in steps] or None


def initialiser(chars, beyond, optional, repeated):
    low = sum(1 << c for c in chars if c < 64)
    high = sum(1 << (c - 64) for c in chars if c >= 64)
    flags = ", ".join("true" if flag else "false" for flag in (beyond, optional, repeated))
    return f"{{{low}u, {high}u, {flags}}}".replace("u,", "ull,")


WORD = {ord(c) for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"}
DIGIT = set(range(48, 58))
SPACE = {9, 10, 11, 12, 13, 32}
ALL = set(range(128))
ESCAPES = {"w": (WORD, False), "d": (DIGIT, False), "s": (SPACE, False), "S": (ALL - SPACE, True), "W": (ALL - WORD, True),
           "D": (ALL - DIGIT, True)}
LETTER_CLASSES = {"L": ({c for c in WORD if chr(c).isalpha()}, True), "N": (DIGIT, True), "Z": ({32}, True)}


def read_escape(text, position):
    """After a backslash: (characters, beyond ASCII, next position, code point or None)."""
    c = text[position]
    if c in ESCAPES:
        return (*ESCAPES[c], position + 1, None)
    if c == "u" or c == "x":
        digits = 4 if c == "u" else 2
        code = int(text[position + 1:position + 1 + digits], 16)
        return ({code} if code < 128 else set()), code >= 128, position + 1 + digits, code
    found = re.match(r"p\{([LNZ])\}", text[position:])
    if found:
        return (*LETTER_CLASSES[found.group(1)], position + found.end(), None)
    code = {"n": 10, "r": 13, "t": 9}.get(c, ord(c))
    if c.isalnum() and c not in "nrt":
        return None
    return {code}, False, position + 1, code


def read_class(text, position):
    c = text[position]
    if c == "\\":
        parsed = read_escape(text, position + 1)
        return parsed and parsed[:3]
    if c == ".":
        return ALL - {10}, True, position + 1
    if c != "[":
        return None if c in "()|^$*+?{}" else ({ord(c)}, False, position + 1)
    chars, beyond, position = set(), False, position + 1
    negated = text[position:position + 1] == "^"
    position += negated
    previous = None
    while position < len(text) and text[position] != "]":
        if text[position] == "[" or text[position:position + 2] == "&&":
            return None
        is_range = text[position] == "-" and previous is not None and text[position + 1:position + 2] not in ("]", "")
        position += is_range
        if text[position] == "\\":
            parsed = read_escape(text, position + 1)
            if not parsed:
                return None
            some, some_beyond, position, code = parsed
        else:
            code, some, some_beyond = ord(text[position]), {ord(text[position])}, False
            position += 1
        if is_range and code is not None:
            chars |= set(range(previous, min(code, 127) + 1))
            beyond |= code > 127
            previous = None
            continue
        if is_range:  # "a-\w": the hyphen stands for itself
            chars.add(ord("-"))
        chars |= some
        beyond |= some_beyond
        previous = code
    if position >= len(text):
        return None
    if negated:
        return ALL - chars, True, position + 1
    return chars & ALL, beyond, position + 1
