"""A browser that is driven as a person would, over the DevTools protocol (https://chromedevtools.github.io/)."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.browser import QUIET_BROWSER

# A camera and a microphone that are not there, which the page may use without asking.
_MADE_UP_DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
# The browser reads commands from 3 and writes to 4, each message ended by a zero byte.
_WITH_PIPES = 'exec "${@:3}" 3<&"$1" 4>&"$2"'
_KEYS = {"Tab": 9, "Enter": 13, " ": 32}
_WITHIN_S = 60.0


class DrivenBrowser:
    """A browser with one page, which is opened, looked at and used.

    Attributes:
        complaints: what the browser said of the page: errors of scripts, files that were not there, what the content
            security policy has blocked.
    """

    def __init__(self, program: str, folder: Path) -> None:
        self.complaints: list[str] = []
        self._profile = folder / "driven"
        commands, self._commands = os.pipe()
        self._messages, messages = os.pipe()
        options = (*QUIET_BROWSER, *_MADE_UP_DEVICES, "--remote-debugging-pipe", f"--user-data-dir={self._profile}")
        shell = ["bash", "-c", _WITH_PIPES, "bash", str(commands), str(messages)]
        self._process = subprocess.Popen(
            [*shell, program, *options], pass_fds=(commands, messages), stderr=subprocess.DEVNULL
        )
        os.close(commands)
        os.close(messages)
        self._unread = b""
        self._sent = 0
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._commands)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._messages)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._sent:
            self._note(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str, width: int = 1280, *, dark: bool = False, still: bool = False) -> None:
        """Open a page in a window of a width in pixels."""
        self.resize(width, 900)
        wanted = {"prefers-color-scheme": "dark" if dark else "light"}
        wanted["prefers-reduced-motion"] = "reduce" if still else "no-preference"
        features = [{"name": name, "value": value} for name, value in wanted.items()]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def run(self, script: str) -> Any:
        """Give the value of an expression, in the page."""
        got = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in got, got["exceptionDetails"]
        return got["result"].get("value")

    def wait(self, script: str) -> None:
        """Wait until an expression is true in the page."""
        self.wait_for(lambda: self.run(f"Boolean({script})"), script)

    def wait_for(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        until = time.monotonic() + _WITHIN_S
        while not is_so():
            assert time.monotonic() < until, f"{what} did not come true; complaints: {self.complaints}"
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        """Give the text of an element as it is shown."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def click(self, selector: str) -> None:
        """Click an element as soon as it can be seen and is not disabled."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"{element}?.checkVisibility() && !{element}.disabled")
        self.run("window.reached = false")
        self.run(f"{element}.addEventListener('click', () => (reached = true), {{capture: true, once: true}})")

        def reached() -> bool:
            self.run(f"{element}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
            x, y = self._centre(selector)
            for kind in ("mousePressed", "mouseReleased"):
                self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
            return bool(self.run("reached"))

        # What is drawn meanwhile may push the element away from under the mouse.
        self.wait_for(reached, f"a click on {selector}")

    def choose(self, selector: str, file: Path) -> None:
        """Choose a file in a field."""
        found = self.call("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")
        identity = found["result"]["objectId"]
        self.call("DOM.setFileInputFiles", files=[str(file)], objectId=identity)

    def drop(self, selector: str, file: Path) -> None:
        """Drag a file onto an element and let it go."""
        x, y = self._centre(selector)
        data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def press(self, key: str) -> None:
        """Press a key of the keyboard."""
        pressed = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"Enter": "\r", " ": " "}.get(key)
        self.call("Input.dispatchKeyEvent", type="keyDown", **pressed, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self.call("Input.insertText", text=text)

    def spoken(self) -> list[tuple[str, str]]:
        """Give role and name of all that a screen reader knows of."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]

    def screenshot(self, picture: Path, width: int) -> None:
        """Save a picture of the whole page."""
        self.resize(width, 900)
        height = self.run("document.documentElement.scrollHeight")
        self.resize(width, height)
        shot = self.call("Page.captureScreenshot", format="png")
        picture.write_bytes(base64.b64decode(shot["data"]))

    def _centre(self, selector: str) -> tuple[float, float]:
        script = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()"
        box = self.run(script)
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            more = os.read(self._messages, 1 << 16)
            assert more, "the browser has ended"
            self._unread += more
        message, self._unread = self._unread.split(b"\0", 1)
        parsed: dict[str, Any] = json.loads(message)
        return parsed

    def _note(self, event: dict[str, Any]) -> None:
        if event["method"] == "Runtime.exceptionThrown":
            self.complaints.append(str(event["params"]["exceptionDetails"]))
        if event["method"] == "Log.entryAdded":
            entry = event["params"]["entry"]
            self.complaints.append(f"{entry['text']} {entry.get('url', '')}")
