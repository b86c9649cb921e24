"""Who pays and what they get: the database, subscribers, and mail to them."""
