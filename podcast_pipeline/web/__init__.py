"""What listeners' apps and readers' browsers talk to: an ASGI app over the store and the database.

    app       create_app: routes and their parts            server    uvicorn on a port
    gate      who asks; decisions of `access` as answers   door      the session cookie
    feeds     /feeds/<token>/…                             lists     /, /archive
    pages     /episodes/<slug> and its files                epub      a transcript as a book; pure
    machines  /robots.txt, /sitemap.xml, /archive.atom, /healthz
    searching /search, and the index that follows what is out
    objects   /public/… of the local store                 editions  the catalog as it is, and its renders
    http      ranges, conditions, gzip                     headers   CORS, CSP and what every answer says
    rendering templates/ and static/                       view, structured   what they show; pure
    log       the access log, without secrets              refusals  404, 403, 429, 503 as a page or a line
    signing_in, account   a mailed link and what it opens  forms, rates   seals on forms; how often
    stopping  /mail/stop/<value>, the link that stops mail

It reads what is published and never imports `publish` or a stage before the stores.
"""
