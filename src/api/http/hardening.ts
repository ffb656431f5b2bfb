/**
 * What OWASP's REST Security Cheat Sheet asks of an API's answers; pages say more of themselves (page.ts). HSTS counts
 * over
 * TLS alone (RFC 6797, 8.1), so that it need not be known here whether a proxy ends it. No Access-Control header: no
 * other
 * site's script reads us.
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
