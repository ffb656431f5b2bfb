import { createHmac, timingSafeEqual } from 'node:crypto';
import { LongwatchError } from '../domain/errors';
import { ID_PATTERN } from '../domain/ids';

/** Secret and purpose of signed links. */
export interface SignedLinksSettings {
  secret: string;
  /** Included in the signature, so that a link for one purpose is not valid for another. */
  purpose: string;
  /** Message for links that have expired. */
  overdue: string;
}

/**
 * Signed, expiring tokens for links to customers. A token is for one subject. The same subject and expiry always give
 * the same token.
 */
export class SignedLinks {
  constructor(private readonly settings: SignedLinksSettings) {}

  /** Returns a token. @param until expiry, epoch ms */
  token(subject: string, until: number): string {
    const claim = Buffer.from(`${until}.${subject}`).toString('base64url');
    return `${claim}.${this.sign(claim)}`;
  }

  /**
   * Verifies a token and returns its subject.
   * @throws LongwatchError `notFound` if the signature does not match, `conflict` if the token has expired
   */
  open(token: string, now: number): { subject: string; until: number } {
    const [claim = '', signature = '', ...rest] = token.split('.');
    const [wanted, found] = [Buffer.from(this.sign(claim)), Buffer.from(signature)];
    if (rest.length > 0 || wanted.length !== found.length || !timingSafeEqual(wanted, found))
      throw new LongwatchError('notFound', 'This link is not valid, or it is incomplete');
    const [, until = '', subject = ''] = /^(\d+)\.(.+)$/.exec(Buffer.from(claim, 'base64url').toString()) ?? [];
    if (!ID_PATTERN.test(subject)) throw new LongwatchError('notFound', 'This link is not valid');
    if (now > Number(until)) throw new LongwatchError('conflict', this.settings.overdue);
    return { subject, until: Number(until) };
  }

  private sign(claim: string): string {
    return createHmac('sha256', this.settings.secret).update(`${this.settings.purpose}.${claim}`).digest('base64url');
  }
}
