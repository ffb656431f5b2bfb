import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface Issuer {
  jwksUrl: string;
  issuer: string;
  /** A token of ours for a subject; claims say otherwise. */
  token(claims: Record<string, unknown>): Promise<string>;
  stop(): void;
}

/** A sign-in service: one key, and tokens by it. */
export async function startIssuer(): Promise<Issuer> {
  const keys = await generateKeyPair('ES256');
  const body = JSON.stringify({
    keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }],
  });
  const server = createServer((_, response) => response.setHeader('content-type', 'application/json').end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = 'https://login.test';
  return {
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    issuer,
    token: (claims) =>
      new SignJWT({ iss: issuer, aud: 'longwatch', exp: Math.floor(Date.now() / 1000) + 600, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .sign(keys.privateKey),
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
