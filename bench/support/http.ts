import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** Posts JSON. */
export const post = (url: URL, key: string, body: string) => call('POST', url, key, body);

export const get = (url: URL, key: string) => call('GET', url, key);

/** Maximum number of retries of a refused request. */
const RETRIES = 60;

/**
 * Makes a request with as little client work as possible, so that the measurement is not that of the client. After a
 * 429 or 503 with `Retry-After` it waits and sends the request again, as clients do, so that a benchmark completes on a
 * busy machine.
 */
export async function call(
  method: 'GET' | 'POST' | 'PUT',
  url: URL,
  key: string,
  body = '',
): Promise<{ status: number; text: string }> {
  for (let retry = 0; ; retry++) {
    const { retryAfter, ...answer } = await once(method, url, key, body);
    if (retryAfter === undefined || retry === RETRIES || (answer.status !== 503 && answer.status !== 429))
      return answer;
    await new Promise((resolve) => setTimeout(resolve, retryAfter * 1_000));
  }
}

/** Retries in the same way for the answers of another client. */
export async function retried<T extends { status: number; headers: Headers }>(ask: () => Promise<T>): Promise<T> {
  for (let retry = 0; ; retry++) {
    const answer = await ask();
    const retryAfter = answer.headers.get('retry-after');
    if (retryAfter === null || retry === RETRIES || (answer.status !== 503 && answer.status !== 429)) return answer;
    await new Promise((resolve) => setTimeout(resolve, Number(retryAfter) * 1_000));
  }
}

function once(
  method: string,
  url: URL,
  key: string,
  body: string,
): Promise<{ status: number; text: string; retryAfter: number | undefined }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        agent,
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        },
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          const after = response.headers['retry-after'];
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(parts).toString(),
            retryAfter: after === undefined ? undefined : Number(after),
          });
        });
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

export function closeConnections(): void {
  agent.destroy();
}
