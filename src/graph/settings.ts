import type { Readiness } from '../api/platform/health';
import type { PlatformConfig } from '../config';
import type { AnyCapability } from './capability';
import type { Endpoints } from '../config/endpoints';

export interface GraphSettings {
  /** With the settings of the capabilities. */
  config: PlatformConfig;
  /** Default: those that LONGWATCH_CAPABILITIES lists. */
  capabilities?: readonly AnyCapability[];
  endpoints: Endpoints;
  /** Signs customers' links and webhooks. */
  signingSecret: string;
  /** Address of the API as customers reach it, known once it listens. */
  publicUrl(): string;
  /** How long one attempt of the relay or of a shard's reader runs, in milliseconds; default an hour. */
  attemptMs?: number;
  /** Token in the link by which the embedded Web UI has payloads decrypted. */
  codecLinkToken?: string;
  /** State of this process's workers; by default they run elsewhere. */
  workerState?(): Readiness['worker'];
  /** Longwatch's version, for people. */
  version?: string;
}
