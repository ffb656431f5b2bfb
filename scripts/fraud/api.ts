import { readConfig } from '../../src/graph/config';
import type { Argv } from 'yargs';
import { LabError } from '../../src/lab/errors';
import { keptApiKey } from '../../src/local/secrets';
import { foundApi } from './parts';

/** Adds the options for the address of the API and the key. */
export const apiOptions = <T>(command: Argv<T>) =>
  command
    .option('url', { type: 'string', describe: 'Address of the API; default that of the Longwatch on this machine' })
    .option('key', {
      type: 'string',
      describe:
        'API key of a supervisor; default LONGWATCH_API_KEY, else the development key of the Longwatch on this machine',
    });

/** An answer of the API. */
export interface Answered {
  status: number;
  etag: string | undefined;
  body: Record<string, unknown>;
}

/**
 * Address of the API, and key. If undefined, they come from the environment or from the Longwatch that runs on this
 * machine.
 */
export interface Api {
  url: string | undefined;
  key: string | undefined;
}

/** Returns the address of the API and the key to use. @throws LabError if one of them is not known. */
export function resolveApi({ url, key }: Api): { url: string; key: string } {
  const base = url ?? foundApi();
  const secret = key ?? process.env['LONGWATCH_API_KEY'] ?? keptApiKey(readConfig().LONGWATCH_DATA_DIR);
  if (secret === undefined) throw new LabError('An API key is required: set --key or LONGWATCH_API_KEY');
  return { url: base, key: secret };
}

/**
 * Calls the API.
 * @param expected error statuses that are returned as an answer.
 * @throws LabError if the API does not answer or answers with another error status.
 */
export async function ask(
  api: Api,
  method: string,
  path: string,
  { body, ifMatch, expected = [] }: { body?: unknown; ifMatch?: string; expected?: readonly number[] } = {},
): Promise<Answered> {
  const { url: base, key: secret } = resolveApi(api);
  let response: Response;
  try {
    response = await fetch(new URL(path, base), {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(ifMatch !== undefined && { 'if-match': ifMatch }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch (error) {
    throw new LabError(
      `${base} does not answer (${((error as Error).cause as Error | undefined)?.message ?? (error as Error).message})`,
    );
  }
  const text = await response.text();
  const answer = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  if (!response.ok && !expected.includes(response.status))
    throw new LabError(`${method} ${path}: ${response.status} ${String(answer['detail'] ?? answer['title'] ?? '')}`);
  return { status: response.status, etag: response.headers.get('etag') ?? undefined, body: answer };
}
