"""Goes through the console in headless Chromium as people would: with clicks and keys, as finance, auditor and operator.

Usage: console.py CHROMIUM URL FACTS [FOLDER]; FACTS is JSON: tokens by role, an account, one of its runs, their numbers;
pictures go to FOLDER. Prints a line for each finding, and `looked: N`, the number of pages at a width in a scheme.
"""

import io
import json
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import axe_core_python
import reconciliation
from browser import LOOK, Browser, picture

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
AXE_RUN = """
axe.run(document, {resultTypes: ['violations']}).then(result => result.violations.map(
  v => `${v.impact}: ${v.id}: ${v.help} at ${v.nodes.map(n => n.target.join(' ')).slice(0, 4).join(', ')}`
).concat(result.passes.length < 10 ? [`axe had ${result.passes.length} things to look at`] : []))
"""


class Visit:
    """Somebody at the browser."""

    def __init__(self, browser, url, folder):
        self.browser, self.url, self.folder, self.found, self.looked = browser, url, folder, [], 0

    def expect(self, holds, text):
        if not holds:
            self.found.append(text)

    def go(self, path):
        self.browser.events.clear()
        self.browser.call("Page.navigate", url=self.url + path)
        self.browser.wait_for("Page.loadEventFired")

    def click(self, selector):
        """Clicks where an element is, with the mouse, and waits for the page that it leads to."""
        box = self.place(selector)
        self.browser.events.clear()
        self.press_mouse(box)
        self.browser.wait_for("Page.loadEventFired")

    def press_mouse(self, box):
        for kind in ("mousePressed", "mouseReleased"):
            self.browser.call("Input.dispatchMouseEvent", type=kind, x=box["x"], y=box["y"], button="left", clickCount=1)

    def place(self, selector):
        box = self.browser.evaluate(
            f"(e => {{ if (!e) return null; e.scrollIntoView({{block: 'center'}}); const r = e.getClientRects()[0];"
            f" return {{x: r.left + r.width / 2, y: r.top + r.height / 2}} }})(document.querySelector({json.dumps(selector)}))")
        if box is None:
            raise RuntimeError(f"{selector} is not on {self.path()}")
        return box

    def press(self, key, code=0):
        for kind in ("rawKeyDown", "keyUp"):
            self.browser.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def type(self, selector, text):
        self.browser.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.browser.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        self.browser.call("Input.insertText", text=text)

    def text(self, selector):
        return self.browser.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''").strip()

    def download(self, selector):
        """Clicks on what gives a file; its name and its bytes."""
        with tempfile.TemporaryDirectory() as folder:
            self.browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)
            self.press_mouse(self.place(selector))
            for _ in range(200):
                files = [file for file in Path(folder).iterdir() if not file.name.endswith(".crdownload")]
                if files:
                    return files[0].name, files[0].read_bytes()
                time.sleep(0.05)
        raise RuntimeError(f"{selector} on {self.path()} gives no file")

    def settle(self):
        """Waits while the page says that something is being read; it looks again by itself."""
        for _ in range(60):
            if not self.browser.evaluate("!!document.querySelector('[data-again]')"):
                return
            self.browser.events.clear()
            self.browser.wait_for("Page.loadEventFired")

    def path(self):
        return self.browser.evaluate("location.pathname + location.search")

    def sign_in(self, token):
        self.type("#token", token)
        self.click(".sign-in button")

    def sign_out(self):
        self.click("form.who button")

    def look(self, name, path):
        """Looks at a page on a phone and on a desk, light and dark, and lets axe look."""
        for width in (390, 1440):
            for scheme in ("light", "dark"):
                self.browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
                                  mobile=False)
                self.browser.call("Emulation.setEmulatedMedia",
                                  features=[{"name": "prefers-color-scheme", "value": scheme}])
                self.go(path)
                note = f"{name}, {width} px, {scheme}: "
                self.notice_requests(note, is_refused=name == "denied")
                if self.folder:
                    picture(self.browser, f"{self.folder}/{name}-{width}-{scheme}.png")
                self.browser.evaluate("document.querySelectorAll('details').forEach((d, i) => d.open = i < 6)")
                result = self.browser.evaluate(LOOK)
                self.found += [note + text for text in result["found"]]
                light = int(result["ground"].split("(")[1].split(",")[0]) > 127
                self.expect(light == (scheme == "light"), note + "is " + result["ground"])
                self.browser.evaluate(AXE)
                self.found += [note + text for text in self.browser.evaluate(AXE_RUN)]
                self.looked += 1
        self.browser.call("Emulation.clearDeviceMetricsOverride")

    def notice_requests(self, note, is_refused):
        for event in self.browser.events:
            parameters = event.get("params", {})
            if event.get("method") == "Network.requestWillBeSent":
                asked = parameters["request"]["url"]
                self.expect(asked.startswith((self.url + "/console", "data:")), note + f"asks {asked}")
            if event.get("method") == "Log.entryAdded" and not is_refused:
                self.found.append(note + parameters["entry"]["text"])


