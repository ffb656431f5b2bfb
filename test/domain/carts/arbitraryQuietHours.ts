import * as fc from 'fast-check';
import type { QuietHours } from '../../../src/domain/carts/preferences';

/** Zones whose clocks change on different days, by different steps, or not at all. */
export const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'America/St_Johns',
];

/** Nights of up to 20 hours. */
export const arbitraryQuiet = fc
  .record({ from: fc.integer({ min: 0, max: 1_439 }), length: fc.integer({ min: 1, max: 1_200 }) })
  .map(({ from, length }): QuietHours => ({ from, to: (from + length) % 1_440 }));
