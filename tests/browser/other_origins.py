"""What another site, another name and another user of this machine get of the page: nothing."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager

from e2e.checks import Checks

from .environment import Environment

# A page of an attacker who has even learnt the token: it tries to read, to act, and to show the page inside itself.
ATTACK = """<!doctype html><title>attack</title><iframe id="frame" src="http://127.0.0.1:{port}/"></iframe><script>
window.tried = (async () => {{
  const results = [];
  const attempt = async (name, path, options) => {{
    try {{ results.push([name, (await fetch(`http://127.0.0.1:{port}${{path}}`, options)).type]); }}
    catch (error) {{ results.push([name, "failed"]); }}
  }};
  const start = JSON.stringify({{do: "start", instance: "{instance}", hold_minutes: 60, reason: "stolen"}});
  await attempt("read", "/api/page", {{headers: {{"X-Spillway-Token": "{token}"}}}});
  await attempt("act", "/api/preview", {{method: "POST", body: start, headers: {{"X-Spillway-Token": "{token}", "Content-Type": "application/json"}}}});
  await attempt("act as a form", "/api/preview", {{method: "POST", body: start, mode: "no-cors"}});
  return results;
}})();
</script>"""


@contextmanager
def site(html: str):
    """A site on another port of this machine, which is another origin."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802  the library's name
            body = html.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()


def run(browser, system: Environment, checks: Checks) -> None:
    context = browser.new_context()
    page = context.new_page()
    # The browser is told that the attacker's name is this machine: DNS rebinding, without a DNS.
    reply = page.goto(f"http://evil.example:{system.port}/")
    checks.that("a foreign host name that resolves to this machine is refused, and gets no page",
                reply.status == 421 and "<html" not in reply.text(), f"{reply.status}: {reply.text()[:80]}")
    reply = page.goto(f"http://evil.example:{system.port}/#{system.token}")
    checks.that("the token does not help it", reply is None or reply.status == 421, reply)

    page.goto(f"http://127.0.0.1:{system.port}/")
    page.wait_for_selector("#notices p")
    checks.that("without the token the page says how to open it, and shows nothing",
                "without its token" in page.inner_text("#notices") and not page.is_visible("#content"),
                page.inner_text("#notices"))

    instance = system.fleet.overflow[0]
    attack = ATTACK.format(port=system.port, token=system.token, instance=instance.id)
    with site(attack) as url:
        page.goto(url)
        results = page.evaluate("() => window.tried")
        checks.that("another site can neither read nor act, even with the token",
                    all(result in ("failed", "opaque") for _, result in results), results)
        frame = next((frame for frame in page.frames if frame.parent_frame), None)
        inside = frame.evaluate("() => document.body?.innerText ?? ''") if frame else ""
        checks.that("another site cannot show the page inside itself", "Spillway" not in inside, inside[:80])
    checks.that("none of it started anything", system.state(instance.name) == "stopped", system.state(instance.name))
    checks.that("none of it left anything in the ledger", not system.items("STATE|HOLD#"), system.items("STATE|HOLD#"))
    context.close()
