/** Local hours without reminders, in minutes from midnight. From 21:00 to 08:00 spans midnight. */
export interface QuietHours {
  from: number;
  to: number;
}

/** A user's preferences for cart reminders. */
export interface CartPreferences {
  /** False after an unsubscription. */
  reminders: boolean;
  /** IANA time zone. */
  timeZone: string;
  /** The recipient of reminders: an address, or an id that the channels know; absent: the user's id. */
  recipient?: string;
  /** Null: none. Absent: the shop's quiet hours. */
  quietHours?: QuietHours | null;
}

/** The preferences of a user who has set none. */
export const defaultPreferences: CartPreferences = { reminders: true, timeZone: 'UTC' };

/** Parses `HH:MM`. @returns minutes from midnight, or undefined for any other text. */
export function minutesOf(text: string): number | undefined {
  const [, hours = '', minutes = ''] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  return hours === '' ? undefined : Number(hours) * 60 + Number(minutes);
}

/** Parses quiet hours `HH:MM-HH:MM`; returns null for `none`, undefined for any other text. */
export function parseQuietHours(text: string): QuietHours | null | undefined {
  if (text === 'none') return null;
  const [from, to, ...rest] = text.split('-').map(minutesOf);
  return from === undefined || to === undefined || rest.length > 0 || from === to ? undefined : { from, to };
}

/** Formats quiet hours as {@link parseQuietHours} reads them. */
export function formatQuietHours(hours: QuietHours | null): string {
  const clock = (minutes: number) =>
    `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return hours ? `${clock(hours.from)}-${clock(hours.to)}` : 'none';
}