def strangers(visit, facts):
    visit.look("sign-in", "/console/sign-in")
    visit.go("/console/accounts?q=x")
    visit.expect(visit.path().startswith("/console/sign-in?next="), "a stranger sees " + visit.path())
    visit.sign_in("rl_admin_" + "0" * 43)
    visit.expect("not an operator's" in visit.text("[role=alert]"), "a wrong token is not said to be wrong")
    visit.sign_in("  " + facts["tokens"]["finance"] + " ")
    visit.expect(visit.path() == "/console/accounts?q=x", "signing in leads to " + visit.path())


def finance(visit, facts):
    visit.click("header .brand")
    visit.expect(visit.text("h1") == "Overview", "the brand does not lead to the overview")
    visit.expect(visit.text("#revenue").startswith(facts["revenue"]), "revenue is " + visit.text("#revenue"))
    visit.expect(visit.text("#refused") == facts["refused"], "refused are " + visit.text("#refused"))
    visit.look("overview", "/console")
    visit.click("nav a[href='/console/accounts']")
    visit.press("/", 191)
    visit.browser.call("Input.insertText", text=facts["account"][:13])
    visit.browser.events.clear()
    visit.press("Enter", 13)
    visit.browser.call("Input.dispatchKeyEvent", type="char", text="\r")
    visit.browser.wait_for("Page.loadEventFired")
    visit.expect(visit.text("tbody tr th code") == facts["account"], "the search finds " + visit.text("main"))
    visit.look("accounts", "/console/accounts")
    visit.go("/console/accounts?q=" + facts["account"][:13])
    visit.click("tbody tr th a")
    visit.expect(visit.text("#balance-now") == facts["balance"], "the balance is " + visit.text("#balance-now"))
    visit.expect(visit.browser.evaluate("document.querySelectorAll('.timeline b, main script').length") == 0,
                 "a reference is taken for HTML")
    visit.look("account", "/console/accounts/" + facts["account"])
    replay(visit, facts)
    visit.go("/console/accounts")
    visit.type("#q", facts["run"])
    visit.click(".search button")
    visit.expect(visit.path() == f"/console/accounts/{facts['account']}/runs/{facts['run']}", "a run is at " + visit.path())
    visit.expect(visit.text("#status") == "succeeded", "the run is " + visit.text("#status"))
    visit.expect(visit.text("#charged") == "1", "the run cost " + visit.text("#charged"))
    types = visit.browser.evaluate("[...document.querySelectorAll('.timeline .type')].map(e => e.innerText)")
    visit.expect(types == facts["runEvents"], f"the run's events are {types}")
    visit.expect("Download the receipt" in visit.text("#receipt"), "the run's receipt is " + visit.text(".receipt"))
    name, receipt = visit.download("#receipt")
    visit.expect(name == facts["run"] + ".tlog-proof" and receipt.startswith(b"c2sp.org/tlog-proof@v1"),
                 f"the receipt {name} is no proof")
    visit.look("run", visit.path())
    reconciliation.decide(visit, facts)
    reports(visit, facts)
    exports(visit)
    visit.look("models", "/console/models")
    verification(visit, facts)
    visit.expect(not visit.browser.evaluate("!!document.querySelector('nav a[href=\"/console/log\"]')"),
                 "finance is offered the operators' log")
    visit.look("denied", "/console/log")
    visit.expect(visit.text("h1") == "Not for your role", "finance sees the operators' log")
    visit.sign_out()
    visit.expect(visit.path() == "/console/sign-in", "signing out leads to " + visit.path())
    visit.go("/console")
    visit.expect(visit.text("h1") == "Sign in", "who has signed out sees " + visit.text("h1"))


