// Starts the API browser. A signed-in browser's state changes get the session's token against
// forgery; a call that is authorised with a token needs none and sends no cookie's rights.
"use strict";

async function withCsrfToken(request) {
  const reads = ["GET", "HEAD"].includes((request.method || "GET").toUpperCase());
  if (reads || request.loadSpec || request.headers.Authorization) return request;
  const me = await fetch("/api/v1/me", { headers: { Accept: "application/json" } });
  if (me.ok) {
    const { csrf_token: token } = await me.json();
    if (token) request.headers["X-CSRF-Token"] = token;
  }
  return request;
}

window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    requestInterceptor: withCsrfToken,
  });
});
