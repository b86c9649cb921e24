"""The routes of the web site, one module for each group of URLs."""
