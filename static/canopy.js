// What the dashboard does better with script. Every function works without it: this file only enhances.
// Hooks are data- attributes, so that templates say what they want and the content policy can forbid inline script.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const on = (type, handler, capture) => document.addEventListener(type, handler, capture);
  root.classList.add("js");

  // Colours: kept in a cookie, so that the server draws the next page right, and in localStorage for other tabs.
  const setTheme = (theme) => {
    root.dataset.theme = theme;
    all("[data-theme-form] button").forEach((b) => b.setAttribute("aria-pressed", String(b.value === theme)));
  };
  on("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-theme-form]") || !event.submitter) return;
    event.preventDefault();
    const theme = event.submitter.value;
    document.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax`;
    try { localStorage.setItem("theme", theme); } catch { /* storage may be off: the cookie is enough */ }
    setTheme(theme);
  });
  addEventListener("storage", (event) => { if (event.key === "theme" && event.newValue) setTheme(event.newValue); });

  // Copy: <button data-copy="text">; the button says that it did.
  on("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const label = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      const said = label?.textContent;
      if (label) label.textContent = "Copied";
      button.querySelector("use")?.setAttribute("href", "/static/icons.svg#check");
      announce("Copied");
      setTimeout(() => {
        if (label) label.textContent = said;
        button.querySelector("use")?.setAttribute("href", "/static/icons.svg#copy");
      }, 1600);
    } catch { announce("Could not copy. Select the text and copy it by hand."); }
  });
  let live;
  const announce = (text) => {
    if (!live) {
      live = Object.assign(document.createElement("div"), { className: "sr" });
      live.setAttribute("role", "status");
      document.body.append(live);
    }
    live.textContent = text;
  };

  // Download of a secret shown once: <button data-download="name.txt" data-text="...">.
  on("click", (event) => {
    const button = event.target.closest("[data-download]");
    if (!button) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([button.dataset.text + "\n"], { type: "text/plain" }));
    link.download = button.dataset.download;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  // Selecting rows: [data-select-all] in the head, .pick checkboxes in the body, [data-count] in the bulk bar.
  const countRows = (form) => {
    const boxes = all("tbody .pick input", form);
    const picked = boxes.filter((box) => box.checked).length;
    const head = form.querySelector("[data-select-all]");
    if (head) { head.checked = picked > 0 && picked === boxes.length; head.indeterminate = picked > 0 && picked < boxes.length; }
    all("[data-count]", form).forEach((place) => { place.textContent = picked === 1 ? "1 selected" : `${picked} selected`; });
  };
  let lastPicked;
  on("change", (event) => {
    const box = event.target;
    const form = box.form;
    if (!form || box.type !== "checkbox" || !(box.closest(".pick"))) return;
    if (box.matches("[data-select-all]")) all("tbody .pick input", form).forEach((row) => { row.checked = box.checked; });
    countRows(form);
  });
  on("click", (event) => {
    const box = event.target;
    if (box.matches?.("tbody .pick input")) {
      const boxes = all("tbody .pick input", box.form ?? document);
      const [from, to] = [boxes.indexOf(lastPicked), boxes.indexOf(box)].sort((a, b) => a - b);
      if (event.shiftKey && from >= 0) boxes.slice(from, to + 1).forEach((row) => { row.checked = box.checked; });
      lastPicked = box;
      if (box.form) countRows(box.form);
    }
    if (event.target.closest?.("[data-unselect]")) {
      const form = event.target.closest("form");
      all(".pick input", form).forEach((row) => { row.checked = false; });
      countRows(form);
    }
  });

  // Keys: "/" and Ctrl-K find, Escape closes what is open.
  on("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    const find = document.querySelector("[data-find]");
    const wanted = (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) || (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey));
    if (wanted && find) { event.preventDefault(); find.focus(); find.select(); }
    if (event.key === "Escape") {
      all("details.menu[open]").forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
      if (typing === find) find?.blur();
    }
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.closest?.(".menu .pop, .menu > summary") && !typing) {
      const menu = event.target.closest("details.menu");
      const items = all(".pop a, .pop button", menu);
      if (!menu.open || !items.length) return;
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    }
  });

  // Menus are <details>: one open at a time, closed by a click elsewhere; an edit opens with its field focused.
  on("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches?.("details.menu") || !menu.open) return;
    all("details.menu[open]").forEach((other) => { if (other !== menu && !other.contains(menu)) other.open = false; });
    const field = menu.querySelector("[data-focus]");
    if (field) { field.focus(); field.select?.(); }
  }, true);
  on("click", (event) => {
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    const close = event.target.closest?.("[data-close]");
    if (close) { event.preventDefault(); const box = close.closest("dialog, details"); if (box.close) box.close(); else box.open = false; }
  });

  // Dialogs: <a href="/page" data-dialog="id">; without script, or without the dialog, the page itself.
  on("click", (event) => {
    const link = event.target.closest?.("[data-dialog]");
    const dialog = link && document.getElementById(link.dataset.dialog);
    if (!dialog?.showModal || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    dialog.showModal();
  });
  on("click", (event) => { if (event.target.matches?.("dialog[open]")) event.target.close(); });

  // Typed confirmation: the button waits for the exact name. The server checks again.
  const checkConfirm = (field) => {
    all("[data-needs]", field.form).forEach((button) => { button.disabled = field.value.trim() !== field.dataset.confirm; });
  };
  all("[data-confirm]").forEach(checkConfirm);
  on("input", (event) => { if (event.target.matches("[data-confirm]")) checkConfirm(event.target); });

  // A radio that has a field of its own: typing in the field chooses it.
  on("focusin", (event) => {
    const radio = event.target.closest?.(".choice")?.querySelector("input[type=radio]");
    if (radio && event.target !== radio) radio.checked = true;
  });

  // Search as you type: <form data-live="ids">; the answer is the same page, of which these parts are put in place. The
  // first must be there.
  let timer, running;
  on("input", (event) => {
    const form = event.target.form;
    if (!form?.dataset.live || event.isComposing) return;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      running?.abort();
      running = new AbortController();
      const address = new URL(form.action);
      address.search = new URLSearchParams(new FormData(form)).toString();
      try {
        const answer = await fetch(address, { signal: running.signal, headers: { "X-Requested-With": "fetch" } });
        if (!answer.ok || answer.redirected) { location.href = address; return; }
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const [list, ...others] = form.dataset.live.split(" ");
        if (!page.getElementById(list)) { location.href = address; return; }
        [list, ...others].forEach((id) => {
          const part = page.getElementById(id);
          if (part) document.getElementById(id)?.replaceWith(part);
        });
        history.replaceState(null, "", address);
      } catch (error) { if (error.name !== "AbortError") form.requestSubmit(); }
    }, 220);
  });

  // A select that acts at once: <select data-submit>. Its form keeps a button for pages without script (.nojs).
  on("change", (event) => { if (event.target.matches("[data-submit]")) event.target.form.requestSubmit(); });

  // Figures that stay true while they are looked at: [data-poll] names where the page's piece is; its values go into the
  // places with the same [data-row] and [data-now], so that nothing moves and nothing is announced. It rests while the page
  // is hidden or nobody touched it for a quarter of an hour (a session is not kept alive by a page alone), waits longer
  // after each failure, and ends with the session.
  const [EVERY, LONGEST, UNATTENDED] = [10000, 300000, 900000];
  let pause = EVERY, touched = Date.now(), next, ended = false;
  const put = (page) => all("[data-now]", page).forEach((fresh) => {
    const row = fresh.closest("[data-row]").dataset.row, name = fresh.dataset.now;
    const at = document.querySelector(`[data-row="${CSS.escape(row)}"]`);
    const place = at?.dataset.now === name ? at : at?.querySelector(`[data-now="${name}"]`);
    // Not under whoever edits or reads just this.
    if (!place || place.closest("details[open]") || place.parentElement.closest("summary:focus")) return;
    if (place.className !== fresh.className) place.className = fresh.className;
    if (place.innerHTML !== fresh.innerHTML) place.replaceChildren(...fresh.childNodes);
  });
  const poll = async () => {
    next = null;
    const from = document.querySelector("[data-poll]");
    if (!from || ended || document.hidden || Date.now() - touched > UNATTENDED) return;
    const ids = all("tr[data-row]").map((row) => row.dataset.row).join(",");
    try {
      const answer = await fetch(from.dataset.poll + (ids && `?ids=${ids}`), { redirect: "manual" });
      ended = answer.type === "opaqueredirect" || [401, 403, 404].includes(answer.status);
      if (!ended && !answer.ok) throw new Error(answer.status);
      if (!ended) put(new DOMParser().parseFromString(await answer.text(), "text/html"));
      pause = EVERY;
    } catch { pause = Math.min(pause * 2, LONGEST); }
    if (!ended) next ??= setTimeout(poll, pause);
  };
  if (document.querySelector("[data-poll]")) {
    next = setTimeout(poll, pause);
    on("visibilitychange", () => { if (!document.hidden && !next && !ended) next = setTimeout(poll, 0); });
    ["pointermove", "keydown", "scroll"].forEach((type) => addEventListener(type, () => {
      touched = Date.now();
      if (!next && !ended && !document.hidden) next = setTimeout(poll, pause);
    }, { passive: true, capture: true }));
  }

  // Unsaved changes: <form data-guard> asks before the page is left.
  let unsaved = false;
  on("input", (event) => { if (event.target.closest("[data-guard]")) unsaved = true; });
  on("submit", (event) => {
    if (event.defaultPrevented) return;
    unsaved = false;
    // A second click must not send twice; the value of the pressed button is read before it is disabled.
    const pressed = event.submitter;
    if (event.target.method === "post" && pressed) setTimeout(() => { pressed.disabled = true; pressed.dataset.sent = ""; setTimeout(release, 8000); });
  });
  addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  const release = () => all("[data-sent]").forEach((b) => { b.disabled = false; delete b.dataset.sent; });
  addEventListener("pageshow", release);

  // Numbers of a chart under the pointer.
  let tip;
  on("pointermove", (event) => {
    const place = event.target.closest?.("[data-tip]");
    if (!place) { tip?.remove(); tip = null; return; }
    if (!tip) { tip = Object.assign(document.createElement("div"), { className: "tip" }); document.body.append(tip); }
    tip.textContent = place.dataset.tip;
    const box = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
    tip.style.left = `${left}px`;
    tip.style.top = `${Math.max(8, event.clientY - box.height - 12)}px`;
  });

  // Tables that came from the browser's history keep their ticks: count them.
  all("form:has(.pick)").forEach(countRows);
})();
