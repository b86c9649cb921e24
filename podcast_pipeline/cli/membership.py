"""The membership sites of a show: each is there where its secrets are in the environment."""

from typing import TYPE_CHECKING

from podcast_pipeline.errors import ConfigError

if TYPE_CHECKING:
    from podcast_pipeline.audience.membership.events import MembershipEvents
    from podcast_pipeline.audience.membership.sources.events import MembershipSource
    from podcast_pipeline.audience.membership.sources.stripe_api import Stripe
    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.config import Config


def open_sources(config: "Config") -> dict[str, "MembershipSource"]:
    """Return the sources by name.

    Raises:
        ConfigError: a secret is none, or one of two is missing.
    """
    from podcast_pipeline.audience.membership.sources.generic import GenericHook
    from podcast_pipeline.audience.membership.sources.memberful import Memberful

    sources: list[MembershipSource] = []
    if stripe := open_stripe(config):
        sources.append(stripe)
    if config.hook_secret:
        sources.append(GenericHook(config.hook_secret.get_secret_value(), config.plan_ids))
    if config.memberful_secret:
        titles = {plan.title: plan.id for plan in config.all_plans}
        sources.append(Memberful(config.memberful_secret.get_secret_value(), titles))
    return {source.name: source for source in sources}


def open_stripe(config: "Config") -> "Stripe | None":
    """Return Stripe; None without its secrets.

    Raises:
        ConfigError: one of the two secrets is missing.
    """
    from podcast_pipeline.audience.membership.sources.stripe_api import Stripe, StripeApi

    key, secret = config.stripe_key, config.stripe_webhook_secret
    if key is None and secret is None:
        return None
    if key is None or secret is None:
        missing = "PODCAST_STRIPE_KEY" if key is None else "PODCAST_STRIPE_WEBHOOK_SECRET"
        raise ConfigError(missing, "is not set, and the other one is; see docs/reference/hooks.md#stripe")
    prices = {plan.stripe_price: plan.id for plan in config.all_plans if plan.stripe_price}
    return Stripe(StripeApi(key.get_secret_value()), secret.get_secret_value(), prices)


def open_events(config: "Config", subscribers: "Subscribers") -> "MembershipEvents":
    """Return the stored events of the show; ConfigError as for `open_sources`."""
    from podcast_pipeline.audience.membership.events import MembershipEvents

    return MembershipEvents(subscribers, open_sources(config), grace_days=config.membership.grace_days)
