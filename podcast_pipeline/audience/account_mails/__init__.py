"""Mails about a subscription: the welcome with the private link, and what a person is told of a change.

    templates    subject, text and HTML of a mail, from a template that the newsroom may replace
    queue        who is still to get which mail; a claim before the mail server gets it
    send         the mails that are due, paced, none twice

Whatever adds or changes a subscriber knows of no mail.
"""
