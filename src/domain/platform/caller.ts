/** Who may call what: payment systems, people who work on cases, those above them, operators, and customers. */
export const roles = ['service', 'investigator', 'supervisor', 'admin', 'customer'] as const;
export type Role = (typeof roles)[number];

/** An authenticated caller. */
export interface Caller {
  name: string;
  role: Role;
  via: 'api-key' | 'jwt';
}
