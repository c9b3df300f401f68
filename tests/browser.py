"""A real browser for tests: Debian's Chromium without a screen, over the DevTools protocol."""

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
#: A new profile that asks nothing of anybody.
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync "
    "--disable-component-update --disable-default-apps --disable-extensions --hide-scrollbars --force-device-scale-factor=1 "
    "--remote-debugging-port=0 --remote-allow-origins=*"
).split()
PATIENCE = 300  # s; ends what hangs, and is not what is tested


class Browser:
    """One Chromium; `tab` opens a page in it."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="fena_chromium_")
        self.process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stderr:
            if "DevTools listening on" in line:
                self.port = int(line.split("ws://")[1].split("/")[0].rpartition(":")[2])
                return
        raise RuntimeError("Chromium did not start")

    def tab(self, **options):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/json/new?about:blank", method="PUT"
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return Tab(json.load(answer)["webSocketDebuggerUrl"], **options)

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)
        self.process.stderr.close()
        shutil.rmtree(self.profile, ignore_errors=True)


class Tab:
    """One page.

    Attributes
    ----------
    requests : list of str
        Addresses that were asked for.
    problems : list of str
        What the console complained of: errors, warnings, exceptions, refusals.
    """

    def __init__(self, address, width=1200, height=900, dark=False, phone=False):
        import websocket

        self.socket = websocket.create_connection(address, timeout=PATIENCE, suppress_origin=True)
        self.number, self.requests, self.problems, self.events = 0, [], [], []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.size(width, height, phone)
        self.media(dark=dark)

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._hear(message)

    def _hear(self, message):
        method, about = message.get("method"), message.get("params", {})
        self.events.append(method)
        if method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and about["type"] in (
            "error",
            "warning",
            "assert",
        ):
            self.problems.append(str([a.get("value", a.get("description")) for a in about["args"]]))
        elif method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")
        elif method == "Page.javascriptDialogOpening":
            self.problems.append(f"dialog: {about['message']}")
            self.number += 1
            self.socket.send(
                json.dumps(
                    {
                        "id": self.number,
                        "method": "Page.handleJavaScriptDialog",
                        "params": {"accept": True},
                    }
                )
            )

    def open(self, address):
        self.events.clear()
        self.call("Page.navigate", url=str(address))
        self.wait("document.readyState === 'complete'")
        return self

    def js(self, expression):
        """The value of an expression; exceptions are raised."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(
                answer["exceptionDetails"].get("exception", {}).get("description", "exception")
            )
        return answer["result"].get("value")

    def wait(self, expression, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not self.js(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.1)

    def size(self, width, height, phone=False):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )

    def media(self, dark=False, kind=""):
        self.call(
            "Emulation.setEmulatedMedia",
            media=kind,
            features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
        )

    def key(self, name, code=0):
        text = {"text": name} if len(name) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=name,
                windowsVirtualKeyCode=code,
                **(text if kind == "keyDown" else {}),
            )

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def place(self, selector):
        """Middle of an element on the screen, after scrolling it there."""
        return self.js(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'center'}}); "
            "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )

    def click(self, selector):
        x, y = self.place(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def choose(self, selector, value):
        """An option of a <select>, as a user would change it."""
        self.js(
            f"(() => {{ const s = document.querySelector({selector!r}); s.value = {value!r}; "
            "s.dispatchEvent(new Event('change', {bubbles: true})); if (s.value !== "
            + repr(value)
            + ") throw Error('no such option'); })()"
        )

    def screenshot(self, path, whole=True):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)[
            "data"
        ]
        path.write_bytes(base64.b64decode(data))

    def pdf(self, path):
        path.write_bytes(
            base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"])
        )

    def close(self):
        self.socket.close()
