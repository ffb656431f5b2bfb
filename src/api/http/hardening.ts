/**
 * Response headers that OWASP's REST Security Cheat Sheet recommends for an API; HTML pages set their own policy
 * (platform/page.ts). Browsers ignore HSTS without TLS (RFC 6797, section 8.1), so the header is always sent, whether
 * or not a proxy terminates TLS. There is no Access-Control header: scripts of other sites may not read responses.
 */
export const hardening = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'accelerometer=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;
