"""Opens the reference page in headless Chromium at two widths and in two schemes, and says what a reader would trip over.

Usage: page.py CHROMIUM URL [FOLDER]; pictures go to FOLDER. Prints a line for each finding, and `looked: N`.
"""

import base64
import json
import os
import select
import subprocess
import sys
import tempfile
import time

LOOK = """
(() => {
  const found = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) found.push(`is ${document.documentElement.scrollWidth} px wide`);
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = color => {
    const [r, g, b] = channels(color).slice(0, 3).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor, parts = channels(color);
      if (parts.length < 4 || parts[3] > 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const pale = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    texts += 1;
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) pale.add(`${element.tagName}.${element.className}`);
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < 11.5) found.push(`text of ${size} px in ${element.tagName}`);
  }
  for (const name of pale) found.push(`too little contrast in ${name}`);
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  if (new Set(ids).size !== ids.length) found.push('an id is used twice');
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(link.getAttribute('href').slice(1))) found.push(`${link.href} leads nowhere`);
  const nav = document.querySelector('nav').getBoundingClientRect(), main = document.querySelector('main').getBoundingClientRect();
  if (width > 1000 && nav.right > main.left + 1) found.push('contents and text overlap');
  return {found, texts, ground: getComputedStyle(document.body).backgroundColor};
})()
"""


class Browser:
    """Chromium, spoken to over two pipes."""

    def __init__(self, program, folder):
        ours, theirs = os.pipe(), os.pipe()
        command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                   "--no-first-run", "--disable-background-networking", f"--user-data-dir={folder}", "about:blank"]
        shell = f'exec "$@" 3<&{theirs[0]} 4>&{ours[1]}'
        self.process = subprocess.Popen(["bash", "-c", shell, "bash", *command], pass_fds=[theirs[0], ours[1]],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs[0])
        os.close(ours[1])
        self.input, self.output, self.number, self.left, self.events = ours[0], theirs[1], 0, b"", []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self.session = None
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]

    def read(self, seconds):
        end = time.monotonic() + seconds
        while b"\0" not in self.left:
            if not select.select([self.input], [], [], max(0, end - time.monotonic()))[0]:
                return None
            data = os.read(self.input, 1 << 16)
            if not data:
                raise SystemExit("the browser ended")
            self.left += data
        message, self.left = self.left.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read(60)
            if answer is None:
                raise SystemExit(f"{method} was not answered")
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.events):
            event = self.read(60)
            if event is None:
                raise SystemExit(f"{method} did not come")
            self.events.append(event)

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit(json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    def key(self, name):
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=9)

    def close(self):
        self.process.terminate()
        self.process.wait()


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


def picture(browser, path):
    data = browser.call("Page.captureScreenshot", captureBeyondViewport=True,
                        clip={"x": 0, "y": 0, "scale": 1, "width": browser.evaluate("innerWidth"), "height": 4000})
    with open(path, "wb") as file:
        file.write(base64.b64decode(data["data"]))


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
