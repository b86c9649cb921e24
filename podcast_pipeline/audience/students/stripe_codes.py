"""Codes that Stripe makes: a promotion code of the newsroom's coupon, good for one checkout."""

from dataclasses import dataclass

from podcast_pipeline.audience.membership.sources.stripe_api import StripeApi


@dataclass(frozen=True)
class StripeCodes:
    """Makes promotion codes; see `codes.PromotionCodes`.

    Attributes:
        coupon: the id of the coupon at Stripe, which says how much is taken off, and for how long.
    """

    api: StripeApi
    coupon: str

    def make(self, *, once: str) -> str:
        """Return a code that takes the coupon off one checkout; raises MembershipError."""
        return self.api.make_promotion_code(coupon=self.coupon, once=once)[1]
