"""Memberships of other sites: what they say of a person's subscription, and what follows from it.

    facts          Membership: what a site says of one subscription, and when it ends; pure
    sources        the sites: signatures, events, APIs
    events         stores events, and applies them by a background job
    entitlements   applies one observation to one entitlement
    reconcile      compares whole lists with what is known

`web/routes/hooks.py` receives events, and `cli/membership.py` opens the sites of a show.
"""
