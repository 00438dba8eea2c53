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

  // Battles: one button and one slider for all of them. A browser that cannot take a GIF apart has the button alone.
  const clips = [...document.querySelectorAll("img[data-moving]")];
  const player = document.getElementById("player");
  const setStill = (still) => {
    for (const clip of clips) clip.src = still ? clip.dataset.still : clip.dataset.moving;
  };
  const startAndStop = (button) => {
    let moving = false;
    const play = (on) => {
      moving = on;
      setStill(!on);
      button.textContent = on ? "Stop the battles" : "Play the battles";
    };
    button.addEventListener("click", () => play(!moving));
    let before = false;
    addEventListener("beforeprint", () => { before = moving; play(false); });
    addEventListener("afterprint", () => play(before));
    play(!stillness.matches);
  };
  const openFilm = async (clip) => {
    const data = Uint8Array.from(atob(clip.dataset.moving.split(",")[1]), (sign) => sign.charCodeAt(0));
    const decoder = new ImageDecoder({ type: "image/gif", data });
    await decoder.tracks.ready;
    await decoder.completed;
    const canvas = document.createElement("canvas");
    canvas.width = clip.getAttribute("width");  // the property is the width on the screen
    canvas.height = clip.getAttribute("height");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", clip.alt);
    return { clip, decoder, canvas, pen: canvas.getContext("2d"), count: decoder.tracks.selectedTrack.frameCount };
  };
  const scrub = (films, button, slider, time) => {
    const longest = Math.max(...films.map((film) => film.count)), { perSecond, speed } = player.dataset;
    let asked = longest - 1, shown = -1, busy = false, started = 0;
    const draw = async () => {  // one picture at a time; those that were passed meanwhile are left out
      if (busy) return;
      busy = true;
      try {
        while (shown !== asked) {
          const at = asked;
          await Promise.all(films.map(async (film) => {
            const { image } = await film.decoder.decode({ frameIndex: Math.min(at, film.count - 1) });
            film.pen.drawImage(image, 0, 0);
            image.close();
          }));
          player.dataset.shown = shown = at;
        }
      } catch {
        giveUp();
      } finally {
        busy = false;
      }
    };
    const giveUp = () => {  // back to the GIFs
      pause();
      for (const { clip, canvas, decoder } of films) {
        canvas.replaceWith(clip);
        if (decoder.state !== "closed") decoder.close();
      }
      films = [];
      slider.hidden = time.hidden = true;
      button.replaceWith(button = button.cloneNode());
      startAndStop(button);
    };
    const show = (at) => {
      asked = at;
      slider.value = at;
      time.textContent = `${(at / perSecond).toFixed(1)} s`;
      return draw();
    };
    const pause = () => { started = 0; button.textContent = "Play"; };
    const tick = () => {
      if (!started) return;
      const passed = (performance.now() - started) / 1000;
      const at = Math.min(Math.floor(passed * perSecond * speed), longest - 1);
      show(at);
      if (at === longest - 1) pause(); else requestAnimationFrame(tick);
    };
    const play = () => {
      const from = asked === longest - 1 ? 0 : asked;
      started = performance.now() - from * 1000 / (perSecond * speed);
      button.textContent = "Pause";
      requestAnimationFrame(tick);
    };
    slider.max = longest - 1;
    slider.hidden = time.hidden = false;
    slider.addEventListener("input", () => { pause(); show(Number(slider.value)); });
    button.addEventListener("click", () => { if (started) pause(); else play(); });
    pause();
    addEventListener("beforeprint", () => {
      pause();
      for (const { clip, canvas } of films) canvas.replaceWith(clip);
    });
    addEventListener("afterprint", () => {
      for (const { clip, canvas } of films) clip.replaceWith(canvas);
    });
    show(asked).then(() => {
      if (slider.hidden) return;
      for (const { clip, canvas } of films) clip.replaceWith(canvas);
      if (!stillness.matches) play();
    });
  };
  if (player && clips.length) {
    const [button, slider, time] = player.children;
    player.hidden = false;
    Promise.all(clips.map(openFilm)).then((films) => scrub(films, button, slider, time), () => startAndStop(button));
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
  // A time such as 1:03:07 counts in seconds; what was not measured comes last.
  const number = (text) => {
    if (/^(n\/a|\u2013)/.test(text.trim())) return NaN;
    if (/^\d+(:\d\d)+$/.test(text.trim())) return text.trim().split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
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
    before = { theme: root.dataset.theme, folded: [...document.querySelectorAll("details:not([open]):not(.screen)")] };
    root.dataset.theme = "light";
    for (const each of before.folded) each.open = true;
  });
  addEventListener("afterprint", () => {
    if (!before) return;
    if (before.theme) root.dataset.theme = before.theme; else delete root.dataset.theme;
    for (const each of before.folded) each.open = false;
    before = null;
  });
}
