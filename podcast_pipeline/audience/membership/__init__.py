"""Memberships of other sites, in `facts`: what a site says of a subscription, and when it ends; pure."""
