import { z } from 'zod';
import { wholeTextOf } from '../../domain/edge/schemas';
import { idSchema } from '../schemas';

/** Path parameters of a board. */
export const boardParams = z.object({ gameId: idSchema });
/** Schema of a season's number in a path or query. */
export const seasonNumber = wholeTextOf(1, 999_999_999);
