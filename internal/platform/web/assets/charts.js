// Charts: numbers at the pointer, zoom, and pictures to keep. The numbers come
// from the table beneath each chart; without this script the chart and its
// table say all there is.
(function () {
  "use strict";
  var height = 260, top = 18, bottom = 222; // as kit/chart.go draws it

  function rowsOf(figure) { return figure.querySelector("table").tBodies[0].rows; }

  // The part of the chart that is shown: its first and last period.
  function view(figure) {
    if (!figure.view) figure.view = { from: 0, to: rowsOf(figure).length - 1 };
    return figure.view;
  }

  // tell shows the numbers of period i of all beside it.
  function tell(figure, i) {
    var table = figure.querySelector("table"), tip = figure.querySelector(".chart-tip"), v = view(figure);
    var heads = table.tHead.rows[0].cells, row = rowsOf(figure)[i];
    if (!row || i < v.from || i > v.to) return;
    figure.told = i;
    tip.textContent = "";
    var title = document.createElement("strong");
    title.textContent = row.cells[0].textContent;
    tip.appendChild(title);
    for (var c = 1; c < row.cells.length; c++) {
      var line = document.createElement("span");
      line.textContent = heads[c].textContent + ": " + row.cells[c].textContent;
      tip.appendChild(line);
    }
    var box = figure.querySelector(".chart-box"), axis = figure.querySelector(".plot-axis").clientWidth;
    var x = (i - v.from + 0.5) / (v.to - v.from + 1), all = rowsOf(figure).length;
    figure.querySelector(".guide").setAttribute("d", "M" + (i + 0.5) / all * 1000 + " " + top + "V" + bottom);
    tip.hidden = false;
    var left = axis + x * (box.clientWidth - axis) - tip.offsetWidth / 2;
    tip.style.left = Math.max(0, Math.min(box.clientWidth - tip.offsetWidth, left)) + "px";
  }
  function hush(figure) {
    figure.told = undefined;
    figure.querySelector(".chart-tip").hidden = true;
    figure.querySelector(".guide").setAttribute("d", "M0 0");
  }

  // show zooms to the periods from..to and says which these are.
  function show(figure, from, to) {
    var rows = rowsOf(figure), all = rows.length, v = view(figure);
    v.from = Math.max(0, Math.min(from, all - 1));
    v.to = Math.max(v.from, Math.min(to, all - 1));
    var count = v.to - v.from + 1, plot = figure.querySelector(".plot");
    var at = function (x) { return (x * all / 100 - v.from) / count * 100; }; // per cent of all → of what is shown
    plot.querySelector("svg").setAttribute("viewBox", v.from / all * 1000 + " 0 " + count / all * 1000 + " " + height);
    plot.querySelectorAll("circle").forEach(function (dot) {
      if (!dot.dataset.at) dot.dataset.at = parseFloat(dot.getAttribute("cx"));
      var x = at(parseFloat(dot.dataset.at));
      dot.setAttribute("cx", x + "%");
      dot.classList.toggle("away", x < 0 || x > 100);
    });
    label(plot, rows, v, count);
    var whole = count === all;
    figure.classList.toggle("zoomed", !whole);
    figure.querySelectorAll("[data-zoom]").forEach(function (button) {
      button.disabled = button.dataset.zoom === "in" ? count < 3 : whole;
    });
    figure.querySelector(".chart-range").textContent = whole ? "" :
      rows[v.from].cells[0].textContent + " – " + rows[v.to].cells[0].textContent;
    hush(figure);
  }

  // label writes the periods that are shown at the bottom, about eight of them.
  function label(plot, rows, v, count) {
    plot.querySelectorAll(".axis-x").forEach(function (t) { t.remove(); });
    var every = Math.max(1, Math.floor((count + 7) / 8));
    for (var i = 0; i < count; i += every) {
      var text = document.createElementNS("http://www.w3.org/2000/svg", "text");
      var spare = i / every % 2 === 1 && count / every > 3;
      text.setAttribute("class", "axis axis-x" + (spare ? " spare" : ""));
      text.setAttribute("x", (i + 0.5) / count * 100 + "%");
      text.setAttribute("y", height - 14);
      text.textContent = rows[v.from + i].cells[0].textContent;
      plot.appendChild(text);
    }
  }

  function zoom(figure, how) {
    var v = view(figure), count = v.to - v.from + 1, all = rowsOf(figure).length, told = figure.told;
    var middle = told === undefined ? (v.from + v.to) / 2 : told;
    var want = how === "all" ? all : how === "in" ? Math.max(2, Math.round(count / 2)) : Math.min(all, count * 2);
    var from = Math.max(0, Math.min(all - want, Math.round(middle - (want - 1) / 2)));
    show(figure, from, from + want - 1);
    if (told !== undefined) tell(figure, told);
  }
  function move(figure, by) {
    var v = view(figure), count = v.to - v.from + 1, all = rowsOf(figure).length;
    var from = Math.max(0, Math.min(all - count, v.from + by));
    show(figure, from, from + count - 1);
  }

  function on(type, selector, fn) {
    document.addEventListener(type, function (e) {
      var el = e.target.closest && e.target.closest(selector);
      if (el) fn(el, el.closest(".graph"), e);
    });
  }
  on("click", "[data-zoom]", function (button, figure) {
    zoom(figure, button.dataset.zoom);
    if (button.disabled) figure.querySelector(".chart-box").focus();
  });

  // The period under the pointer.
  function under(figure, e) {
    var at = figure.querySelector(".plot").getBoundingClientRect(), v = view(figure), count = v.to - v.from + 1;
    var i = Math.floor((e.clientX - at.left) / at.width * count);
    return v.from + Math.max(0, Math.min(count - 1, i));
  }
  var drag = null; // the part being chosen with the pointer held down
  on("pointerdown", ".chart-box", function (box, figure, e) {
    if (e.button === 0) drag = { figure: figure, x: e.clientX, from: under(figure, e), band: box.querySelector(".chart-band") };
  });
  on("pointermove", ".chart-box", function (box, figure, e) {
    tell(figure, under(figure, e));
    if (!drag || drag.figure !== figure || Math.abs(e.clientX - drag.x) < 8) return;
    var at = box.getBoundingClientRect(), axis = box.querySelector(".plot-axis").clientWidth;
    var left = Math.max(axis, Math.min(e.clientX, drag.x) - at.left);
    drag.band.hidden = false;
    drag.band.style.left = left + "px";
    drag.band.style.width = Math.min(at.width, Math.max(e.clientX, drag.x) - at.left) - left + "px";
  });
  document.addEventListener("pointerup", function (e) {
    if (!drag) return;
    var d = drag, to = under(d.figure, e);
    drag = null;
    d.band.hidden = true;
    if (Math.abs(e.clientX - d.x) >= 8 && to !== d.from) show(d.figure, Math.min(d.from, to), Math.max(d.from, to));
  });
  document.addEventListener("pointercancel", function () {
    if (drag) drag.band.hidden = true;
    drag = null;
  });
  on("dblclick", ".chart-box", function (box, figure) { zoom(figure, "all"); });
  document.addEventListener("pointerout", function (e) {
    var box = e.target.closest && e.target.closest(".chart-box");
    if (box && !box.contains(e.relatedTarget)) hush(box.closest(".graph"));
  });
  document.addEventListener("focusout", function (e) {
    if (e.target.matches && e.target.matches(".chart-box")) hush(e.target.closest(".graph"));
  });
  on("keydown", ".chart-box", function (box, figure, e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    var v = view(figure), i = figure.told, step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    var how = { "+": "in", "=": "in", "-": "out", "0": "all", Escape: "all" }[e.key];
    if (step && e.shiftKey) {
      move(figure, step);
    } else if (step) {
      i = i === undefined ? (step > 0 ? v.from : v.to) : i + step;
      if (i < v.from || i > v.to) move(figure, step);
      tell(figure, Math.max(v.from, Math.min(v.to, i)));
    } else if (how) {
      zoom(figure, how);
    } else {
      return;
    }
    e.preventDefault();
  });

  // A picture: what is seen is painted on a canvas, twice as fine.
  var looks = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity",
    "vector-effect", "font-size", "font-weight", "text-anchor", "display"];
  var around = 40; // pixels beside a drawing, for words that stand out of it
  var family = "system-ui, sans-serif";

  // still is a drawing of the page as an image of its own, without the style
  // sheet.
  function still(svg) {
    var box = svg.getBoundingClientRect(), copy = svg.cloneNode(true);
    var from = svg.querySelectorAll("*"), to = copy.querySelectorAll("*");
    for (var i = 0; i < from.length; i++) {
      var look = getComputedStyle(from[i]);
      looks.forEach(function (name) { to[i].setAttribute(name, look.getPropertyValue(name)); });
    }
    copy.setAttribute("width", box.width);
    copy.setAttribute("height", box.height);
    copy.setAttribute("x", around);
    copy.setAttribute("overflow", "visible");
    var whole = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    whole.setAttribute("width", box.width + 2 * around);
    whole.setAttribute("height", box.height);
    whole.setAttribute("font-family", family);
    whole.appendChild(copy);
    return new Promise(function (done, failed) {
      var image = new Image();
      image.onload = function () { done({ image: image, box: box }); };
      image.onerror = function () { failed(new Error("the chart cannot be drawn")); };
      image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(whole));
    });
  }

  // words paints the words of an element where they stand.
  function words(pen, el, home) {
    var walk = document.createTreeWalker(el, NodeFilter.SHOW_TEXT), node;
    while ((node = walk.nextNode())) {
      var text = node.textContent.trim(), look = getComputedStyle(node.parentNode);
      if (!text || node.parentNode.closest("svg, .visually-hidden") || look.visibility === "hidden") continue;
      var range = document.createRange();
      range.selectNodeContents(node);
      var box = range.getBoundingClientRect();
      if (!box.width) continue;
      pen.font = look.fontWeight + " " + look.fontSize + " " + family;
      pen.fillStyle = look.color;
      pen.textBaseline = "middle";
      pen.fillText(text, box.left - home.left, box.top + box.height / 2 - home.top, box.width);
    }
  }
  function ground(pen, el, home) {
    var box = el.getBoundingClientRect();
    pen.fillStyle = getComputedStyle(el).backgroundColor;
    pen.fillRect(box.left - home.left, box.top - home.top, box.width, box.height);
  }

  // sheet is an empty canvas in the page's colour with the title on it.
  function sheet(figure, width, high) {
    var canvas = document.createElement("canvas"), pen = canvas.getContext("2d"), root = getComputedStyle(document.documentElement);
    canvas.width = (width + 32) * 2;
    canvas.height = (high + 64) * 2;
    pen.scale(2, 2);
    pen.fillStyle = root.getPropertyValue("--paper").trim();
    pen.fillRect(0, 0, width + 32, high + 64);
    pen.fillStyle = root.getPropertyValue("--ink").trim();
    pen.font = "600 15px " + family;
    pen.textBaseline = "middle";
    pen.fillText(figure.dataset.title, 16, 24, width);
    pen.translate(16, 48);
    return { canvas: canvas, pen: pen };
  }

  // chart paints a line or bar chart with its key; table a heat map, whole
  // even where the page shows a part of it.
  function chart(figure) {
    var keys = figure.querySelector(".keys"), box = figure.querySelector(".chart-box");
    var home = (keys || box).getBoundingClientRect(), end = box.getBoundingClientRect();
    var drawings = Array.from(figure.querySelectorAll(".keys svg, .plot-axis, .plot")).map(still);
    hush(figure);
    return Promise.all(drawings).then(function (all) {
      var s = sheet(figure, end.width, end.bottom - home.top);
      if (keys) words(s.pen, keys, home);
      all.forEach(function (d) {
        s.pen.drawImage(d.image, d.box.left - home.left - around, d.box.top - home.top, d.box.width + 2 * around, d.box.height);
      });
      return s.canvas;
    });
  }
  function table(figure) {
    var wrap = figure.querySelector(".table-wrap"), scrolled = wrap.scrollLeft, t = wrap.querySelector("table");
    wrap.scrollLeft = 0;
    var home = t.getBoundingClientRect(), s = sheet(figure, t.scrollWidth, home.height);
    t.querySelectorAll("th, td").forEach(function (cell) { ground(s.pen, cell, home); });
    words(s.pen, t, home);
    wrap.scrollLeft = scrolled;
    return Promise.resolve(s.canvas);
  }

  on("click", "[data-png]", function (button, figure) {
    (figure.matches("[data-chart]") ? chart(figure) : table(figure)).then(function (canvas) {
      canvas.toBlob(function (blob) {
        var a = document.createElement("a");
        a.href = URL.createObjectURL(blob);
        a.download = figure.dataset.title + ".png";
        a.click();
        setTimeout(function () { URL.revokeObjectURL(a.href); }, 10000);
      }, "image/png");
    });
  });

  function ready(within) {
    within.querySelectorAll("[data-tools]").forEach(function (tools) { tools.hidden = false; });
    within.querySelectorAll("[data-chart]").forEach(function (figure) {
      var box = figure.querySelector(".chart-box");
      if (!box) return;
      box.tabIndex = 0;
      show(figure, 0, rowsOf(figure).length - 1);
    });
  }
  ready(document);
  document.addEventListener("htmx:afterSwap", function (e) { ready(e.target); });
})();
