// Keyboard, jumps and copying. Everything here also works without it, by links and forms.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (node) => node && (node.isContentEditable || /^(input|textarea|select)$/i.test(node.tagName));

  let timer = 0;
  function say(words) {
    const box = $("#said");
    if (!box) return;
    box.textContent = words;
    clearTimeout(timer);
    timer = setTimeout(() => { box.textContent = ""; }, 2500);
  }

  function step(items, by, show) {
    if (!items.length) return null;
    const at = items.findIndex((item) => item.classList.contains("here"));
    const next = at < 0 ? (by > 0 ? 0 : items.length - 1) : Math.min(Math.max(at + by, 0), items.length - 1);
    for (const item of items) item.classList.remove("here");
    items[next].classList.add("here");
    show(items[next]);
    return items[next];
  }

  const current = () => $(".hit.here") || $(".hit");

  function result(by) {
    step($$(".hit"), by, (item) => {
      item.scrollIntoView({ block: "nearest" });
      const link = $("a.open", item);
      if (link) link.focus({ preventScroll: true });
    });
  }

  function jump(by) {
    const marks = $$("[id^='hit-']", $("#note-text") || document);
    const found = step(marks, by, (item) => {
      item.scrollIntoView({ block: "center" });
      item.focus({ preventScroll: true });
    });
    if (found) say(`Hit ${marks.indexOf(found) + 1} of ${marks.length}`);
  }

  async function copy(anchor) {
    const item = $(`[data-cites~="${anchor}"]`);
    if (!item) return;
    const link = $("a", item).textContent.trim();
    const words = `“${$("blockquote", item).textContent.trim()}”\n${$("cite", item).textContent.trim()}\n${link}`;
    try {
      await navigator.clipboard.writeText(words);
      say("Copied with its citation");
    } catch {
      say("The browser refused to copy: select the citation below the note");
    }
  }

  // A judge's digit grades the current result and goes on to the next.
  function grade(digit) {
    const here = current();
    const button = here && $(`[data-grade="${digit}"]`, here);
    if (!button) return false;
    here.classList.add("here");
    const taken = button.getAttribute("aria-pressed") === "true";
    button.click();
    say(taken ? "Taken back" : `Graded ${digit}`);
    if (!taken) result(1);
    return true;
  }

  // A reviewer's a and r accept and reject the current cell of a cohort's evidence and go on; the
  // first that is nobody's turn yet is where work goes on.
  const cells = () => $$(".verdict");
  const open = (cell) => !$("[aria-pressed='true']", cell);

  function cell(by) {
    const all = cells();
    if (!all.some((each) => each.classList.contains("here")) && by > 0) {
      const at = all.findIndex(open);
      if (at > 0) all[at - 1].classList.add("here");
    }
    return step(all, by, (item) => {
      item.closest("td").scrollIntoView({ block: "nearest", inline: "nearest" });
      $("button", item).focus({ preventScroll: true });
    });
  }

  function verdict(word) {
    const here = $(".verdict.here") || cell(1);
    const button = here && $(`[data-verdict="${word}"]`, here);
    if (!button) return;
    const taken = button.getAttribute("aria-pressed") === "true";
    button.click();
    say(taken ? "Taken back" : `${word}ed`);
    if (!taken) cell(1);
  }

  const keys = {
    "/": () => { const box = $("#q"); if (box) { box.focus(); box.select(); } },
    "?": () => { const help = $("#keys"); if (help && !help.open) help.showModal(); },
    j: () => (cells().length ? cell(1) : result(1)),
    k: () => (cells().length ? cell(-1) : result(-1)),
    a: () => verdict("accept"),
    r: () => verdict("reject"),
    o: () => { const link = current() && $("a.open", current()); if (link) link.click(); },
    e: () => { const more = current() && $(".explain", current()); if (more) more.open = !more.open; },
    w: () => {
      const more = current() && $(".wrong", current());
      if (!more) return;
      more.open = !more.open;
      if (more.open) $("button", more).focus();
    },
    n: () => jump(1),
    p: () => jump(-1),
    c: () => { const here = $("#note-text .here") || $("#note-text [id^='hit-']"); if (here) copy(here.id); },
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if ($("dialog[open]")) return;
    const choice = event.target.closest(".wrong[open]") && $(`[data-wrong="${CSS.escape(event.key)}"]`, event.target.closest(".wrong"));
    if (choice) { event.preventDefault(); choice.click(); return; }
    if (/^[0-3]$/.test(event.key) && grade(event.key)) { event.preventDefault(); return; }
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  document.addEventListener("click", (event) => {
    const jumping = event.target.closest("[data-jump]");
    if (jumping) { event.preventDefault(); jump(jumping.dataset.jump === "n" ? 1 : -1); }
    const copying = event.target.closest("[data-copy]");
    if (copying) copy(copying.dataset.copy);
  });

  // What was pressed is gone from a page that was swapped: go on at its result, or, for a chip, at
  // the count that it led to, which is read out so.
  let pressed = "";
  function goOn() {
    const hit = pressed && document.getElementById(pressed);
    if (hit) hit.classList.add("here");
    const place = (hit && $("a.open", hit)) || $("#count");
    if (place) place.focus({ preventScroll: !hit });
  }
  document.addEventListener("htmx:beforeSwap", () => {
    const hit = document.activeElement.closest(".hit");
    pressed = hit ? hit.id : "";
  });
  // After the settling, which puts classes back as they were sent.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "search" && document.activeElement === document.body) goOn();
  });

  // Facets take the first screen of a phone: closed there until asked for.
  function settle(root) {
    if (matchMedia("(max-width: 52rem)").matches) for (const each of $$(".facet, .fold", root)) each.open = false;
    for (const each of $$(".needs-script", root)) each.hidden = false;
  }
  settle(document);
  document.addEventListener("htmx:afterSwap", (event) => {
    settle(event.target);
    const judged = $("#judged");
    if (judged) judged.textContent = $$("[data-grade][aria-pressed='true']").length;
  });
  document.addEventListener("htmx:responseError", (event) => say(event.detail.xhr.status === 404
    ? "This page of results is not here any more: search again"
    : "That did not work: reload the page and try again"));
  document.addEventListener("htmx:sendError", () => say("The server does not answer"));
})();
