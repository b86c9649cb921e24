"""Students and teachers: who has an academic mail address pays less.

domains    which domains are academic; pure
"""
