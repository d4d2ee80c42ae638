#!/usr/bin/env python3
"""Answers in place of the upstreams of feeds, with the recorded payloads of tests/it/wire.

Prints its address and answers until it is killed. What is not recorded is empty, as upstreams say it.
"""

import http.server
import pathlib
import re
import urllib.parse

WIRE = pathlib.Path(__file__).resolve().parent.parent / "tests" / "it" / "wire"
EMPTY = b'{"data": []}'

# What the path and query of a request hold, and the payload that answers it; the first that fits.
ANSWERS = [
    (r"^/v1/region_events/search\?region=CAISO&.*start=2021-07-0.*&page=1", "carbonara_search.json"),
    (r"^/v1/region_events/search\?region=CAISO&.*start=2021-07-0.*&page=2", "carbonara_search_page2.json"),
    (r"^/v1/region_events/search\?", "carbonara_search_empty.json"),
    (r"^/intensity/factors$", "uk_factors.json"),
    (r"^/intensity/[^/]+/fw48h$", "uk_intensity_fw48h.json"),
    (r"^/intensity/2025-01-(0.|1[0-5])T[^/]+/2025-01-(1[6-9]|2.)T", "uk_intensity_date.json"),
    (r"^/generation/2025-01-(0.|1[0-5])T[^/]+/2025-01-(1[6-9]|2.)T", "full/uk_generation_20250115.json"),
    (r"^/(intensity|generation)/", None),
    (r"^/public/csv/rtfuelmix/20250201rtfuelmix_csv.zip$", "nyiso_rtfuelmix_csv.zip"),
    (r"^/v1/accounts/A-00000000/", "octopus_account.json"),
    (r"/standing-charges/", "octopus_standing_charges.json"),
    (r"/E-1R-AGILE-SAMPLE-25-C/standard-unit-rates/", "octopus_rates.json"),
    (r"/E-1R-VAR-SAMPLE-24-C/standard-unit-rates/", "octopus_rates_flexible.json"),
    (r"/meters/21X0000001/consumption/\?.*period_from=2025", "octopus_consumption.json"),
    (r"/consumption/", "octopus_consumption_empty.json"),
]


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked = urllib.parse.unquote(self.path)
        for pattern, name in ANSWERS:
            if re.search(pattern, asked):
                return self.answer(200, (WIRE / name).read_bytes() if name else EMPTY)
        return self.answer(404, b'{"detail": "Not found."}')

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
