"""The plans of show.toml: two without a table, more by [[plans]], and one line for each mistake."""

from pathlib import Path

import pytest

from podcast_pipeline.config import Config, load_config
from podcast_pipeline.errors import ConfigError
from tests.support.paths import ROOT

MONTHLY = """
[[plans]]
id = "monthly"
title = "Every month"
period = "monthly"
price = 6.5
currency = "EUR"
stripe_price = "price_1"
"""


def loaded(folder: Path, more: str = "", **environment: str) -> Config:
    (folder / "show.toml").write_text((ROOT / "show.toml").read_text(encoding="utf-8") + more)
    return load_config(folder, environment)


def test_standard_and_student_need_no_table(tmp_path: Path) -> None:
    """They are there, the student's for students; a payment that fails has seven days."""
    config = loaded(tmp_path)
    assert [(plan.id, plan.audience) for plan in config.all_plans] == [
        ("standard", "everybody"),
        ("student", "students"),
    ]
    assert config.membership.grace_days == 7


def test_own_plans_come_beside_them(tmp_path: Path) -> None:
    """A table with the id of one of them replaces it."""
    own = '[[plans]]\nid = "student"\ntitle = "Half price"\naudience = "students"\n'
    config = loaded(tmp_path, MONTHLY + own, PODCAST_MEMBERSHIP_GRACE_DAYS="0")
    assert config.plan_ids == ("standard", "monthly", "student")
    assert [plan.title for plan in config.all_plans] == ["Standard", "Every month", "Half price"]
    monthly = config.all_plans[1]
    assert (monthly.period, monthly.price, monthly.currency, monthly.stripe_price) == (
        "monthly",
        6.5,
        "EUR",
        "price_1",
    )
    assert config.membership.grace_days == 0


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ('[plans]\nid = "a"', "[plans]: is a list of tables; write [[plans]] above each"),
        (MONTHLY + MONTHLY, "[plans]: has id monthly twice; leave one of them"),
        (
            MONTHLY + MONTHLY.replace("monthly", "yearly"),
            "[plans]: has stripe_price price_1 twice; leave one of them",
        ),
        (
            MONTHLY.replace('currency = "EUR"', ""),
            '[plans.0]: has one of price and currency; write both, like price = 60 and currency = "EUR"',
        ),
        (MONTHLY.replace("6.5", "6.505"), "[plans.0]: has a price of 6.505; write at most two decimals"),
        (
            MONTHLY.replace('"monthly"\ntitle', '"A B"\ntitle'),
            "[plans.0.id]: is 'A B'; write it like monthly",
        ),
        (MONTHLY.replace("EUR", "euro"), "[plans.0.currency]: is 'euro'; write it like EUR"),
        (MONTHLY.replace("title", "titel"), "[plans.0.titel]: unknown key; did you mean title?"),
        (MONTHLY.replace('title = "Every month"', ""), "[plans.0.title]: is missing; add it"),
        (
            "[membership]\ngrace_days = -1",
            "[membership.grace_days]: is less than 0; write 0 or more",
        ),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path: Path, more: str, line: str) -> None:
    """Each mistake names the key, and what to write."""
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, more)
    assert str(refused.value) == f"{tmp_path / 'show.toml'} {line}"
