import { types } from 'node:util';

/**
 * Jest runs tests in a realm of their own, where an error of Node's core is not `instanceof Error`: the AWS SDK then
 * wraps it and loses its code, which it never does outside of tests. Here such errors are errors again.
 */
const ordinary = Function.prototype[Symbol.hasInstance];
Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, value: unknown): boolean {
    return ordinary.call(this as () => void, value) || (this === Error && types.isNativeError(value));
  },
});
