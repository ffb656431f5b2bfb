import { cartLifecycles } from '../../domain/carts/lifecycles';
import { declareLifecycles } from '../lifecycles';

declareLifecycles(cartLifecycles);
export { cart } from './cart';
export { checkout } from './checkout';
