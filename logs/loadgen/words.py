"""Text with a natural spread of words: a few in every sentence, most of them rare. Knows no Django."""

from __future__ import annotations

import random
from itertools import accumulate

_COMMON_TEXT = """
the of and to a in is that for it as with on be this are by an or from at not have was which you can we will if
please summarize explain customer order invoice refund account update error request answer table function return
value list write model question document contract meeting report price number data time user support product
"""
_COMMON = _COMMON_TEXT.split()
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu", "xen", "tor")
_OTHER_SCRIPTS = (
    "请总结一下这份合同的主要条款",
    "退款需要多长时间",
    "ما هي حالة طلبي",
    "Сколько стоит доставка",
    "返金の手続きを教えてください",
)
_VOCABULARY = 20_000
_OTHER_SCRIPT_SHARE = 0.03


def _word(rank: int) -> str:
    """The word of that rank in the vocabulary; the rarer, the longer."""
    if rank < len(_COMMON):
        return _COMMON[rank]
    text, number = "", rank
    while number:
        number, digit = divmod(number, len(_SYLLABLES))
        text += _SYLLABLES[digit]
    return text


_WORDS = [_word(rank) for rank in range(_VOCABULARY)]
_WEIGHTS = list(accumulate(1 / (rank + 2) for rank in range(_VOCABULARY)))  # Zipf's law


def text(chance: random.Random, size: int) -> str:
    """Words of about ``size`` bytes; a few of the texts are in another script than Latin."""
    if chance.random() < _OTHER_SCRIPT_SHARE:
        sentence = chance.choice(_OTHER_SCRIPTS)
        return " ".join([sentence] * max(1, size // len(sentence.encode())))
    return " ".join(chance.choices(_WORDS, cum_weights=_WEIGHTS, k=max(1, size // 6)))
