/** The roles of callers: payment systems (`service`), investigators, their supervisors, operators, customers. */
export const roles = ['service', 'investigator', 'supervisor', 'admin', 'customer'] as const;
/** One of {@link roles}. */
export type Role = (typeof roles)[number];

/** An authenticated caller. */
export interface Caller {
  name: string;
  role: Role;
  via: 'api-key' | 'jwt';
}
