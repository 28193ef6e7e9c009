// The form of the API's reference that sends a request and shows its answer.
(function () {
  "use strict";
  var form = document.querySelector("[data-try]");
  if (!form) return;
  var answer = form.querySelector("[data-try-answer]");
  function show(name, text) {
    answer.querySelector("[data-try-" + name + "]").textContent = text;
  }
  function quoted(s) { return "'" + s.replace(/'/g, "'\\''") + "'"; }

  // The request as the form says it.
  function request() {
    var href = form.dataset.href, query = new URLSearchParams(), headers = {};
    form.querySelectorAll("[data-in]").forEach(function (f) {
      if (f.dataset.in === "path") href = href.replace("{" + f.name + "}", encodeURIComponent(f.value));
      else if (f.value !== "" && f.dataset.in === "query") query.append(f.name, f.value);
      else if (f.value !== "" && f.dataset.in === "header") headers[f.name] = f.value;
    });
    if (query.toString()) href += "?" + query;
    var body = form.querySelector("[data-body]"), file = form.querySelector("[data-file]");
    if (body) headers["Content-Type"] = body.dataset.body;
    if (file && file.files[0]) headers["Content-Type"] = file.dataset.file;
    return {
      href: href, headers: headers, text: body && body.value,
      body: body ? body.value : file && file.files[0] ? file.files[0] : undefined
    };
  }

  form.addEventListener("submit", function (e) {
    e.preventDefault();
    var r = request(), key = form.querySelector("[data-try-key]").value.trim();
    var curl = "curl -X " + form.dataset.method + " -H 'Authorization: Bearer " + (key ? key.slice(0, 5) + "…" : "rk_…") + "'";
    Object.keys(r.headers).forEach(function (n) { curl += " \\\n  -H " + quoted(n + ": " + r.headers[n]); });
    if (r.text) curl += " \\\n  -d " + quoted(r.text);
    else if (r.body) curl += " \\\n  --data-binary @file";
    show("curl", curl + " \\\n  " + quoted(location.origin + r.href));
    if (key) r.headers.Authorization = "Bearer " + key;
    var began = performance.now();
    fetch(r.href, { method: form.dataset.method, headers: r.headers, body: r.body, credentials: "omit", cache: "no-store" }).then(function (res) {
      return res.text().then(function (text) {
        var took = Math.round(performance.now() - began), seen = [];
        ["etag", "idempotency-replayed", "ratelimit-remaining", "retry-after", "x-request-id"].forEach(function (n) {
          if (res.headers.get(n)) seen.push(n + ": " + res.headers.get(n));
        });
        try { text = JSON.stringify(JSON.parse(text), null, 2); } catch (err) { /* shown as it came */ }
        show("status", res.status + " " + res.statusText + " · " + took + " ms");
        show("headers", seen.join("\n"));
        show("text", text);
        answer.hidden = false;
      });
    }).catch(function (err) {
      show("status", String(err));
      show("headers", "");
      show("text", "");
      answer.hidden = false;
    });
  });
})();
