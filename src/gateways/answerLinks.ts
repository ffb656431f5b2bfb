import { createHmac, timingSafeEqual } from 'node:crypto';
import { LongwatchError } from '../domain/errors';
import { ID_PATTERN } from '../domain/ids';

/** The link in a customer's "was this you?": signed, expiring, and the same however often it is made. */
export class AnswerLinks {
  constructor(
    private readonly secret: string,
    /** Address of the API as customers reach it, known once it listens. */
    private readonly publicUrl: () => string,
  ) {}

  /** @param until epoch ms. */
  link(transactionId: string, until: number): string {
    return `${this.publicUrl()}/v1/alerts/${this.token(transactionId, until)}/answer`;
  }

  token(transactionId: string, until: number): string {
    const claim = Buffer.from(`${until}.${transactionId}`).toString('base64url');
    return `${claim}.${this.sign(claim)}`;
  }

  /**
   * The transaction that a token is for.
   * @throws LongwatchError `notFound` for anything that we did not sign, `conflict` after its time.
   */
  open(token: string, now: number): { transactionId: string; until: number } {
    const [claim = '', signature = ''] = token.split('.');
    const [wanted, found] = [Buffer.from(this.sign(claim)), Buffer.from(signature)];
    if (wanted.length !== found.length || !timingSafeEqual(wanted, found))
      throw new LongwatchError('notFound', 'This link is not one of ours, or it is incomplete');
    const [, until = '', transactionId = ''] = /^(\d+)\.(.+)$/.exec(Buffer.from(claim, 'base64url').toString()) ?? [];
    if (!ID_PATTERN.test(transactionId)) throw new LongwatchError('notFound', 'This link is not one of ours');
    if (now > Number(until)) throw new LongwatchError('conflict', 'The time to answer is over; please call us instead');
    return { transactionId, until: Number(until) };
  }

  private sign(claim: string): string {
    return createHmac('sha256', this.secret).update(`answer.${claim}`).digest('base64url');
  }
}
