import type { Readiness } from '../api/platform/health';
import type { PlatformConfig } from '../config';
import type { AnyCapability } from './capability';
import type { Endpoints } from '../config/endpoints';

/** The settings of {@link buildGraph}. */
export interface GraphSettings {
  /** The settings of the platform and of the capabilities. */
  config: PlatformConfig;
  /** The capabilities of the process. Default: those of `LONGWATCH_CAPABILITIES`. */
  capabilities?: readonly AnyCapability[];
  endpoints: Endpoints;
  /** Key that signs customers' links; the key of webhooks is derived from it. */
  signingSecret: string;
  /** Returns the address at which customers reach the API. It is known once the API listens. */
  publicUrl(): string;
  /** Duration of one attempt of the relay or of a stream reader, in milliseconds. Default: one hour. */
  attemptMs?: number;
  /** Token in the link with which the embedded Web UI asks the API to decrypt payloads. */
  codecLinkToken?: string;
  /** Returns the state of this process's workers. Default: the workers run in another process. */
  workerState?(): Readiness['worker'];
  /** Longwatch's version, as the overview page shows it. */
  version?: string;
}
