import { SignedLinks } from '../signedLinks';

/** The link in a customer's "was this you?". */
export class AnswerLinks {
  private readonly signed: SignedLinks;

  constructor(
    secret: string,
    /** Address of the API as customers reach it, known once it listens. */
    private readonly publicUrl: () => string,
  ) {
    this.signed = new SignedLinks({
      secret,
      purpose: 'answer',
      overdue: 'The time to answer is over; please call us instead',
    });
  }

  /** @param until epoch ms. */
  link(transactionId: string, until: number): string {
    return `${this.publicUrl()}/v1/alerts/${this.signed.token(transactionId, until)}/answer`;
  }

  /**
   * The transaction that a token is for.
   * @throws LongwatchError `notFound` for anything that we did not sign, `conflict` after its time.
   */
  open(token: string, now: number): { transactionId: string; until: number } {
    const { subject, until } = this.signed.open(token, now);
    return { transactionId: subject, until };
  }
}
