import type { DataConverter } from '@temporalio/common';
import type { Logger } from 'pino';
import { codecRoutes } from '../api/platform/codec';
import type { AnyRoute } from '../api/http/router';
import type { PlatformConfig } from '../config';
import { LOCAL_CREDENTIALS } from '../config/endpoints';
import { defined } from '../domain/defined';
import { EncryptionCodec } from '../gateways/encryption/codec';
import { ConfiguredKeys, type KeyRing } from '../gateways/encryption/keys';
import { kmsClient, KmsKeys, MigratingKeys } from '../gateways/encryption/kmsKeys';
import type { CallWatch } from '../telemetry/calls';

/** The encryption of payloads in Temporal. */
export interface Encryption {
  /** The data converter of clients and workers. */
  dataConverter: DataConverter;
  routes: readonly AnyRoute[];
}

type Settings = Pick<
  PlatformConfig,
  'LONGWATCH_PAYLOAD_KEYS' | 'LONGWATCH_PAYLOAD_KMS_KEYS' | 'KMS_ENDPOINT' | 'AWS_REGION'
>;

/**
 * Builds the encryption of all payloads, and the codec routes that the Web UI calls. Undefined if no keys are
 * configured.
 */
export function buildEncryption(
  config: Settings,
  logger: Logger,
  { linkToken, watch }: { linkToken?: string | undefined; watch?: CallWatch } = {},
): Encryption | undefined {
  const keys = keyRing(config, watch);
  if (!keys) return undefined;
  const codec = new EncryptionCodec(keys);
  return {
    dataConverter: { payloadCodecs: [codec], failureConverterPath: require.resolve('../workflows/failureConverter') },
    routes: codecRoutes({
      codec,
      onDecoded: (who, payloads) =>
        logger.info({ caller: who.name, role: who.role, payloads }, 'payloads were decrypted for a caller'),
      ...defined({ linkToken }),
    }),
  };
}

function keyRing(config: Settings, watch: CallWatch | undefined): KeyRing | undefined {
  const {
    LONGWATCH_PAYLOAD_KEYS: given,
    LONGWATCH_PAYLOAD_KMS_KEYS: kmsKeyIds,
    KMS_ENDPOINT: endpoint,
    AWS_REGION: region,
  } = config;
  if (kmsKeyIds.length === 0) return given.length === 0 ? undefined : new ConfiguredKeys(given);
  const client = kmsClient({
    region,
    ...(endpoint && { endpoint, credentials: LOCAL_CREDENTIALS }),
    ...defined({ watch }),
  });
  return new MigratingKeys(new KmsKeys(client, kmsKeyIds), new ConfiguredKeys(given));
}
