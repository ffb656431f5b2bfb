import type { AlertEvent } from '../../domain/devices/alerts';

/** What the workflows of devices may ask for. Every one may run twice. */
export interface DeviceActivities {
  /** Tells people of alerts that were raised or cleared. */
  tellAlerts(events: readonly AlertEvent[]): Promise<void>;
  /** Looks at deadlines of devices that are due, again and again, for about an hour; heartbeats. @returns how many devices went silent. */
  watchSilence(): Promise<number>;
}
