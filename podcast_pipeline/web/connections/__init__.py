"""Connections of the web server: none holds it up, and a proxy in front reads the same requests.

limits      descriptors, the number of connections, log lines once a minute
protocol    uvicorn's HTTP protocol with a deadline for every request, and strict framing
"""
