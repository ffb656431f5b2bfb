import { LRUCache } from 'lru-cache';

const MINUTE = 60_000;
/** Wrong tokens that an address may send within a minute before it must wait. */
const WRONG_A_MINUTE = 20;
/** How long who came with a key from an address is known there. */
const KNOWN_MS = 60 * MINUTE;
const REMEMBERED = 10_000;

/**
 * Slows down who guesses, and nobody else: an address with too many wrong tokens must wait, and meanwhile not even a
 * right guess is let in, but a key that was used from there within the hour is (OWASP's device cookies, for keys).
 * Bounded: the least recently seen is forgotten first.
 */
export class Guesses {
  private readonly wrong = new LRUCache<string, { count: number; since: number }>({ max: REMEMBERED });
  private readonly known = new LRUCache<string, number>({ max: REMEMBERED });

  constructor(private readonly now: () => number = () => Date.now()) {}

  /** Milliseconds that an address must wait; 0 when it need not. */
  waitMs(address: string): number {
    const seen = this.wrong.get(networkOf(address));
    if (!seen || seen.count < WRONG_A_MINUTE) return 0;
    return Math.max(0, seen.since + MINUTE - this.now());
  }

  failed(address: string): void {
    const network = networkOf(address);
    const seen = this.wrong.get(network);
    const goesOn = seen !== undefined && this.now() - seen.since < MINUTE;
    this.wrong.set(network, goesOn ? { count: seen.count + 1, since: seen.since } : { count: 1, since: this.now() });
  }

  /** @param who name of a key. */
  isKnown(address: string, who: string): boolean {
    const at = this.known.get(`${networkOf(address)} ${who}`);
    return at !== undefined && this.now() - at < KNOWN_MS;
  }

  succeeded(address: string, who: string): void {
    this.known.set(`${networkOf(address)} ${who}`, this.now());
  }

  get remembered(): number {
    return this.wrong.size + this.known.size;
  }
}

/** What one guesser has: an IPv4 address, or the 64 bits of IPv6 that one household or host is given. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [left = [], right] = address.split('::').map((side) => side.split(':').filter(Boolean));
  const zeros = right === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array<string>(zeros).fill('0'), ...(right ?? [])].slice(0, 4).join(':');
}
