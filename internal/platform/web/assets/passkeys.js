// Forms that a passkey fills: the browser asks the person's device, and the
// answer is posted like any other field.
(function () {
  "use strict";
  var can = window.isSecureContext && window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON;
  if (!can) return; // the forms stay hidden, and what else there is stays
  document.querySelectorAll("[data-passkey-none]").forEach(function (p) { p.hidden = true; });
  document.querySelectorAll("form[data-passkey]").forEach(function (form) {
    var answer = form.elements[form.dataset.field || "response"], failed = form.querySelector("[data-passkey-failed]");
    form.hidden = false;
    form.addEventListener("submit", function (e) {
      e.preventDefault();
      failed.hidden = true;
      var options = JSON.parse(form.dataset.passkey);
      var asked = form.dataset.kind === "create"
        ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      asked.then(function (credential) {
        answer.value = JSON.stringify(credential.toJSON());
        form.submit();
      }).catch(function () { failed.hidden = false; });
    });
  });
})();
