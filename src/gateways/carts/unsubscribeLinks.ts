import { SignedLinks } from '../signedLinks';

/** A mail may be opened long after it came. */
const VALID_MS = 365 * 24 * 3_600_000;

/** The link in a reminder that ends the reminders. */
export class UnsubscribeLinks {
  private readonly signed: SignedLinks;

  constructor(
    secret: string,
    /** Address of the API as customers reach it, known once it listens. */
    private readonly publicUrl: () => string,
  ) {
    this.signed = new SignedLinks({
      secret,
      purpose: 'unsubscribe',
      overdue: 'This link is too old; a newer reminder has one that works',
    });
  }

  link(userId: string, now: number): string {
    return `${this.publicUrl()}/v1/unsubscribe/${this.signed.token(userId, now + VALID_MS)}`;
  }

  /** @throws LongwatchError as `SignedLinks.open`. */
  open(token: string, now: number): { userId: string } {
    return { userId: this.signed.open(token, now).subject };
  }
}
