import { rowed, type Lifecycles } from '../platform/lifecycle';

/** The lifecycle rules of the workflow types of carts; decision 0034 has the reasons. */
export const cartLifecycles = {
  cart: rowed('The cart ends when it is ordered, emptied, merged or abandoned: DELETE /v1/carts/{userId} empties it.'),
  checkout: rowed(
    'The checkout ends when it is confirmed, cancelled or expired: POST /v1/checkouts/{id}/cancel cancels it.',
  ),
} as const satisfies Lifecycles;
