"""The docs hold what the code has."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    code = "".join(
        path.read_text()
        for path in [*ROOT.glob("portkey_logs/**/*.py"), *ROOT.glob("logs/**/*.py"), ROOT / "manage.py"]
    )
    read = {
        name
        for name in re.findall(r'"((?:PORTKEY_LOGS|PORTKEY|DATABASE)_[A-Z_]+)"', code)
        if not name.endswith("_FILE")
    }
    documented = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE))
    assert read == documented


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_answer_to_where_does_it_live_is_a_file() -> None:
    page = (ROOT / "docs/development.md").read_text()
    files = re.findall(r"^\| [^|`]+\? \| `([^`]+)` \|$", page, re.MULTILINE)
    assert len(files) >= 25
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_every_room_has_its_rule() -> None:
    page = (ROOT / "docs/development.md").read_text()
    rooms = [path.parent for path in [*ROOT.glob("logs/*/__init__.py"), *ROOT.glob("portkey_logs/*/__init__.py")]]
    plumbing = {"logs/management", "logs/migrations", "logs/templatetags"}
    names = {str(room.relative_to(ROOT)) for room in rooms} - plumbing
    assert {name for name in names if f"| `{name}` |" not in page} == set()