def reports(visit, facts):
    """Reads every report, sorts one, says what a credit is worth, and takes the figures along."""
    visit.click("nav a[href='/console/reports']")
    visit.look("reports", visit.path())
    visit.click(".tile a[href='/console/reports/revenue']")
    visit.settle()
    visit.expect(visit.text("#total-revenue") == facts["revenue"], "revenue is " + visit.text("#total-revenue"))
    visit.expect(visit.text("#total-margin") == "\u2013", "without a price the margin is " + visit.text("#total-margin"))
    visit.type("#price", "0.5")
    visit.browser.evaluate("document.querySelector('#by').value = 'detail'")
    visit.click(".filters button")
    visit.expect(visit.text("#total-margin").startswith("$"), "at 0.5 the margin is " + visit.text("#total-margin"))
    name, csv = visit.download("a[download]")
    csv = csv.decode()
    visit.expect(name.startswith("revenue-20") and name.endswith(".csv"), "the file of the report is " + name)
    head = "day,model,tier,provider,runs,free,revenue,absorbed,cost_usd,margin_usd\n"
    visit.expect(csv.startswith(head) and csv.splitlines()[-1].startswith("all,-,-,-,4,1,3.000000,"), "CSV is " + csv)
    visit.look("report-detail", visit.path())
    visit.click(".report thead a[href*='sort=revenue.revenue']")
    visit.expect(visit.browser.evaluate("document.querySelector('[aria-sort]').ariaSort") == "descending", "not sorted")
    visit.click(".report thead a[href*='sort=revenue.revenue']")
    visit.expect(visit.browser.evaluate("document.querySelector('[aria-sort]').ariaSort") == "ascending", "not turned")
    visit.click(".presets a")
    visit.expect("until=" in visit.path() and "price=0.5" in visit.path(), "a preset leads to " + visit.path())
    visit.go("/console/reports/revenue?from=2026-02-30")
    visit.expect("from: a day such as 2026-01-31" in visit.text("main"), "no day is " + visit.text("main"))
    visit.look("report-revenue", "/console/reports/revenue?price=0.5")
    visit.look("report-empty", "/console/reports/losses?from=1999-01-01&until=1999-02-01")
    for name, title in facts["reports"].items():
        visit.go("/console/reports/" + name)
        visit.settle()
        visit.expect(visit.text("h1") == title, f"the report {name} is " + visit.text("h1"))
        visit.expect(not visit.text("[role=alert]"), f"{name}: " + visit.text("[role=alert]"))
    for name in ("liabilities", "balances", "trial-balance", "months"):
        visit.look("report-" + name, "/console/reports/" + name)


def exports(visit):
    visit.click("nav a[href='/console/exports']")
    visit.expect(visit.browser.evaluate("document.querySelectorAll('.export').length") == 5, "not every export is offered")
    visit.look("exports", visit.path())
    name, archive = visit.download("form[action$='postings.zip'] button")
    names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    visit.expect("-postings-20" in name and names[-1] == "manifest.json", f"the export {name} has {names}")
    visit.type("#price", "free")
    visit.click("form:has(#price) button")
    visit.expect("price: what a credit is worth" in visit.text("main"), "a wrong price is " + visit.text("main"))


def verification(visit, facts):
    """Reads what was checked, and checks a journal and an account."""
    visit.go("/console/verification")
    visit.expect("Nothing bad was found" in visit.text(".verdict"), "verification says " + visit.text(".verdict"))
    visit.expect(len(visit.text("#root")) == 44, "the ledger's root is " + visit.text("#root"))
    visit.expect("witness.example/w1" in visit.text("main"), "no witness is named")
    visit.look("verification", "/console/verification")
    visit.click("tbody a[href*='chain?of=']")
    visit.expect(visit.text("h1").startswith("Journal "), "a journal's chain is " + visit.text("h1"))
    visit.type("#of", facts["account"])
    visit.click(".filters button")
    visit.expect("The whole chain holds." in visit.text(".verdict"), "an account's chain is " + visit.text(".verdict"))
    visit.go(visit.path() + "&from=2&to=3")
    visit.expect("Events 2 to 3 hold together." in visit.text(".verdict"), "a part is " + visit.text(".verdict"))
    visit.look("chain", visit.path())
    visit.click(".next a")
    visit.expect("from=4" in visit.path(), "it goes on with " + visit.path())
    visit.go("/console/verification/chain?of=nobody")
    visit.expect("of: the whole id of an account" in visit.text("main"), "nobody's chain is " + visit.text("main"))


