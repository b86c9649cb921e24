"""The REST API, /api/v1: what it takes and answers, and its OpenAPI document.

problems    answers that refuse, RFC 9457
models      bodies, queries and answers
operations  the table: method, path, scope, body, answer, and what each one does
openapi     the document of the table
"""
