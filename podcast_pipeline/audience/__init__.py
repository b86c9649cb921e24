"""The audience: the database, subscribers and their access, mail and notifications."""
