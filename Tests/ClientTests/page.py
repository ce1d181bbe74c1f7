"""Opens the reference page in headless Chromium at two widths and in two schemes, and says what a reader would trip over.

Usage: page.py CHROMIUM URL [FOLDER]; pictures go to FOLDER. Prints a line for each finding, and `looked: N`.
"""

import sys
import tempfile

from browser import LOOK, Browser, picture


OVERLAP = """
innerWidth > 1000 && document.querySelector('nav').getBoundingClientRect().right
  > document.querySelector('main').getBoundingClientRect().left + 1
"""


def look(browser, url, width, scheme, folder):
    browser.events.clear()
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.call("Page.navigate", url=url)
    browser.wait_for("Page.loadEventFired")
    found = []
    for event in browser.events:
        parameters = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            asked = parameters["request"]["url"]
            if not asked.startswith((url.rsplit("/", 1)[0], "data:")):
                found.append(f"asks {asked}")
        if event.get("method") == "Network.responseReceived" and parameters["response"]["status"] >= 400:
            found.append(f"{parameters['response']['url']} answers {parameters['response']['status']}")
        if event.get("method") == "Log.entryAdded":
            found.append(parameters["entry"]["text"])
    if folder:
        picture(browser, f"{folder}/{width}-{scheme}-closed.png")
    for opened in (False, True):
        if opened:
            browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        result = browser.evaluate(LOOK)
        found += result["found"]
        if browser.evaluate(OVERLAP):
            found.append("contents and text overlap")
        if result["texts"] < 100:
            found.append("shows next to nothing")
        light = int(result["ground"].split("(")[1].split(",")[0]) > 127
        if light != (scheme == "light"):
            found.append(f"is {result['ground']} in the {scheme} scheme")
    browser.evaluate("scrollTo(0, 0)")
    browser.key("Tab")
    if browser.evaluate("document.activeElement.className") != "skip":
        found.append("the first Tab does not reach the skip link")
    if browser.evaluate("document.activeElement.getBoundingClientRect().left") < 0:
        found.append("the skip link is not to be seen when it has the focus")
    if folder:
        picture(browser, f"{folder}/{width}-{scheme}.png")
    return [f"{width} px, {scheme}: {text}" for text in dict.fromkeys(found)]


def main():
    program, url = sys.argv[1:3]
    folder = sys.argv[3] if len(sys.argv) > 3 else None
    looked = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(program, profile)
        try:
            for domain in ("Page", "Network", "Log", "Runtime"):
                browser.call(f"{domain}.enable")
            for width in (390, 1440):
                for scheme in ("light", "dark"):
                    for line in look(browser, url, width, scheme, folder):
                        print(line)
                    looked += 1
        finally:
            browser.close()
    print(f"looked: {looked}")


main()