def replay(visit, facts):
    """Goes through an account's life: by keys on the slider, step by step, by time, and without any script."""
    address = "/console/accounts/" + facts["account"]
    visit.go(address)
    visit.browser.evaluate("document.querySelector('#second').focus()")
    visit.press("Home", 36)
    visit.expect(visit.text("output[for=second]").startswith("20"), "the slider says " + visit.text("output[for=second]"))
    visit.expect(visit.browser.evaluate("document.querySelector('#time').value") ==
                 visit.text("output[for=second]").replace(" ", "T"), "the field of time does not follow the slider")
    visit.click("form:has(#second) button")
    visit.expect(visit.text("#then-sequence") == facts["inFirstSecond"],
                 "in its first second there were " + visit.text("#then-sequence"))
    # What was in its pots and grants is of then, not of now.
    visit.go(f"{address}?at={facts['added']}")
    visit.settle()
    visit.expect("50 of 50" in visit.text("#standing"), "then its pots had " + visit.text("#standing"))
    visit.expect("No grant." in visit.text("#standing"), "then its grants were " + visit.text("#standing"))
    visit.look("account-past", visit.path())
    visit.go(address)
    visit.expect("47 of 50" in visit.text("#standing"), "now its pots have " + visit.text("#standing"))
    visit.expect("1 of 2 runs used" in visit.text("#standing"), "now its grants are " + visit.text("#standing"))
    visit.type("#at", "1")
    visit.click("form:has(#at) button")
    visit.expect((visit.text("#then-sequence"), visit.text("#then-balance")) == ("1", "0"),
                 "after event 1 it is " + visit.text(".then"))
    visit.expect(visit.browser.evaluate("document.querySelectorAll('.timeline > li').length") == 1, "more than one event by then")
    visit.click("[aria-label='One event on']")
    visit.expect(visit.text("#then-sequence") == "2", "a step leads to " + visit.text("#then-sequence"))
    visit.browser.evaluate("document.querySelector('#time').value = '2099-01-01T00:00:00'")
    visit.click("form:has(#time) button")
    visit.expect(visit.text("#then-balance") == facts["balance"], "at last it is " + visit.text(".then"))
    visit.go(address + "?time=1999-01-01T00:00")
    visit.expect("Nothing had happened by then" in visit.text(".note"), "before the account there is " + visit.text(".note"))
    visit.go(address + "?at=0")
    visit.expect("a whole number from 1 to" in visit.text("main"), "event 0 is " + visit.text("main"))
    visit.browser.call("Emulation.setScriptExecutionDisabled", value=True)
    visit.go(address + "?at=2")
    visit.type("#at", "1")
    visit.click("form:has(#at) button")
    visit.expect(visit.text("#then-sequence") == "1", "without a script the form leads to " + visit.path())
    visit.browser.call("Emulation.setScriptExecutionDisabled", value=False)


def others(visit, facts):
    visit.go("/console/sign-in")
    visit.sign_in(facts["tokens"]["auditor"])
    visit.click("nav a[href='/console/log']")
    visit.expect("operator.added" in visit.text("table"), "the operators' log says " + visit.text("main"))
    visit.look("log", "/console/log")
    reconciliation.only_look(visit)
    visit.sign_out()
    visit.sign_in(facts["tokens"]["operator"])
    visit.expect(visit.text("#revenue") == "" and visit.text("#refused") == facts["refused"], "an operator sees revenue")
    reconciliation.not_for_support(visit)
    run = f"/console/accounts/{facts['account']}/runs/{facts['run']}"
    visit.go(run)
    visit.expect("A receipt proves" in visit.text(".receipt") and not visit.text("#receipt"), "an operator takes a receipt")
    for path in (run + "/receipt", "/console/reports", "/console/reports/revenue", "/console/reports/revenue/revenue.csv", "/console/exports",
                 "/console/exports/postings.zip"):
        visit.go(path)
        visit.expect(visit.text("h1") == "Not for your role", f"an operator sees {path}")
    visit.sign_out()


def main():
    program, url, facts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            for domain in ("Page", "Network", "Log", "Runtime"):
                browser.call(f"{domain}.enable")
            visit = Visit(browser, url, sys.argv[4] if len(sys.argv) > 4 else None)
            strangers(visit, facts)
            finance(visit, facts)
            others(visit, facts)
        finally:
            browser.close()
    for line in dict.fromkeys(visit.found):
        print(line)
    print(f"looked: {visit.looked}")


main()
