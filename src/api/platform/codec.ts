import { createHash, timingSafeEqual } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { z } from 'zod';
import type { Caller } from '../../domain/platform/caller';
import { lineOf } from '../../domain/edge/schemas';
import { Problem } from '../http/problem';
import { type AnyRoute, route } from '../http/router';

/**
 * What Temporal's remote codec needs. The Web UI and the CLI send payloads and get them back encrypted or decrypted.
 * The protocol is the JSON form of the protobuf message `Payloads`, so every byte field is base64.
 */
export interface CodecParts {
  codec: Pick<PayloadCodec, 'encode' | 'decode'>;
  /** Called after payloads were decrypted for a caller. */
  onDecoded(who: Caller, payloads: number): void;
  /**
   * Replaces the caller's token in URLs for a Web UI that cannot send one. Only for the embedded dev server on this
   * machine.
   */
  linkToken?: string;
}

/** Roles that may decrypt payloads: those that may read cases. */
const caseRoles = ['investigator', 'supervisor'] as const;
/** Bytes of a page of a workflow history in base64. Temporal accepts payloads of 2 MiB each and responses of 4 MiB. */
const LIMIT = 8 * 1024 * 1024;

const base64 = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'must be base64');
const payloadSchema = z.looseObject({ metadata: z.record(lineOf(1, 200), base64).optional(), data: base64.optional() });
const payloadsSchema = z.object({ payloads: z.array(payloadSchema).max(10_000).optional() });
type JsonPayload = z.infer<typeof payloadSchema>;

/** Routes of Temporal's remote codec. */
export function codecRoutes(parts: CodecParts): AnyRoute[] {
  const { linkToken } = parts;
  const routes = (['encode', 'decode'] as const).map((what) => codecRoute(parts, what));
  return linkToken === undefined
    ? routes
    : [...routes, ...(['encode', 'decode'] as const).map((what) => linkRoute(parts, what, linkToken))];
}

const summaries = {
  encode: 'Encrypt payloads of workflows (Temporal’s remote codec)',
  decode: 'Decrypt payloads of workflows (Temporal’s remote codec)',
} as const;
const responses = {
  200: { description: 'The payloads, in the same order', schema: payloadsSchema },
  422: { description: 'A payload cannot be decrypted: its key is not configured, or the payload was changed' },
};

const codecRoute = (parts: CodecParts, what: 'encode' | 'decode'): AnyRoute =>
  route({
    method: 'post',
    path: `/v1/codec/${what}`,
    operationId: `${what}Payloads`,
    tag: 'platform',
    loadClass: 'interactive',
    summary: summaries[what],
    roles: caseRoles,
    body: payloadsSchema,
    bodyLimit: LIMIT,
    responses,
    handler: async ({ body, caller }) => ({ status: 200, body: await coded(parts, what, body.payloads ?? [], caller) }),
  });

/**
 * A codec route for the Web UI of the embedded dev server, which has no sign-in and sends no token. Everyone who can
 * open that Web UI can decrypt its payloads.
 */
const linkRoute = (parts: CodecParts, what: 'encode' | 'decode', linkToken: string): AnyRoute =>
  route({
    method: 'post',
    path: `/v1/codec/links/:token/${what}`,
    operationId: `${what}PayloadsByLink`,
    tag: 'platform',
    loadClass: 'interactive',
    summary: `${summaries[what]}, by the embedded Web UI’s link`,
    roles: 'public',
    params: z.object({ token: lineOf(1, 200) }),
    body: payloadsSchema,
    bodyLimit: LIMIT,
    responses: { ...responses, 404: { description: 'The link is not valid: it is not that of the running Web UI' } },
    handler: async ({ params: { token }, body }) => {
      if (!timingSafeEqual(digest(token), digest(linkToken)))
        throw new Problem(404, 'The link is not valid: it is not that of the running Web UI');
      return {
        status: 200,
        body: await coded(parts, what, body.payloads ?? [], {
          name: 'embedded-web-ui',
          role: 'investigator',
          via: 'api-key',
        }),
      };
    },
  });

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

async function coded(
  { codec, onDecoded }: CodecParts,
  what: 'encode' | 'decode',
  payloads: JsonPayload[],
  caller: Caller,
): Promise<{ payloads: JsonPayload[] }> {
  let done: Payload[];
  try {
    done = await codec[what](payloads.map(fromJson));
  } catch (error) {
    // The codec's messages are meant for users: for example, which key is missing.
    throw new Problem(422, error instanceof Error ? error.message : 'The payloads cannot be read', { type: 'payload' });
  }
  if (what === 'decode') onDecoded(caller, payloads.length);
  return { payloads: done.map((payload, i) => toJson(payload, payloads[i] ?? {})) };
}

function fromJson({ metadata = {}, data }: JsonPayload): Payload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    ...(data !== undefined && { data: Buffer.from(data, 'base64') }),
  };
}

/**
 * Converts a payload to JSON. Fields other than metadata and data (references to payloads stored elsewhere) are
 * returned unchanged.
 */
function toJson({ metadata, data }: Payload, given: JsonPayload): JsonPayload {
  return {
    ...given,
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
    ...(data && { data: Buffer.from(data).toString('base64') }),
  };
}
