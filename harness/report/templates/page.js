"use strict";
{
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const stillness = matchMedia("(prefers-reduced-motion: reduce)");

  // Theme: the reader's system decides until the switch is used; the choice lasts where the browser lets it.
  const theme = document.getElementById("theme");
  const remembered = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const remember = (name) => { try { localStorage.setItem("theme", name); } catch { /* files may not store */ } };
  const isDark = () => (root.dataset.theme ?? (prefersDark.matches ? "dark" : "light")) === "dark";
  const label = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();
  theme.hidden = false;
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    label();
  });
  prefersDark.addEventListener("change", label);
  label();

  // Battles: all of them start together, and stop at their last picture.
  const clips = [...document.querySelectorAll("img[data-moving]")];
  const motion = document.getElementById("motion");
  let moving = false;
  const play = (on) => {
    moving = on;
    for (const clip of clips) clip.src = on ? clip.dataset.moving : clip.dataset.still;
    if (motion) motion.textContent = on ? "Stop the battles" : "Play the battles";
  };
  if (motion) {
    motion.hidden = false;
    motion.addEventListener("click", () => play(!moving));
    play(!stillness.matches);
  }

  // Values under the pointer: every point of a plot tells its own.
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  for (const title of document.querySelectorAll(".hit > title")) title.remove();  // the browser's own would cover it
  const showTip = (event) => {
    const hit = event.target.closest?.(".hit");
    tip.hidden = !hit;
    if (!hit) return;
    tip.textContent = hit.dataset.tip;
    const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, event.clientY - tip.offsetHeight - 10)}px`;
  };
  for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, showTip);
  addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

  // Legends: an entry hides and shows its line.
  for (const entry of document.querySelectorAll('svg.plot [id*="-toggle-"]')) {
    const [plot, number] = entry.id.split("-toggle-");
    const parts = [...entry.closest("svg").querySelectorAll(`[id^="${CSS.escape(plot)}-of-${number}-"]`)];
    if (!parts.length) continue;
    entry.setAttribute("role", "button");
    entry.setAttribute("tabindex", "0");
    entry.setAttribute("aria-pressed", "true");
    const toggle = () => {
      const off = entry.classList.toggle("off");
      entry.setAttribute("aria-pressed", String(!off));
      for (const part of parts) part.style.display = off ? "none" : "";
    };
    entry.addEventListener("click", toggle);
    entry.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      toggle();
    });
  }

  // Tables: a head sorts its column, by the first number of a cell where most cells have one.
  const number = (text) => {
    const found = text.replace(/[,\u2212]/g, (sign) => sign === "," ? "" : "-").match(/-?\d+(\.\d+)?/);
    return found ? Number(found[0]) : NaN;
  };
  for (const table of document.querySelectorAll("main table")) {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    if (body.rows.length < 2) continue;
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.textContent = head.textContent;
      button.addEventListener("click", () => {
        const falling = head.getAttribute("aria-sort") === "ascending"
          || (head.getAttribute("aria-sort") !== "descending" && !head.classList.contains("words"));
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        const words = head.classList.contains("words");
        const rows = [...body.rows].map((row) => ({ row, text: row.cells[column].textContent }));
        rows.sort((a, b) => {
          const [x, y] = [number(a.text), number(b.text)];
          const order = words || Number.isNaN(x) || Number.isNaN(y)
            ? (words ? a.text.localeCompare(b.text) : Number.isNaN(x) - Number.isNaN(y) || 0) : x - y;
          return falling ? -order : order;
        });
        body.append(...rows.map((each) => each.row));
      });
      head.replaceChildren(button);
    });
  }

  // Commands: a button copies them.
  for (const block of document.querySelectorAll("pre")) {
    const box = document.createElement("div"), button = document.createElement("button");
    box.className = "code";
    button.type = "button";
    button.textContent = "Copy";
    block.replaceWith(box);
    box.append(block, button);
    button.addEventListener("click", async () => {
      const text = block.textContent;
      try {
        await navigator.clipboard.writeText(text);
      } catch { // files from disk may not use the clipboard's newer door
        const area = document.createElement("textarea");
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }

  // Print: light, unfolded, and at rest.
  let before = null;
  addEventListener("beforeprint", () => {
    before = { theme: root.dataset.theme, moving, folded: [...document.querySelectorAll("details:not([open]):not(.screen)")] };
    root.dataset.theme = "light";
    for (const each of before.folded) each.open = true;
    if (clips.length) play(false);
  });
  addEventListener("afterprint", () => {
    if (!before) return;
    if (before.theme) root.dataset.theme = before.theme; else delete root.dataset.theme;
    for (const each of before.folded) each.open = false;
    if (clips.length) play(before.moving);
    before = null;
  });
}
