"""Background work: what a server does beside answering requests, once, whichever server does it.

    kinds    JobKind: what is run, how often, how it is tried again; pure
    queue    the table `jobs`: add, claim, hand over, finish
    worker   does what is due: the threads of `podcast serve`, and `podcast jobs run`

A new kind of work is one JobKind in `cli/jobs.py`.
"""
