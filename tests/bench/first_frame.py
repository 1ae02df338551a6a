"""
The first frame in a fresh kernel: a token by client credentials, and one list.

The limit is what nobody can do without: importing pandas, and both answers, asked for
by the standard library. ``python tests/bench/first_frame.py [MILLISECONDS]``, with the
installed package; the practice server takes that long for each answer.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys

ROUNDS = 15
# What a kernel has imported before it runs anything.
KERNEL = """
import base64, json, os, time, urllib.parse, urllib.request
import ipykernel.kernelapp
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance()
told = {key.removeprefix("INTERMEZZO_"): os.environ[key] for key in os.environ}
with open(told["CLIENT_SECRET_FILE"]) as file:
    secret = file.read().strip()
began = time.perf_counter()
"""
LIMIT = """
import pandas
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
def answer(url, data=None, **headers):
    with opener.open(urllib.request.Request(url, data, headers)) as it:
        return json.load(it)
basic = base64.b64encode(f"{told['CLIENT_ID']}:{secret}".encode()).decode()
grant = b"grant_type=client_credentials"
token = answer(told["TOKEN_URL"], grant, Authorization="Basic " + basic)["access_token"]
frame = answer(told["API_URL"] + "/organizations", Authorization="Bearer " + token)
"""
BY_HAND = """
import pandas, requests_oauthlib, oauthlib.oauth2
client = oauthlib.oauth2.BackendApplicationClient(told["CLIENT_ID"])
session = requests_oauthlib.OAuth2Session(client=client)
session.fetch_token(told["TOKEN_URL"], client_secret=secret)
frame = pandas.json_normalize(session.get(told["API_URL"] + "/organizations").json())
"""
OURS = """
import intermezzo_nb
frame = intermezzo_nb.connect().frame("organizations")
"""
TOLD = "\nprint(time.perf_counter() - began, len(frame))"
WAYS = {
    "pandas, token, page": LIMIT,
    "requests-oauthlib, json_normalize": BY_HAND,
    "ours": OURS,
}


def environment(server):
    """Give the variables that the practice server names when it starts."""
    lines = iter(server.stdout.readline, "")
    named = {}
    while "INTERMEZZO_DEMO_URL" not in named:
        if found := re.match(r"export (\w+)=(.*)", next(lines)):
            named[found[1]] = found[2]
    # No discovery, which the limit has not either.
    named["INTERMEZZO_TOKEN_URL"] = named.pop("INTERMEZZO_ISSUER") + "/oauth2/token"
    # The way by hand refuses plain http on loopback, too; ours does not look at that.
    os.environ.update(named, OAUTHLIB_INSECURE_TRANSPORT="1")


def seconds(way):
    run = [sys.executable, "-P", "-c", KERNEL + way + TOLD]
    told = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    spent, rows = told.split()
    assert int(rows) > 0
    return float(spent)


def main():
    latency = sys.argv[1] if len(sys.argv) > 1 else "20"
    sandbox = [sys.executable, "-m", "intermezzo_nb", "sandbox", "--latency", latency]
    with subprocess.Popen(sandbox, stdout=subprocess.PIPE, text=True) as server:
        try:
            environment(server)
            times = {name: [] for name in WAYS}
            for _ in range(ROUNDS):
                for name, way in WAYS.items():
                    times[name].append(seconds(way))
        finally:
            server.terminate()
    limit = times["pandas, token, page"]
    print(f"{'answers take ' + latency + ' ms':<36}{'median':>8}{'of limit':>12}")
    for name, spent in times.items():
        middle = statistics.median(spent)
        # Of each round, so that a slow minute of the machine counts for both.
        ratio = statistics.median(a / b for a, b in zip(spent, limit, strict=True))
        print(f"{name:<36}{middle * 1000:>5.0f} ms{ratio:>12.2f}")
    print(f"{'goal':<44}{1.15:>12.2f}")


if __name__ == "__main__":
    main()
