import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** POSTs JSON with as little client work as possible, so that the generator is not what is measured. */
export function post(url: URL, key: string, body: string): Promise<{ status: number; text: string }> {
  return send('POST', url, { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }, body);
}

export function get(url: URL, key: string): Promise<{ status: number; text: string }> {
  return send('GET', url, { authorization: `Bearer ${key}` });
}

function send(method: string, url: URL, headers: Record<string, string | number>, body?: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export function closeConnections(): void {
  agent.destroy();
}
