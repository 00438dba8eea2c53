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

  // Print: light, unfolded, and at rest.
  let before = null;
  addEventListener("beforeprint", () => {
    before = { theme: root.dataset.theme, moving, folded: [...document.querySelectorAll("details:not([open])")] };
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
