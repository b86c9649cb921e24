"""The tables of show.toml about subscriptions: [[plans]] and [membership]."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from podcast_pipeline.config.fields import Currency, PlanId, StripePrice
from podcast_pipeline.model import FrozenModel, Period, SingleLineStr


class PlanTable(FrozenModel):
    """[[plans]]: a plan that people subscribe to; `standard` and `student` are there without a table."""

    id: PlanId
    """Its name in commands, files and the database; never changed while somebody has it."""
    title: SingleLineStr
    """Its name for people: `"Monthly"`."""
    period: Period = "yearly"
    """How often it is paid."""
    price: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """What pages say that a period costs, with `currency`."""
    currency: Currency | None = None
    """The currency of `price`: `"EUR"`."""
    stripe_price: StripePrice | None = None
    """Id of the price in Stripe, `price_…`; by it a subscription is recognised, and sold."""
    audience: Literal["everybody", "students"] = "everybody"
    """`students`: only for an address that is proven to be a student's or a teacher's."""

    @model_validator(mode="after")
    def _price_in_a_currency(self) -> Self:
        if (self.price is None) != (self.currency is None):
            raise ValueError(
                'has one of price and currency; write both, like price = 60 and currency = "EUR"'
            )
        if self.price is not None and round(self.price, 2) != self.price:
            raise ValueError(f"has a price of {self.price}; write at most two decimals")
        return self


class MembershipTable(FrozenModel):
    """[membership]: subscriptions that a membership site tells of."""

    grace_days: Annotated[int, Field(ge=0, le=90)] = 7
    """Days for which a subscription stays active after its period, while a failed payment is tried again."""


STANDARD_PLANS = (
    PlanTable(id="standard", title="Standard"),
    PlanTable(id="student", title="Student", audience="students"),
)
"""The plans of every show; a table with the same id replaces one."""


def _with_ids_once(plans: tuple[PlanTable, ...]) -> tuple[PlanTable, ...]:
    for key in ("id", "stripe_price"):
        values = [value for plan in plans if (value := getattr(plan, key))]
        if again := next((value for value in values if values.count(value) > 1), None):
            raise ValueError(f"has {key} {again} twice; leave one of them")
    return plans


Plans = Annotated[tuple[PlanTable, ...], AfterValidator(_with_ids_once)]


def all_plans(tables: tuple[PlanTable, ...]) -> tuple[PlanTable, ...]:
    """Return the plans of a show: those of every show, and its own."""
    own = {plan.id for plan in tables}
    return (*(plan for plan in STANDARD_PLANS if plan.id not in own), *tables)
