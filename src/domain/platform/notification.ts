/** A message to a person or a team, which the notification channels send. */
export interface Notification {
  /** The same each time the message is sent, so that receivers can drop duplicates. */
  id: string;
  recipient: string;
  subject: string;
  text: string;
  /** A link for the recipient only; it is neither stored nor logged. */
  link?: string;
  /** Epoch ms. */
  at: number;
}
