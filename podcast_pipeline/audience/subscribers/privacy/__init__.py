"""Personal data: the download and audit logs, the data export (subject access request), and retention."""
