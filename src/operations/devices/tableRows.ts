import type { Day } from '../../domain/devices/days';
import type { ReadingStore, StoredRow } from '../../stores/devices/readings';

/** Devices whose first pages are fetched ahead, of up to a megabyte each. */
const AHEAD = 4;

/** A device, or a stretch of its day: epoch ms, the end left out. */
export interface DeviceStretch {
  deviceId: string;
  from?: number;
  to?: number;
}

/**
 * The rows of some devices' day, device by device in the order given, each in order of time. A page of the table at a
 * time.
 */
export async function* tableRows(
  readings: ReadingStore,
  day: Day,
  stretches: readonly DeviceStretch[],
): AsyncGenerator<StoredRow[]> {
  const ahead: AsyncGenerator<StoredRow[]>[] = [];
  const first: Promise<IteratorResult<StoredRow[]>>[] = [];
  let next = 0;
  const fetch = () => {
    const stretch = stretches[next++];
    if (!stretch) return;
    const pages = readings.pages({ ...stretch, day });
    const page = pages.next();
    page.catch(() => undefined); // Thrown where it is awaited.
    ahead.push(pages);
    first.push(page);
  };
  for (let i = 0; i < AHEAD; i++) fetch();
  for (let pages = ahead.shift(), page = first.shift(); pages && page; pages = ahead.shift(), page = first.shift()) {
    fetch();
    for (let result = await page; !result.done;) {
      const following = pages.next();
      following.catch(() => undefined); // The same.
      if (result.value.length > 0) yield result.value;
      result = await following;
    }
  }
}
