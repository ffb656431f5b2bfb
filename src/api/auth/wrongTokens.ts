import { LRUCache } from 'lru-cache';
import { networkOf } from '../http/clientAddress';
import { type Clock, systemClock } from '../../timing/clock';

const MINUTE = 60_000;
/** Wrong tokens that an address may send within a minute before it must wait. */
const WRONG_A_MINUTE = 20;
/** How long an address stays trusted for a key that was used from it. */
const KNOWN_MS = 60 * MINUTE;
const REMEMBERED = 10_000;

/**
 * Slows down clients that guess tokens, without locking out others. An address with too many wrong tokens must wait;
 * meanwhile even a correct key is refused, unless that key was used from the same address within the hour (as OWASP's
 * device cookies do for passwords). Memory is bounded: the least recently seen address is evicted first.
 */
export class WrongTokens {
  private readonly wrong = new LRUCache<string, { count: number; since: number }>({ max: REMEMBERED });
  private readonly known = new LRUCache<string, number>({ max: REMEMBERED });

  constructor(private readonly clock: Clock = systemClock) {}

  /** Returns the milliseconds that an address must wait; 0 if it need not wait. */
  waitMs(address: string): number {
    const seen = this.wrong.get(networkOf(address));
    if (!seen || seen.count < WRONG_A_MINUTE) return 0;
    return Math.max(0, seen.since + MINUTE - this.clock.now());
  }

  /** Counts a wrong token from an address. */
  failed(address: string): void {
    const network = networkOf(address);
    const seen = this.wrong.get(network);
    const goesOn = seen !== undefined && this.clock.now() - seen.since < MINUTE;
    this.wrong.set(
      network,
      goesOn ? { count: seen.count + 1, since: seen.since } : { count: 1, since: this.clock.now() },
    );
  }

  /**
   * Returns whether this key was used from the address within the hour.
   * @param who name of the key
   */
  isKnown(address: string, who: string): boolean {
    const at = this.known.get(`${networkOf(address)} ${who}`);
    return at !== undefined && this.clock.now() - at < KNOWN_MS;
  }

  /** Records that a key was used from an address. */
  succeeded(address: string, who: string): void {
    this.known.set(`${networkOf(address)} ${who}`, this.clock.now());
  }

  /** Number of entries in memory. */
  get remembered(): number {
    return this.wrong.size + this.known.size;
  }
}
