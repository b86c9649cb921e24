"""Students and teachers: who has an academic mail address pays less.

    domains       which domains are academic, by a list in the package; pure
    links         the link in the mail, which holds the address; pure
    proofs        a proven address, for a year, and its one code
    codes         where codes come from: the newsroom's list, or a service
    stripe_codes  the service of Stripe
    mail          the mail with the link; reminders before a proof ends

Nobody's address is stored for it.
"""
