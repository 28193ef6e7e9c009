// Sets the theme before the first paint; without a script the page is light.
(function () {
  var root = document.documentElement;
  var dark = matchMedia("(prefers-color-scheme: dark)");
  function apply() {
    var chosen = root.dataset.theme;
    var isDark = chosen === "dark" || (chosen !== "light" && dark.matches);
    root.setAttribute("data-bs-theme", isDark ? "dark" : "light");
  }
  apply();
  dark.addEventListener("change", apply);
  window.regularsTheme = function (name) {
    root.dataset.theme = name;
    apply();
  };
  try {
    if (localStorage.getItem("regulars.folded") === "1") root.classList.add("folded");
  } catch (e) {
    // Storage may be switched off; the menu is then unfolded on each page.
  }
})();
