"""Connect to a server of the company's CA and to one of another CA, with every client there is, without any option.

Run in a worker. Prints, as JSON, by client whether it trusts each.
"""

import contextlib
import http.server
import json
import os
import shutil
import ssl
import subprocess
import threading
import urllib.request


def serve(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = http.server.ThreadingHTTPServer(("localhost", 0), http.server.SimpleHTTPRequestHandler)
    server.RequestHandlerClass.log_message = lambda *_arguments: None
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"https://localhost:{server.server_port}/"


def of_program(*command):
    def ask(url):
        done = subprocess.run([*command, url], capture_output=True, text=True, env={**os.environ, "HOME": "/tmp"})
        # Git finds no repository there, once it trusts the server.
        if done.returncode and "not found" not in done.stderr:
            raise OSError(done.stderr)

    return ask


def clients():
    yield "urllib", lambda url: urllib.request.urlopen(url).close()
    with contextlib.suppress(ImportError):
        import requests

        yield "requests", requests.get
    with contextlib.suppress(ImportError):
        import httpx

        yield "httpx", httpx.get
    with contextlib.suppress(ImportError):
        import aiohttp, asyncio

        async def get(url):
            async with aiohttp.ClientSession() as session, session.get(url):
                pass

        yield "aiohttp", lambda url: asyncio.run(get(url))
    with contextlib.suppress(ImportError):
        import boto3

        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-central-1"}

        def list_buckets(url):
            import botocore.exceptions

            with contextlib.suppress(botocore.exceptions.ClientError, botocore.parsers.ResponseParserError):
                boto3.client("s3", endpoint_url=url, **keys).list_buckets()

        yield "boto3", list_buckets
    for program in (["curl", "--fail", "--silent", "--show-error"], ["git", "ls-remote"]):
        if shutil.which(program[0]):
            yield program[0], of_program(*program)


os.chdir("/tmp")
found = {}
for name, client in clients():
    found[name] = []
    for certificate in ("/servers/company.pem", "/servers/other.pem"):
        try:
            client(serve(certificate))
            found[name].append(True)
        except Exception as error:
            text = f"{error!r} {error.__cause__!r} {error.__context__!r}".lower()
            if not any(word in text for word in ("certificate", "cert_", "ssl")):
                raise
            found[name].append(False)
print(json.dumps(found))
