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
      'Encrypts all that workflows hold: AES-256 keys as id:base64,… ; the first encrypts, all decrypt; none: ' +
        'nothing is encrypted',
    ),
  LONGWATCH_PAYLOAD_KMS_KEYS: listOf(
    /^[A-Za-z0-9:/_-]{1,2048}$/,
    'must be ids, ARNs or aliases of KMS keys, comma separated',
  ).describe('The same by AWS KMS: keys that data keys are wrapped with, comma separated; the first wraps, all unwrap'),
  KMS_ENDPOINT: url.optional().describe('AWS KMS other than AWS itself'),
  LONGWATCH_UI_ORIGINS: listOf(
    /^https?:\/\/[^/?#]+$/,
    'must be origins like https://temporal.example.com, comma separated',
  ).describe(
    'Origins of Web UIs that may ask the API to decrypt payloads; that of TEMPORAL_UI_URL and of the embedded ' +
      'Web UI always may',
  ),
};
