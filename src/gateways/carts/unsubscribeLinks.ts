import { SignedLinks } from '../signedLinks';

/** Validity of a link, in milliseconds: a customer may open a mail long after its arrival. */
const VALID_MS = 365 * 24 * 3_600_000;

/** Signed links with which a customer unsubscribes from reminders. */
export class UnsubscribeLinks {
  private readonly signed: SignedLinks;

  constructor(
    secret: string,
    /** Returns the base URL of the API as customers reach it. It is known once the server listens. */
    private readonly publicUrl: () => string,
  ) {
    this.signed = new SignedLinks({
      secret,
      purpose: 'unsubscribe',
      overdue: 'This link has expired. Use the link in a newer reminder',
    });
  }

  /** Returns the link for a user. It is valid for a year from `now` (epoch ms). */
  link(userId: string, now: number): string {
    return `${this.publicUrl()}/v1/unsubscribe/${this.signed.token(userId, now + VALID_MS)}`;
  }

  /** Returns the user of a link. @throws LongwatchError as `SignedLinks.open` */
  open(token: string, now: number): { userId: string } {
    return { userId: this.signed.open(token, now).subject };
  }
}
