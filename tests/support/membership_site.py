"""A model of a membership site: random lives of subscriptions, the events they make, and the truth.

The truth is kept beside the site, from what happened, and never read from its API.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.support.fake_stripe import INTERVALS, FakeStripe

GRACE = timedelta(days=7)
PRICES = ("price_month", "price_month", "price_year")
GIVES_UP = timedelta(days=15)
"""After how long the site ends a subscription that nobody pays for."""


@dataclass
class Life:
    """What happened to one subscription.

    Attributes:
        paid_until: the end of the last period that was paid for.
        renews: whether the site goes on to ask for money.
        ended_at: a refund, a dispute, or an end at once; None while nothing of it holds.
    """

    subscription: str
    email: str
    paid_until: datetime
    renews: bool = True
    ended_at: datetime | None = None
    is_disputed: bool = False
    has_moved: bool = False

    def is_active(self, at: datetime) -> bool:
        """Return whether it gives access."""
        end = self.paid_until + (GRACE if self.renews else timedelta())
        return at < min(end, self.ended_at or end)


@dataclass
class MembershipSite:
    """Lives on an account of the fake Stripe, moved on day by day."""

    chance: random.Random
    account: FakeStripe = field(default_factory=FakeStripe)
    lives: list[Life] = field(default_factory=list)

    def day(self, joins: float) -> None:
        """Let a day pass: some join, those whose period is over renew, and things happen to others.

        Args:
            joins: how many join on average.
        """
        self.account.now += timedelta(days=1)
        for _ in range(int(joins) + (self.chance.random() < joins % 1)):
            self._join()
        for life in self.lives:
            if self.account.subscriptions[life.subscription]["status"] != "canceled":
                self._live(life)

    def truth(self, at: datetime) -> dict[str, bool]:
        """Return who is active at an instant, by address."""
        people: dict[str, bool] = {}
        for life in self.lives:
            people[life.email] = people.get(life.email, False) or life.is_active(at)
        return people

    def _join(self) -> None:
        account, chance, pays = self.account, self.chance, self.chance.random() < 0.95
        again = [life for life in self.lives if not life.has_moved and not life.is_active(account.now)]
        is_back = bool(again) and chance.random() < 0.1
        email = chance.choice(again).email if is_back else f"reader{len(self.lives)}@example.org"
        price = chance.choice(PRICES)
        subscription = account.subscribe(email, price, pays=pays)
        until = account.now + INTERVALS[price.removeprefix("price_")] if pays else account.now
        self.lives.append(Life(subscription, email, until, renews=pays, has_moved=is_back))
        if is_back:
            for life in self.lives:
                life.has_moved |= life.email == email  # of two subscriptions none moves the address

    def _live(self, life: Life) -> None:
        now, chance, state = self.account.now, self.chance, self._state(life)
        if state["status"] == "incomplete":
            return
        if now.timestamp() >= state["current_period_end"]:
            self._end_period(life, state)
        elif state["status"] == "past_due":
            self._pay_or_give_up(life, state)
        elif chance.random() < 0.02 and not state["cancel_at_period_end"]:
            self._happen(life)

    def _end_period(self, life: Life, state: dict[str, Any]) -> None:
        if state["cancel_at_period_end"]:
            self.account.end(life.subscription)
            return
        pays = self.chance.random() < 0.85 or life.ended_at is not None
        self.account.renew(life.subscription, pays=pays)
        if pays:
            self._paid(life)

    def _pay_or_give_up(self, life: Life, state: dict[str, Any]) -> None:
        if self.chance.random() < 0.1:
            self.account.pay_late(life.subscription)
            self._paid(life)
        elif self.account.now.timestamp() - state["current_period_start"] > GIVES_UP.total_seconds():
            self.account.cancel(life.subscription, at_once=True)
            life.renews = False

    def _paid(self, life: Life) -> None:
        life.paid_until = datetime.fromtimestamp(
            self._state(life)["current_period_end"], self.account.now.tzinfo
        )
        life.ended_at, life.is_disputed = None, False

    def _happen(self, life: Life) -> None:
        what = self.chance.choice(("cancel", "cancel", "end", "refund", "dispute", "move"))
        if life.ended_at is not None:
            if life.is_disputed:
                self.account.win_dispute(life.subscription)
                life.ended_at, life.is_disputed = None, False
            return
        if what == "cancel":
            self.account.cancel(life.subscription)
            life.renews = False
        elif what == "end":
            self.account.cancel(life.subscription, at_once=True)
            life.ended_at, life.renews = self.account.now, False
        elif what == "refund":
            self.account.refund(life.subscription)
            life.ended_at = self.account.now
        elif what == "dispute":
            self.account.dispute(life.subscription)
            life.ended_at, life.is_disputed = self.account.now, True
        elif not life.has_moved:
            life.email, life.has_moved = f"moved.{life.email}", True
            self.account.change_email(life.subscription, life.email)

    def _state(self, life: Life) -> dict[str, Any]:
        return self.account.subscriptions[life.subscription]
