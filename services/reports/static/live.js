// Tells the reader of a card that its figures have moved since the page was made.
// Owns nothing else: without scripts the page shows the same figures, and lacks only this word.
"use strict";
(() => {
  const bar = document.getElementById("moved");
  if (!bar || !window.EventSource) return;
  const { stream, first, last } = bar.dataset;
  const words = bar.querySelector("p");
  let source = null;

  const leave = () => {
    if (source) source.close();
    source = null;
  };
  const hear = (event) => {
    const told = JSON.parse(event.data);
    // Days are null when anything may have moved.
    if (told.first_day !== null && (told.first_day > last || told.last_day < first)) return;
    words.hidden = false;
    leave();
  };
  // Who is not looked at does not listen: a browser has few connections to one server.
  const listen = () => {
    if (source || document.hidden || !words.hidden) return;
    source = new EventSource(stream);
    source.addEventListener("figures", hear);
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : listen()));
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", listen);
  listen();
})();
