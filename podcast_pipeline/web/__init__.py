"""The web site: an ASGI app over the store and the database, for browsers and podcast apps.

    app             create_app: the routes and middleware   server          uvicorn on a port
    authorization   calls `access.decide`                   session_cookie  the session cookie
    csrf            CSRF tokens of forms                    rate_limit      rate limits by network
    catalog_cache   the published catalog and its feeds     error_pages     403, 404, 410, 429, 503
    byte_ranges     byte ranges, conditional requests       templating      templates/ and static/
    content_coding  brotli and gzip                         threads         threads that read the database
    view, json_ld   values for templates; pure              epub            transcripts as EPUB; pure
    version_changes a version beside the one before it

    connections/    deadlines and limits of connections    middleware/     headers (CORS, CSP), access_log
    routes/
      lists         /, /archive
      episodes      /episodes/<slug> and its files
      feeds         /feeds/<token>/…                        add_to_app      /feeds/<token>/add
      search        /search, and updates of the index
      signin        /signin…                                account         /account…
      oidc          /signin/account…                        students        /students…
      unsubscribe   /mail/stop/<value>
      crawlers      /robots.txt, /sitemap.xml, /archive.atom, /healthz
      files         /public/… of the local store

The package reads the published catalog and objects; it never imports `pipeline` or an earlier step.
"""
