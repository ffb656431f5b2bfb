/** Local hours in which nobody is reminded, minutes from midnight; from 21:00 to 08:00 goes over midnight. */
export interface QuietHours {
  from: number;
  to: number;
}

export interface CartPreferences {
  /** False after an unsubscription. */
  reminders: boolean;
  /** IANA name. */
  timeZone: string;
  /** Whom the reminders go to: an address, or what the channels know the user by; absent: the user's id. */
  recipient?: string;
  /** Absent: the shop's. */
  quietHours?: QuietHours | null;
}

export const defaultPreferences: CartPreferences = { reminders: true, timeZone: 'UTC' };

/** @returns minutes from midnight, or undefined for anything but `HH:MM`. */
export function minutesOf(text: string): number | undefined {
  const [, hours = '', minutes = ''] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  return hours === '' ? undefined : Number(hours) * 60 + Number(minutes);
}

/** `HH:MM-HH:MM` as quiet hours; null for `none`, undefined for anything else. */
export function parseQuietHours(text: string): QuietHours | null | undefined {
  if (text === 'none') return null;
  const [from, to, ...rest] = text.split('-').map(minutesOf);
  return from === undefined || to === undefined || rest.length > 0 || from === to ? undefined : { from, to };
}

export function formatQuietHours(hours: QuietHours | null): string {
  const clock = (minutes: number) =>
    `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return hours ? `${clock(hours.from)}-${clock(hours.to)}` : 'none';
}
