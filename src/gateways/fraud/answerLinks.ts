import { SignedLinks } from '../signedLinks';

/** Signed links to the page "was this you?" of a payment. */
export class AnswerLinks {
  private readonly signed: SignedLinks;

  constructor(
    secret: string,
    /** Returns the base URL of the API as customers reach it. It is known once the server listens. */
    private readonly publicUrl: () => string,
  ) {
    this.signed = new SignedLinks({
      secret,
      purpose: 'answer',
      overdue: 'The time to answer is over. Please call us instead',
    });
  }

  /** Returns the link for a payment. @param until expiry, epoch ms */
  link(transactionId: string, until: number): string {
    return `${this.publicUrl()}/v1/alerts/${this.signed.token(transactionId, until)}/answer`;
  }

  /**
   * Returns the payment that a token is for.
   * @throws LongwatchError `notFound` if the signature does not match, `conflict` if the token has expired
   */
  open(token: string, now: number): { transactionId: string; until: number } {
    const { subject, until } = this.signed.open(token, now);
    return { transactionId: subject, until };
  }
}
