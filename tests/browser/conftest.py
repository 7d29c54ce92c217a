"""A real server on a real embedded database, and the system's Chromium."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from app.cli.serve import listen
from app.web import create_app
from app.wiring import Installation
from indexing.access import Role
from tests.ward import PASSWORD, Ward, build

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync",
]  # fmt: skip
BAD = ("error", "warning")
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def ward(installation: Installation) -> Ward:
    return build(installation)


@pytest.fixture(scope="session")
def site(ward: Ward) -> Iterator[str]:
    """The address of a server that runs in this process."""
    settings = ward.services.settings.model_copy(update={"port": 0})
    listening = listen(settings)
    port = listening.getsockname()[1]
    services = replace(ward.services, settings=settings)
    config = uvicorn.Config(create_app(services), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=20)
    listening.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's browser; the tests are skipped where there is none, and fail in CI."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on this machine, and CI must not skip these tests")
        pytest.skip("needs Chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass(slots=True)
class Visitor:
    """A page whose complaints are kept: a violated policy or a script's error fails the test."""

    page: Page
    site: str
    ward: Ward
    complaints: list[str]

    def sign_in(self, role: Role = Role.CLINICIAN) -> None:
        """Sign in through the form."""
        self.page.goto(f"{self.site}/login")
        if self.page.locator("#tenant").count():
            self.page.fill("#tenant", self.ward.tenant.code)
        self.page.fill("#name", role.value)
        self.page.fill("#password", PASSWORD)
        self.page.click("button.main")
        self.page.get_by_role("button", name="Sign out").wait_for()

    def search(self, words: str) -> None:
        """Search through the form."""
        self.page.goto(f"{self.site}/search")
        self.page.fill("#q", words)
        self.page.press("#q", "Enter")
        self.page.wait_for_selector("#count")


def _failed(request: Request) -> bool:
    """Leaving a page breaks off what it was still loading: that is no failure."""
    return "ERR_ABORTED" not in (request.failure or "")


def _visit(browser: Browser, site: str, ward: Ward, **options: object) -> Iterator[Visitor]:
    context: BrowserContext = browser.new_context(**options)  # type: ignore[arg-type]
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    page = context.new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on(
        "console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda r: complaints.append(r.url) if _failed(r) else None)
    yield Visitor(page, site, ward, complaints)
    context.close()
    assert complaints == []


@pytest.fixture
def visitor(chromium: Browser, site: str, ward: Ward) -> Iterator[Visitor]:
    """Somebody at a desk."""
    yield from _visit(chromium, site, ward, viewport=DESKTOP)


@pytest.fixture
def plain_visitor(chromium: Browser, site: str, ward: Ward) -> Iterator[Visitor]:
    """Somebody whose browser runs no scripts."""
    yield from _visit(chromium, site, ward, viewport=DESKTOP, java_script_enabled=False)


@pytest.fixture(params=["desk-light", "desk-dark", "phone-light", "phone-dark"])
def any_visitor(
    chromium: Browser, site: str, ward: Ward, request: pytest.FixtureRequest
) -> Iterator[Visitor]:
    """Every size and light that we care for."""
    place, light = request.param.split("-")
    size = DESKTOP if place == "desk" else PHONE
    yield from _visit(chromium, site, ward, viewport=size, color_scheme=light)
