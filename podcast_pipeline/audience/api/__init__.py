"""What programs of other sites may do with subscribers: keys, what they are for, and repeated requests.

keys      made, shown once, found, revoked
people    subscribers and events, looked up and in pages
requests  those with an Idempotency-Key
"""
