import type { Day } from '../../domain/devices/days';
import { DEVICE_DATA_STREAM } from '../../domain/devices/workflows';
import type { DeviceMetrics } from '../../metrics/devices';
import { readingChanges } from '../../operations/devices/readingChanges';
import type { DeviceReads } from '../../operations/devices/reads';
import { RollupCheck } from '../../operations/devices/rollupCheck';
import { RollupCheckStarts } from '../../operations/devices/rollupCheckStarts';
import { readStream } from '../capability';
import { tableStream } from '../consumers';
import type { buildAlerts } from './alerts';
import { retentionOf } from './days';
import type { DeviceServices, DeviceStores } from './stores';

/** The parts that {@link buildRollups} needs. */
export interface RollupNeeds {
  stores: DeviceStores;
  reads: DeviceReads;
  alerts: ReturnType<typeof buildAlerts>;
}

/**
 * Builds the rollups. The table's stream updates them, and a check compares them with the readings after a gap in the
 * stream.
 */
export function buildRollups(
  services: DeviceServices,
  metrics: DeviceMetrics,
  { stores, reads, alerts: { rules, alerts } }: RollupNeeds,
) {
  const { config, startOnce, onFault, onSkipped } = services;
  const check = new RollupCheck(
    {
      ...stores,
      reads,
      onReplaced: (count) => metrics.rollupsReplaced(count),
      onSkipped: onSkipped('rollup'),
    },
    { kept: retentionOf(config).rollups, lateWindowMs: config.LONGWATCH_LATE_WINDOW_MS },
  );
  const checks = new RollupCheckStarts({ check, startOnce, onFault });
  return {
    check,
    startCheck: (day: Day) => checks.start(day),
    stream: readStream({
      name: DEVICE_DATA_STREAM,
      summary: 'Updates rollups and alerts from the readings of devices',
      source: tableStream(services, 'DeviceData'),
      handler: readingChanges({ ...stores, rules, alerts }),
      onGap: () => checks.afterGap(),
    }),
  };
}
