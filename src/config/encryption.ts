import { z } from 'zod';
import { parsePayloadKeys } from '../gateways/encryption/keys';
import { listOf, url } from './values';

/** Settings that encrypt the payloads of workflows and let the Web UI decrypt them. */
export const encryptionSettings = {
  LONGWATCH_PAYLOAD_KEYS: z
    .string()
    .default('')
    .transform((text, context) => {
      try {
        return text === '' ? [] : parsePayloadKeys(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    })
    .describe(
      'AES-256 keys that encrypt the payloads of workflows, as id:base64,…; the first encrypts, all ' +
        'decrypt. Default: no encryption',
    ),
  LONGWATCH_PAYLOAD_KMS_KEYS: listOf(
    /^[A-Za-z0-9:/_-]{1,2048}$/,
    'must be ids, ARNs or aliases of KMS keys, comma separated',
  ).describe(
    'AWS KMS keys for envelope encryption of the payloads of workflows, comma separated; the first ' +
      'generates data keys, all decrypt them',
  ),
  KMS_ENDPOINT: url.optional().describe('URL of a KMS other than AWS itself'),
  LONGWATCH_UI_ORIGINS: listOf(
    /^https?:\/\/[^/?#]+$/,
    'must be origins like https://temporal.example.com, comma separated',
  ).describe(
    'Origins of the Web UIs that may decrypt payloads through the API, comma separated; those of ' +
      'TEMPORAL_UI_URL and of the embedded Web UI are always allowed',
  ),
};
