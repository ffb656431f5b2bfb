import { z } from 'zod';
import { lines, linkOf, textUses } from '../edge/schemas';
import { MAX_LINK, MAX_MEDIA, MAX_TEXT } from './post';

/** Schema of a post's text. The limit counts Unicode code points, so a simple emoji is one character. */
export const textSchema = lines()
  .refine((text) => text.trim().length > 0, 'must not be empty')
  .refine((text) => [...text].length <= MAX_TEXT, `must be at most ${MAX_TEXT} characters`)
  .register(textUses, { use: 'lines' });
/** Schema of a post's links. */
export const mediaSchema = z
  .array(linkOf(MAX_LINK), 'must be a list of links')
  .max(MAX_MEDIA, `must be at most ${MAX_MEDIA} links`);
