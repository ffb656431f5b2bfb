import { createHmac, timingSafeEqual } from 'node:crypto';
import { LongwatchError } from '../domain/errors';
import { ID_PATTERN } from '../domain/ids';

export interface SignedLinksSettings {
  secret: string;
  /** Part of what is signed: a link for one purpose opens nothing else. */
  purpose: string;
  /** What to tell whose time is over. */
  overdue: string;
}

/** Tokens for customers' links: each for one subject, signed, expiring, and the same however often it is made. */
export class SignedLinks {
  constructor(private readonly settings: SignedLinksSettings) {}

  /** @param until epoch ms. */
  token(subject: string, until: number): string {
    const claim = Buffer.from(`${until}.${subject}`).toString('base64url');
    return `${claim}.${this.sign(claim)}`;
  }

  /** @throws LongwatchError `notFound` for anything that we did not sign, `conflict` after its time. */
  open(token: string, now: number): { subject: string; until: number } {
    const [claim = '', signature = '', ...rest] = token.split('.');
    const [wanted, found] = [Buffer.from(this.sign(claim)), Buffer.from(signature)];
    if (rest.length > 0 || wanted.length !== found.length || !timingSafeEqual(wanted, found))
      throw new LongwatchError('notFound', 'This link is not one of ours, or it is incomplete');
    const [, until = '', subject = ''] = /^(\d+)\.(.+)$/.exec(Buffer.from(claim, 'base64url').toString()) ?? [];
    if (!ID_PATTERN.test(subject)) throw new LongwatchError('notFound', 'This link is not one of ours');
    if (now > Number(until)) throw new LongwatchError('conflict', this.settings.overdue);
    return { subject, until: Number(until) };
  }

  private sign(claim: string): string {
    return createHmac('sha256', this.settings.secret).update(`${this.settings.purpose}.${claim}`).digest('base64url');
  }
}
