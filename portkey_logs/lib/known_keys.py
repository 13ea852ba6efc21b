"""Secrets that are known by their look, wherever they stand: keys of well-known makes, webhooks, database URLs.

Every pattern is linear in the length of the text: what may repeat is bounded, possessive, or begins where no other
match can.
"""

from __future__ import annotations

import re

# By their first letters, ours first; then 16 characters or more. Those of several makes with one beginning
# (sk-ant-, sk-or-, sk-proj-) are one entry.
_PREFIXED = (
    "plk_|sk[-_]|pk[-_]|rk[-_]|xai-|gsk_|nvapi-|csk-|tgp_v1_|tgp_|jina_|pplx-|r8_|pcsk_|tvly-|lsv2_[ps][tk]_|vck_"
    "|gh[oprsu]_|github_pat_|gl(?:pat|dt|rt|rtr|ptt|soat|ft|imt|agent|cbt|oas)-|pypi-|dckr_[po]at_|xox[a-z]-|xapp-|whsec_|shp(?:at|ca|pa|ss)_|do[opr]_v1_"
    "|hv[sbr]\\.|sntry[su]_|glc_|glsa_|lin_api_|figd_|AT[AC]TT3|ATBB|AGE-SECRET-KEY-1|ya29\\."
    "|ntn_|esecret_|sq0[a-z]{3}-|HRKU-|phx_|fm[12]_|fo1_|rnd_|vc[pkia]_|sb_secret_|sbp_|PMAK-|NRA[KL]-"
    "|ops_eyJ|e2b_|bb_live_|dp\\.[a-z]{2,5}\\."
)
_CHARACTER = r"[A-Za-z0-9_\-]"
_KEYS = (
    # A pass of ours has its time and signature behind colons.
    r"plk_pass_[A-Za-z0-9_\-=]{16,}(?::[A-Za-z0-9_\-]+){0,2}",
    rf"(?:{_PREFIXED}){_CHARACTER}{{16,}}",
    # Ordinary words begin like these: some have 20 letters and digits in a row, one has a digit soon.
    "fw_[A-Za-z0-9]{20,}",
    "(?:npm|hf)_[A-Za-z0-9]{20,}",  # not "npm_configured_but_disabled", nor "hf_hub_download"
    rf"pa-(?=[A-Za-z_\-]{{0,40}}[0-9]){_CHARACTER}{{20,}}",
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    r"AIza[A-Za-z0-9_\-]{30,}",
    rf"SG\.{_CHARACTER}{{16,}}\.{_CHARACTER}{{16,}}",
    # Those without a beginning of their own have a length, of hexadecimal digits or with a mark in the middle.
    "(?:key-|fc-|pul-|dapi|SK)[0-9a-f]{32,40}",
    "secret_[A-Za-z0-9]{40,}",
    r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{30,}",  # bots of Telegram
    r"[MNO][A-Za-z0-9]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,}",  # bots of Discord
    r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9]{40,}",
    # A first part ends where another could begin: text full of beginnings would else be read from each of them.
    r"eyJ(?:[A-Za-z0-9]|[_\-](?!eyJ)){10,}+\.[A-Za-z0-9_\-]{10,}(?:\.[A-Za-z0-9_\-]*)?",
)
_KEY = re.compile(
    rf"(?<![A-Za-z0-9])(?:{'|'.join(_KEYS)})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.S,
)
# Each of the above has one of these.
_MAY_BE_KEY = re.compile(
    r"[-_]|eyJ|A[KSBC][IC]A|AIza|SG\.|ya29|hv[sbr]\.|AT[AC]TT|ATBB|dapi|SK|dp\.|:AA|\.[\w-]{6}\.|\.atlas"
)

# Whoever has the address of a webhook may write to it: all behind these beginnings is the secret.
_WEBHOOK = re.compile(
    r"((?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)"
    r"|discord(?:app)?\.com/api/(?:v[0-9]{1,3}/)?webhooks"
    r"|webhook\.office(?:365)?\.com/webhook(?:b[0-9]{1,2})?"
    r"|outlook\.office(?:365)?\.com/webhook(?:b[0-9]{1,2})?"
    r"|(?:logic\.azure|powerplatform|powerautomate)\.com(?::[0-9]{1,5})?/(?:powerautomate/)?[a-z/]{0,40}workflows"
    r"|hooks\.zapier\.com/hooks/[a-z]{1,20}|hook\.[a-z0-9]{2,4}\.make\.com|open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v[0-9]/hook"
    r"|events\.pagerduty\.com/integration|maker\.ifttt\.com/trigger|api\.telegram\.org/(?=bot))/?)"
    r"([^\s\"'<>\\]+)",
    re.I,
)
_MAY_BE_WEBHOOK = re.compile(r"hooks?[./]|webhook|workflows|maker\.ifttt|api\.telegram|pagerduty|/hook", re.I)

_USERINFO = re.compile(r"(?<=://)([^/?#\s]*)@")
# The other ways to write a database's address: "host=db password=…", "Server=…;Pwd=…;", "AccountKey=…".
_ASSIGNED = re.compile(
    r"(?<![A-Za-z0-9])((?:password|passwd|pwd|accountkey|sharedaccesskey)[ ]?=[ ]?)('[^']*'|[^\s;&'\"]+)", re.I
)

STARS = "*" * 8
_KEPT = 5
# Below this length the kept characters would be half of the value or more.
_MIN_LENGTH = 2 * _KEPT + 2


def mask(value: str) -> str:
    """``value`` made unreadable: "sk-1234567890abc" -> "sk********abc".

    Too short a value becomes asterisks only, because five of its characters would
    give most of it away.
    """
    if len(value) < _MIN_LENGTH:
        return STARS
    return f"{value[:2]}{STARS}{value[-3:]}"


def mask_known(text: str) -> str:
    """``text`` with everything masked that is known by its look."""
    if "://" in text and "@" in text:
        text = _USERINFO.sub(lambda match: _mask_userinfo(match[1]) + "@", text)
    if "/" in text and _MAY_BE_WEBHOOK.search(text):
        text = _WEBHOOK.sub(lambda match: match[1] + mask(match[2]), text)
    if "=" in text:
        text = _ASSIGNED.sub(lambda match: match[1] + _mask_once(match[2]), text)
    return _KEY.sub(lambda match: mask(match[0]), text) if _MAY_BE_KEY.search(text) else text


def _mask_once(value: str) -> str:
    return value if STARS in value else mask(value)


def _mask_userinfo(userinfo: str) -> str:
    user, colon, password = userinfo.partition(":")
    return f"{user}:{mask(password)}" if colon else mask(user)
