import type { DeviceStore } from '../../stores/devices/devices';
import { ERASE_TYPE, eraseStart, eraseWorkflowId, erasureOf } from '../../domain/devices/workflows';
import { type Clock, systemClock } from '../../timing/clock';
import type { ReconciledRows } from '../platform/reconciliation/reconciledRows';

/** Devices that are being erased, for the reconciler. */
export function erasureRows(
  devices: DeviceStore,
  settings: { eraseAfterMs: number },
  clock: Clock = systemClock,
): ReconciledRows {
  const erasing = async (workflowId: string) => {
    const of = erasureOf(workflowId);
    const device = of && (await devices.get(of.deviceId));
    return of && { ...of, isOpen: device?.erasingSince === of.requestedAt };
  };
  return {
    workflowType: ERASE_TYPE,
    foundBy: 'pages',
    async open(cursor) {
      const page = await devices.erasing(cursor);
      return {
        ...page,
        items: page.items.map(({ deviceId, since }) => ({ workflowId: eraseWorkflowId(deviceId, since), since })),
      };
    },
    async startOf(workflowId) {
      const found = await erasing(workflowId);
      return found?.isOpen ? eraseStart(found.deviceId, found.requestedAt, settings.eraseAfterMs) : undefined;
    },
    // A workflow that is reset after its end would erase readings that the device has sent since.
    async endedBecause(workflowId, graceMs) {
      const found = await erasing(workflowId);
      return found && !found.isOpen && found.requestedAt < clock.now() - graceMs
        ? `device ${found.deviceId} is no longer being erased`
        : undefined;
    },
  };
}
