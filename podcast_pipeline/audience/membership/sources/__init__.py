"""Membership sites that send events to `/hooks/<source>`: Stripe, Memberful, and any by a signed hook.

    events        SourceEvent, and the protocol of a source
    signatures    HMACs of raw bodies, compared in constant time
    payloads      untrusted JSON: objects, ids, instants
    generic       Standard Webhooks of any site
    stripe        Stripe's events and subscriptions; pure
    stripe_api    reads subscriptions, opens checkout and portal
    memberful     Memberful's events

An event of Stripe only says that something changed: the facts come from its API. A site without an API has
them in its events.
"""
