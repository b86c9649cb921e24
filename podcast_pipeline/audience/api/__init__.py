"""What programs of other sites may do with subscribers: keys, what they are for, and repeated requests.

keys  made, shown once, found, revoked
"""
