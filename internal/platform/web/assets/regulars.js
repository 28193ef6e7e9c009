// Small helps on top of pages that work without them.
(function () {
  "use strict";
  var root = document.documentElement;

  function on(type, selector, fn) {
    document.addEventListener(type, function (e) {
      var el = e.target.closest && e.target.closest(selector);
      if (el) fn(el, e);
    });
  }

  // Theme: shown at once, kept by the server.
  on("click", "[data-themes] button", function (b, e) {
    e.preventDefault();
    var form = b.form;
    window.regularsTheme(b.value);
    form.querySelectorAll("button").forEach(function (o) {
      o.setAttribute("aria-pressed", String(o === b));
    });
    var body = new URLSearchParams(new FormData(form));
    body.set("theme", b.value);
    fetch(form.action, { method: "POST", body: body, redirect: "manual" });
  });

  // Narrow pages: the navigation slides in.
  function menu(open) {
    var b = document.querySelector("[data-menu]");
    if (!b) return;
    document.body.classList.toggle("menu-open", open);
    b.setAttribute("aria-expanded", String(open));
    if (open) document.querySelector("#side a").focus();
  }
  on("click", "[data-menu]", function (b) {
    menu(b.getAttribute("aria-expanded") !== "true");
  });
  document.addEventListener("click", function (e) {
    if (document.body.classList.contains("menu-open") && !e.target.closest("#side, [data-menu]")) menu(false);
  });

  // Wide pages: the navigation folds to its icons.
  var fold = document.querySelector("[data-fold]");
  if (fold) {
    fold.setAttribute("aria-pressed", String(root.classList.contains("folded")));
    fold.addEventListener("click", function () {
      var now = root.classList.toggle("folded");
      fold.setAttribute("aria-pressed", String(now));
      try { localStorage.setItem("regulars.folded", now ? "1" : "0"); } catch (e) { /* not kept */ }
    });
  }

  document.addEventListener("keydown", function (e) {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") {
      var search = document.querySelector("[data-search]");
      if (search) { e.preventDefault(); search.focus(); search.select(); }
    }
    if (e.key === "Escape") {
      if (document.body.classList.contains("menu-open")) {
        menu(false);
        document.querySelector("[data-menu]").focus();
      }
      document.querySelectorAll("details.menu[open]").forEach(function (d) {
        d.open = false;
        d.querySelector("summary").focus();
      });
    }
  });
  document.addEventListener("click", function (e) {
    document.querySelectorAll("details.menu[open]").forEach(function (d) {
      if (!d.contains(e.target)) d.open = false;
    });
  });

  // What is found while typing: the arrows walk through it, Escape leaves.
  document.addEventListener("keydown", function (e) {
    var bar = e.target.closest && e.target.closest(".topsearch");
    if (!bar) return;
    var stops = [bar.querySelector("[data-search]")].concat(Array.from(bar.querySelectorAll(".found a")));
    var at = stops.indexOf(e.target), to = { ArrowDown: at + 1, ArrowUp: at - 1 }[e.key];
    if (to !== undefined && stops.length > 1) {
      e.preventDefault();
      stops[(to + stops.length) % stops.length].focus();
    } else if (e.key === "Escape") {
      bar.querySelector(".found").textContent = "";
      stops[0].focus();
    }
  });
  document.addEventListener("focusout", function (e) {
    var bar = e.target.closest && e.target.closest(".topsearch");
    if (bar && e.relatedTarget && !bar.contains(e.relatedTarget)) bar.querySelector(".found").textContent = "";
  });

  // Copy the address of the page, or a given text.
  function showCopies(within) {
    within.querySelectorAll("[data-copy]").forEach(function (b) { b.hidden = !navigator.clipboard; });
  }
  on("click", "[data-copy]", function (b) {
    navigator.clipboard.writeText(b.dataset.copy || location.href).then(function () {
      b.classList.add("done");
      setTimeout(function () { b.classList.remove("done"); }, 1500);
    });
  });

  on("click", "[data-print]", function () { print(); });

  // Dialogs.
  on("click", "[data-dialog]", function (b) { document.getElementById(b.dataset.dialog).showModal(); });
  on("click", "[data-close]", function (b) { b.closest("dialog").close(); });
  on("click", "dialog", function (d, e) { if (e.target === d) d.close(); });

  // Rows lead where their first link leads.
  on("click", "tr[data-href]", function (row, e) {
    if (e.target.closest("a, button, input, label, select, summary") || String(getSelection())) return;
    if (e.ctrlKey || e.metaKey) open(row.dataset.href, "_blank");
    else location.href = row.dataset.href;
  });

  // Files dropped onto their field.
  function say(drop) {
    var input = drop.querySelector("input"), text = drop.querySelector(".drop-say");
    if (input.files.length) text.textContent = text.dataset.dropName + " " + input.files[0].name;
  }
  ["dragover", "dragleave", "drop"].forEach(function (type) {
    on(type, "[data-drop]", function (drop, e) {
      e.preventDefault();
      drop.classList.toggle("over", type === "dragover");
      if (type === "drop" && e.dataTransfer.files.length) {
        drop.querySelector("input").files = e.dataTransfer.files;
        say(drop);
      }
    });
  });
  on("change", "[data-drop] input", function (input) { say(input.closest("[data-drop]")); });

  function ready(within) {
    showCopies(within);
    // Where the tabs do not fit beside each other, the one that is open is seen.
    within.querySelectorAll(".tabs [aria-current]").forEach(function (a) {
      var box = a.parentNode.getBoundingClientRect(), tab = a.getBoundingClientRect();
      a.parentNode.scrollLeft += tab.left + tab.width / 2 - box.left - box.width / 2;
    });
    within.querySelectorAll("[data-focus] a[href^='#field-']").forEach(function (a) {
      var label = document.querySelector('label[for="' + a.hash.slice(1) + '"]');
      if (label) a.textContent = label.firstChild.textContent.trim() + ": " + a.textContent;
    });
    var focus = within.querySelector("[data-focus]");
    if (focus) focus.focus();
  }
  ready(document);
  document.addEventListener("htmx:afterSwap", function (e) { ready(e.target); });
})();
